#define _GNU_SOURCE /* mkostemp, flock */

#include "config/save.h"

#include "common/disk.h"
#include "common/mem.h"
#include "config/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What mostly helps. */
static const char *
hint(int why)
{
	switch (why) {
	case EACCES:
	case EPERM:
		return " (use sudo)";
	case ENOSPC:
	case EDQUOT:
		return " (make room: df -h tells where)";
	case EROFS:
		return " (the file system is read-only: mount tells why)";
	default:
		return "";
	}
}

static enum err
failed(struct errbuf *eb, const char *what, const char *path)
{
	int why = errno;
	struct errbuf said;

	errbuf_errno(&said, "cannot %s %s", what, path);
	return errbuf_set(eb, ERR_IO, "%s%s", said.text, hint(why));
}

enum err
save_lock(const char *folder, int *fd, struct errbuf *eb)
{
	*fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return failed(eb, "open", folder);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	close(*fd);
	*fd = -1;
	return errbuf_set(eb, ERR_BUSY,
	    "another thingbridge is changing files of %s; try again when it "
	    "is done",
	    folder);
}

static enum err
read_all(int fd, const char *path, struct buf *out, struct errbuf *eb)
{
	char part[8192];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(eb, "read", path);
		buf_add(out, part, (size_t)n);
		if (out->len > INI_FILE_MAX)
			return errbuf_set(
			    eb, ERR_RANGE, "%s is larger than 16 MiB", path);
	}
	return OK;
}

enum err
save_read(const char *path, struct buf *out, bool *there, struct errbuf *eb)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum err e;

	*there = fd >= 0;
	if (fd < 0 && errno == ENOENT)
		return OK;
	if (fd < 0)
		return failed(eb, "read", path);
	e = read_all(fd, path, out, eb);
	close(fd);
	return e;
}

static bool
take_mode(int fd, const char *path, mode_t mode)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fchmod(fd, mode) == 0;
	/* Only root can give a file away; whoever else writes owns it. */
	if (fchown(fd, st.st_uid, st.st_gid) != 0 && errno != EPERM)
		return false;
	return fchmod(fd, mode & 0077 ? st.st_mode & 0777 : mode) == 0;
}

static bool
write_fresh(int fd, const char *path, const struct buf *text, mode_t mode)
{
	int why = 0;

	if (!take_mode(fd, path, mode) ||
	    !disk_write(fd, text->data, text->len) || fsync(fd) != 0)
		why = errno;
	if (close(fd) != 0 && !why)
		why = errno;
	errno = why;
	return why == 0;
}

/* The name begins with a dot, so that nobody takes it for a part. */
static char *
fresh_name(const char *path)
{
	char *folder = mem_strdup(path), *file = mem_strdup(path);
	char *fresh =
	    mem_printf("%s/.%s.XXXXXX", dirname(folder), basename(file));

	free(folder);
	free(file);
	return fresh;
}

static enum err
write_at(
    const char *path, const struct buf *text, mode_t mode, struct errbuf *eb)
{
	char *fresh = fresh_name(path);
	int fd = mkostemp(fresh, O_CLOEXEC);
	enum err e = OK;

	if (fd < 0) {
		e = failed(eb, "write", path);
	} else if (!write_fresh(fd, path, text, mode) ||
	    rename(fresh, path) != 0) {
		e = failed(eb, "write", path);
		(void)unlink(fresh); /* that it failed is told */
	} else if (!disk_sync_folder(path)) {
		e = failed(eb, "keep", path);
	}
	free(fresh);
	return e;
}

enum err
save_write(
    const char *path, const struct buf *text, mode_t mode, struct errbuf *eb)
{
	char *real = realpath(path, NULL);
	enum err e = write_at(real ? real : path, text, mode, eb);

	free(real);
	return e;
}

enum err
save_remove(const char *path, struct errbuf *eb)
{
	if (unlink(path) != 0 || !disk_sync_folder(path))
		return failed(eb, "remove", path);
	return OK;
}
