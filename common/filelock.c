#include "common/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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
	if (code == ELOOP)
		return errbuf_set(eb, ERR_IO,
		    "it is a symbolic link; name the file that it leads to");
	return errbuf_set(eb, ERR_IO, "%s", strerror(code));
}

/* Whoever had it may have put another file in its place meanwhile. */
static bool
is_still_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
	    mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

enum err
filelock_take(const char *path, const char *who, int *fd, struct errbuf *eb)
{
	int code;

	/* Behind a link could be anybody's file, whose mode is not ours. */
	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return refuse(errno, who, eb);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && fchmod(*fd, 0600) == 0)
		code = is_still_at(*fd, path) ? 0 : EWOULDBLOCK;
	else
		code = errno;
	if (code == 0)
		return OK;
	close(*fd);
	*fd = -1;
	return refuse(code, who, eb);
}
