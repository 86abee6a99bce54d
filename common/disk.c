#define _GNU_SOURCE /* mkostemp */

#include "common/disk.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
disk_write(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool
disk_sync_folder(const char *path)
{
	char *copy = mem_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	free(copy);
	errno = why;
	return good;
}

/* The content first: a name must not lead to what is not there yet. */
bool
disk_place(int fd, const char *fresh, const char *path)
{
	return fsync(fd) == 0 && rename(fresh, path) == 0 &&
	    disk_sync_folder(path);
}

/* What sudo leaves of who ran it: digits alone, and not the number that means
 * none. */
static bool
sudo_id(const char *name, uint32_t *out)
{
	const char *s = getenv(name); /* NOLINT(concurrency-mt-unsafe) */
	uintmax_t n;

	if (!s || !*s || s[strspn(s, "0123456789")])
		return false;
	errno = 0;
	n = strtoumax(s, NULL, 10);
	*out = (uint32_t)n;
	return errno == 0 && n < UINT32_MAX;
}

static bool
ran_sudo(uint32_t *uid, uint32_t *gid)
{
	return getuid() == 0 && geteuid() == 0 && sudo_id("SUDO_UID", uid) &&
	    sudo_id("SUDO_GID", gid);
}

static bool
fill_fresh(
    int fd, const char *fresh, const char *path, const void *data, size_t len)
{
	uint32_t uid, gid;

	/* A FAT stick has no owners, and is written all the same. */
	if (ran_sudo(&uid, &gid) && fchown(fd, uid, gid) != 0)
		errno = 0;
	return disk_write(fd, data, len) && disk_place(fd, fresh, path);
}

static bool
replace(const char *path, const void *data, size_t len)
{
	char *fresh = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(fresh, O_CLOEXEC);
	bool good = fd >= 0 && fill_fresh(fd, fresh, path, data, len);
	int why = errno;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !good)
		(void)unlink(fresh); /* that it failed is told */
	free(fresh);
	errno = why;
	return good;
}

static bool
is_ours(const struct stat *st)
{
	uint32_t uid, gid;

	return st->st_uid == 0 || st->st_uid == geteuid() ||
	    (ran_sudo(&uid, &gid) && st->st_uid == uid);
}

/* A file that others read is narrowed, and emptied, once it is known whose it
 * is. */
static bool
take_over(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	errno = EPERM;
	if (S_ISFIFO(st.st_mode))
		return is_ours(&st);
	if (!S_ISREG(st.st_mode))
		return true;
	return is_ours(&st) && fchmod(fd, S_IRUSR | S_IWUSR) == 0 &&
	    ftruncate(fd, 0) == 0;
}

static bool
write_there(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), why = 0;

	if (fd < 0)
		return false;
	if (!take_over(fd) || !disk_write(fd, data, len))
		why = errno;
	if (close(fd) != 0 && !why)
		why = errno;
	errno = why;
	return why == 0;
}

bool
disk_private(const char *path, const void *data, size_t len)
{
	struct stat st;

	if (lstat(path, &st) != 0 || S_ISREG(st.st_mode))
		return replace(path, data, len);
	if (is_ours(&st) || S_ISCHR(st.st_mode))
		return write_there(path, data, len);
	errno = EPERM;
	return false;
}
