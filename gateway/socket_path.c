#include "gateway/socket_path.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Whether somebody answers at the path; a socket without one is left over. */
static bool
alive(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	if (fd < 0)
		return false;
	memcpy(a.sun_path, path, strlen(path));
	yes = connect(fd, (const struct sockaddr *)(const void *)&a,
		  sizeof(a)) == 0;
	close(fd);
	return yes;
}

enum err
socket_path_clear(const char *path, struct errbuf *eb)
{
	struct stat st;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return errbuf_set(eb, ERR_CONFIG,
		    "control socket %s: the path is longer than a socket's may "
		    "be",
		    path);
	if (lstat(path, &st) != 0)
		return OK;
	if (!S_ISSOCK(st.st_mode))
		return errbuf_set(eb, ERR_IO,
		    "control socket %s: a file stands there that is no socket; "
		    "move it away",
		    path);
	if (alive(path))
		return errbuf_set(eb, ERR_BUSY,
		    "control socket %s: another thingbridged answers there",
		    path);
	if (unlink(path) != 0)
		return errbuf_set(
		    eb, ERR_IO, "control socket %s: %s", path, strerror(errno));
	return OK;
}
