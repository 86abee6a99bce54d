#include "xmpp/lowfd.h"

#include <fcntl.h>
#include <sys/select.h>
#include <unistd.h>

bool
lowfd_keep(struct lowfd *l)
{
	if (l->reserve >= 0)
		return true;
	l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (l->reserve < 0)
		return false;
	if (l->reserve < FD_SETSIZE)
		return true;
	lowfd_drop(l);
	return false;
}

bool
lowfd_move(struct lowfd *l, int *fd)
{
	if (*fd < FD_SETSIZE)
		return true;
	if (l->reserve < 0 || dup2(*fd, l->reserve) < 0)
		return false;
	(void)fcntl(l->reserve, F_SETFD, FD_CLOEXEC);
	close(*fd);
	*fd = l->reserve;
	l->reserve = -1;
	return true;
}

void
lowfd_drop(struct lowfd *l)
{
	if (l->reserve >= 0)
		close(l->reserve);
	l->reserve = -1;
}
