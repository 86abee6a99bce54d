#include "common/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
refuse(int code, const char *who, struct errbuf *eb)
{
	if (code == EWOULDBLOCK)
		return errbuf_set(eb, ERR_BUSY,
		    "another %s uses it; stop that one first", who);
	return errbuf_set(eb, ERR_IO, "%s", strerror(code));
}

enum err
filelock_take(const char *path, const char *who, int *fd, struct errbuf *eb)
{
	int code;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return refuse(errno, who, eb);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && fchmod(*fd, 0600) == 0)
		return OK;
	code = errno;
	close(*fd);
	*fd = -1;
	return refuse(code, who, eb);
}
