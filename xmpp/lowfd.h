/* libstrophe waits with select(2), which ends the process for a descriptor of
 * FD_SETSIZE (1024) or more.  One low descriptor is kept in reserve, and the
 * socket is moved there when the program has opened many files. */
#ifndef XMPP_LOWFD_H
#define XMPP_LOWFD_H

#include <stdbool.h>

/* -1: nothing in reserve. */
struct lowfd {
	int reserve;
};

/* lowfd_keep takes a reserve unless there is one; false: no descriptor below
 * FD_SETSIZE is free. */
bool lowfd_keep(struct lowfd *l);

/* lowfd_move makes *fd a descriptor of the same file below FD_SETSIZE, using
 * up the reserve if it must; false: there is none, and *fd is unchanged. */
bool lowfd_move(struct lowfd *l, int *fd);

void lowfd_drop(struct lowfd *l);

#endif
