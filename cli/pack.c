#define _GNU_SOURCE /* nftw */
#include "cli/pack.h"

#include "cli/spawn.h"
#include "common/disk.h"
#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const pack_parts[] = { "conf.d", "templates", "secrets",
	"labels.ini", NULL };

#define MANIFEST "manifest.json"

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
pack_begin(struct pack *p, const char *where, struct errbuf *eb)
{
	p->folder = mem_printf("%s/.thingbridge-XXXXXX", where);
	if (!mkdtemp(p->folder)) {
		mem_set(&p->folder, NULL);
		return errbuf_errno(eb, "cannot make a folder in %s", where);
	}
	return OK;
}

static int
delete_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

void
pack_fini(struct pack *p)
{
	if (p->folder)
		nftw(p->folder, delete_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
	mem_set(&p->folder, NULL);
}

/* The folder of a member, made when it is not there yet. */
static enum err
make_room(const struct pack *p, const char *name, struct errbuf *eb)
{
	char *folder = mem_strndup(name, strcspn(name, "/"));
	char *inside = pack_path(p, folder);
	enum err e = OK;

	if (access(inside, F_OK) != 0)
		e = make_folder(p, folder, eb);
	free(inside);
	free(folder);
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

/* What tar has written gets its name. */
static bool
keep(const char *fresh, const char *path)
{
	int fd = open(fresh, O_RDONLY | O_CLOEXEC);
	bool kept = fd >= 0 && disk_place(fd, fresh, path);
	int why = errno;

	if (fd >= 0)
		close(fd);
	errno = why;
	return kept;
}

/* The file is there before tar fills it, so that nobody else can read it. */
static enum err
reserve(const char *fresh, struct errbuf *eb)
{
	int fd;

	unlink(fresh);
	fd = open(fresh, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return errbuf_errno(eb, "cannot make %s", fresh);
	close(fd);
	return OK;
}

enum err
pack_write(struct pack *p, const char *file, struct errbuf *eb)
{
	char *fresh = mem_printf("%s.part", file);
	const char *argv[] = { "tar", "--force-local", "-czhf", fresh,
		"--owner=0", "--group=0", "-C", p->folder, "--", ".", NULL };
	enum err e = reserve(fresh, eb);

	if (e == OK && spawn_run(argv) != 0)
		e = errbuf_set(eb, ERR_IO,
		    "%s was not made: is there room, and may all of the "
		    "configuration be read (sudo)?",
		    file);
	if (e == OK && !keep(fresh, file))
		e = errbuf_errno(eb, "cannot write %s", file);
	if (e != OK)
		unlink(fresh);
	free(fresh);
	return e;
}

/* A link that came with it could lead anywhere; a program that runs as root
 * for everybody is as bad. */
static int
refuse_odd(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path, (void)at;
	if (kind == FTW_F)
		return !S_ISREG(st->st_mode) ||
		    (st->st_mode & (S_ISUID | S_ISGID));
	return kind != FTW_D;
}

enum err
pack_read(struct pack *p, const char *file, const char *part, struct errbuf *eb)
{
	char *path = mem_strdup(file), *member = mem_printf("./%s", part);
	const char *argv[] = { "tar", "--force-local", "-xzf", path,
		"--no-same-owner", "-C", p->folder, "--", member, NULL };
	enum err e = OK;

	if (access(file, R_OK) != 0)
		e = errbuf_errno(eb, "%s", file);
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
