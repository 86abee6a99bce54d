/* A change of one configuration file: written whole, checked together with all
 * the others, taken over by the daemon; or put back as it was. */
#ifndef CLI_AMEND_H
#define CLI_AMEND_H

#include "cli/verb.h"
#include "common/buf.h"

#include <stdbool.h>

#define AMEND_ADOPTED "conf.d/90-adopted.conf"

/* Zero-initialised is none. */
struct amend {
	char *conf, *path; /* the main file, and that which changes */
	struct buf was, now;
	bool there;
	int lock;
};

/* amend_running finds the main file of the daemon that answers this call; NULL
 * when the daemon's name of it does not tell, or none answers.
 * Owns:    *conf is owned, and *error, a sentence.
 * Errors:  returns the exit code. */
int amend_running(const struct call *c, char **conf, char **error);

/* amend_same tells whether two names lead to one file. */
bool amend_same(const char *a, const char *b);

/* amend_conf finds the main file of the daemon that answers this call.
 * Owns:    *conf is owned.  Errors: returns the exit code, which was said. */
int amend_conf(const struct call *c, char **conf);

/* amend_begin reads the file of that name beside conf (which it takes), and
 * keeps others of ours from writing there until amend_fini.  `now` is then the
 * caller's to change.  Errors: as amend_conf. */
int amend_begin(char *conf, const char *name, struct amend *a);

/* amend_write writes and checks; amend_take has the daemon read it, too.
 * Errors: as amend_conf, and the file is as it was; but EXIT_TIMEOUT when the
 * daemon's answer did not come. */
int amend_write(struct amend *a);
int amend_take(const struct call *c, struct amend *a);

void amend_fini(struct amend *a);

#endif
