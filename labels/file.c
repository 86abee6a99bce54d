#include "labels/file.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
file_name(const char *path, const char *node)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	const char *base = strrchr(path, '/');
	const char *dot = strrchr(base ? base : path, '.');
	size_t stem = dot ? (size_t)(dot - path) : strlen(path);
	char *safe = mem_strdup(node), *out;

	for (char *p = safe + strspn(safe, plain); *p; p += strspn(p, plain))
		*p = '_';
	out = mem_printf("%.*s-%s%s", (int)stem, path, safe, path + stem);
	free(safe);
	return out;
}

enum err
file_put(int fd, const struct buf *data)
{
	size_t done = 0;

	while (done < data->len) {
		ssize_t n = write(fd, data->data + done, data->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		done += (size_t)n;
	}
	return OK;
}

/* A file that was there keeps its mode on open: it is narrowed before a byte
 * is written.  Devices and pipes are left as they are. */
static enum err
narrow(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	if (!S_ISREG(st.st_mode))
		return OK;
	return fchmod(fd, S_IRUSR | S_IWUSR) == 0 ? OK : ERR_IO;
}

enum err
file_write(const char *path, const struct buf *data, struct errbuf *eb)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	enum err e;

	if (fd < 0)
		return errbuf_errno(eb, "cannot write %s", path);
	e = narrow(fd);
	if (e == OK)
		e = file_put(fd, data);
	if (e != OK)
		errbuf_errno(eb, "cannot write %s", path);
	if (close(fd) != 0 && e == OK)
		e = errbuf_errno(eb, "cannot write %s", path);
	return e;
}
