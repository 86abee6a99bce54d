#define _GNU_SOURCE /* nftw */
#include "cli/pack.h"

#include "cli/spawn.h"
#include "common/disk.h"
#include "common/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const pack_parts[] = { "conf.d", "templates", PACK_SECRETS,
	"labels.ini", NULL };

#define MANIFEST "manifest.json"
#define PART ".thingbridge-backup.part"

enum { WALK_FDS = 16, MANIFEST_MAX = 64 << 10 };

char *
pack_path(const struct pack *p, const char *name)
{
	return mem_printf("%s/%s", p->folder, name);
}

static enum err
make_folder(const struct pack *p, const char *name, struct errbuf *eb)
{
	char *path = pack_path(p, name);
	enum err e = OK;

	if (mkdir(path, 0700) != 0)
		e = errbuf_errno(eb, "cannot make %s", path);
	free(path);
	return e;
}

enum err
pack_begin(struct pack *p, struct errbuf *eb)
{
	p->folder = mem_strdup("/tmp/.thingbridge-XXXXXX");
	if (!mkdtemp(p->folder)) {
		mem_set(&p->folder, NULL);
		return errbuf_errno(eb, "cannot make a folder in /tmp");
	}
	return OK;
}

static int
delete_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void
delete_folder(const char *path)
{
	nftw(path, delete_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}

enum err
pack_begin_at(struct pack *p, const char *path, struct errbuf *eb)
{
	delete_folder(path);
	if (mkdir(path, 0700) != 0)
		return errbuf_errno(eb, "cannot make %s%s", path,
		    errno == EACCES ? " (run it with sudo)" : "");
	p->folder = mem_strdup(path);
	return OK;
}

void
pack_fini(struct pack *p)
{
	if (p->folder)
		delete_folder(p->folder);
	mem_set(&p->folder, NULL);
}

/* The folders of a member, made when they are not there yet. */
static enum err
make_room(const struct pack *p, const char *name, struct errbuf *eb)
{
	enum err e = OK;

	for (size_t n = strcspn(name, "/"); e == OK && name[n];
	     n += 1 + strcspn(name + n + 1, "/")) {
		char *folder = mem_strndup(name, n);
		char *inside = pack_path(p, folder);

		if (access(inside, F_OK) != 0)
			e = make_folder(p, folder, eb);
		free(inside);
		free(folder);
	}
	return e;
}

/* A link is enough: tar follows it. */
enum err
pack_add(struct pack *p, const char *name, const char *path, struct errbuf *eb)
{
	char *link = pack_path(p, name), *target = realpath(path, NULL);
	enum err e = OK;

	if (!target)
		e = errbuf_errno(eb, "%s", path);
	else
		e = make_room(p, name, eb);
	if (target && e == OK && symlink(target, link) != 0)
		e = errbuf_errno(eb, "cannot make %s", link);
	free(target);
	free(link);
	return e;
}

static enum err
add_one(struct pack *p, const char *name, const char *folder, const char *file,
    struct errbuf *eb)
{
	char *inside = mem_printf("%s/%s", name, file);
	char *path = mem_printf("%s/%s", folder, file);
	char *link = pack_path(p, inside);
	enum err e = OK;

	if (access(link, F_OK) != 0)
		e = pack_add(p, inside, path, eb);
	free(link);
	free(path);
	free(inside);
	return e;
}

enum err
pack_add_each(
    struct pack *p, const char *name, const char *path, struct errbuf *eb)
{
	DIR *folder = opendir(path);
	const struct dirent *d;
	char *inside;
	enum err e;

	if (!folder)
		return errno == ENOENT ? OK : errbuf_errno(eb, "%s", path);
	inside = mem_printf("%s/", name);
	e = make_room(p, inside, eb); /* also of an empty one */
	free(inside);
	/* What begins with a dot was not written to its end. */
	while (e == OK && (d = readdir(folder)) != NULL)
		if (d->d_name[0] != '.')
			e = add_one(p, name, path, d->d_name, eb);
	closedir(folder);
	return e;
}

enum err
pack_manifest(struct pack *p, const json_t *manifest, struct errbuf *eb)
{
	char *path = pack_path(p, MANIFEST);
	enum err e = OK;

	if (json_dump_file(manifest, path, JSON_INDENT(1)) != 0)
		e = errbuf_errno(eb, "cannot write %s", path);
	free(path);
	return e;
}

/* Another run has it, or has deleted it meanwhile. */
static bool
is_taken(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK;
	return fstat(fd, &st) != 0 || st.st_nlink == 0;
}

static enum err
busy(const char *fresh, struct errbuf *eb)
{
	return errbuf_set(eb, ERR_BUSY,
	    "another backup is being made (%s); try again when it is done",
	    fresh);
}

/* What a run that was killed left; one at work has a lock on it. */
static enum err
clear(const char *fresh, struct errbuf *eb)
{
	int fd = open(fresh, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool taken = fd >= 0 && is_taken(fd);

	if (!taken)
		unlink(fresh);
	if (fd >= 0)
		close(fd);
	return taken ? busy(fresh, eb) : OK;
}

/* The file is there before tar fills it, so that nobody else can read it. */
static enum err
reserve(const char *fresh, const char *file, int *fd, struct errbuf *eb)
{
	enum err e = clear(fresh, eb);

	if (e != OK)
		return e;
	*fd = open(fresh, O_CREAT | O_EXCL | O_WRONLY, 0600); /* tar gets it */
	if (*fd < 0)
		return errbuf_errno(eb, "cannot write %s", file);
	return is_taken(*fd) ? busy(fresh, eb) : OK;
}

/* tar writes into the file that was made: who owns its folder could have put
 * another under its name meanwhile, and have it all. */
static enum err
fill(const struct pack *p, int fd, const char *file, struct errbuf *eb)
{
	char *made = mem_printf("/proc/self/fd/%d", fd);
	const char *argv[] = { "tar", "--force-local", "-czhf", made,
		"--owner=0", "--group=0", "-C", p->folder, "--", ".", NULL };
	int code = spawn_run(argv);

	free(made);
	if (code == 0)
		return OK;
	return errbuf_set(eb, ERR_IO,
	    "%s was not made: is there room, and may all of the configuration "
	    "be read (sudo)?",
	    file);
}

enum err
pack_write(struct pack *p, const char *file, struct errbuf *eb)
{
	char *copy = mem_strdup(file);
	char *fresh = mem_printf("%s/" PART, dirname(copy));
	int fd = -1;
	enum err e = reserve(fresh, file, &fd, eb);

	if (e == OK) {
		e = fill(p, fd, file, eb);
		if (e == OK && !disk_place(fd, fresh, file))
			e = errbuf_errno(eb, "cannot write %s", file);
		if (e != OK)
			unlink(fresh);
	}
	if (fd >= 0)
		close(fd);
	free(fresh);
	free(copy);
	return e;
}

/* A link that came with it could lead anywhere. */
static int
refuse_odd(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path, (void)at;
	if (kind == FTW_F)
		return !S_ISREG(st->st_mode);
	return kind != FTW_D;
}

enum err
pack_read(struct pack *p, const char *file, const char *part, struct errbuf *eb)
{
	char *path = mem_strdup(file), *member = mem_printf("./%s", part);
	const char *argv[] = { "tar", "--force-local", "-xzf", path,
		"--no-same-owner", "--no-same-permissions", "-C", p->folder,
		"--", member, NULL };
	struct stat st;
	enum err e = OK;

	umask(S_IWGRP | S_IWOTH); /* tar's, for what a pack says of its files */
	if (stat(file, &st) != 0 || access(file, R_OK) != 0)
		e = errbuf_errno(eb, "%s", file);
	else if (!S_ISREG(st.st_mode))
		e = errbuf_set(eb, ERR_PROTO, "%s is no file", file);
	else if (spawn_run(argv) != 0 ||
	    nftw(p->folder, refuse_odd, WALK_FDS, FTW_PHYS) != 0)
		e = errbuf_set(eb, ERR_PROTO,
		    "%s is damaged, or no backup of thingbridge", file);
	free(member);
	free(path);
	return e;
}

enum err
pack_about(
    struct pack *p, const char *file, json_t **manifest, struct errbuf *eb)
{
	char *path = pack_path(p, MANIFEST);
	enum err e = pack_read(p, file, MANIFEST, eb);
	struct stat st;

	*manifest = NULL;
	if (e == OK && stat(path, &st) == 0 && st.st_size <= MANIFEST_MAX)
		*manifest = json_load_file(path, 0, NULL);
	free(path);
	if (e == OK &&
	    json_integer_value(json_object_get(*manifest, "schema")) != 1) {
		json_decref(*manifest);
		*manifest = NULL;
		e = errbuf_set(eb, ERR_PROTO,
		    "%s is no backup that this version can read", file);
	}
	return e;
}
