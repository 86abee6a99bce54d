#include "registry/service.h"

#include "common/disk.h"
#include "common/log.h"
#include "common/mem.h"
#include "registry/dump.h"
#include "registry/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum exit_code
told(enum err e, const struct errbuf *eb)
{
	if (e != OK)
		fprintf(stderr, "thingregistryd: %s\n", eb->text);
	return err_exit(e);
}

/* A file in the making, beside where it will be. */
struct making {
	const char *path;
	char *part;
	int fd;
};

static bool
is_file(const char *store, const char *part, const struct stat *there)
{
	char *path = mem_printf("%s%s", store, part);
	struct stat own;
	bool same = stat(path, &own) == 0 && own.st_dev == there->st_dev &&
	    own.st_ino == there->st_ino;

	free(path);
	return same;
}

/* A device or the store itself must not be replaced. */
static enum err
replaceable(const char *path, const char *store, struct errbuf *eb)
{
	static const char *const parts[] = { "", "-wal", "-shm", "-journal" };
	struct stat there;

	if (stat(path, &there) != 0)
		return OK;
	if (!S_ISREG(there.st_mode))
		return errbuf_set(eb, ERR_IO, "%s: not a regular file", path);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (is_file(store, parts[i], &there))
			return errbuf_set(eb, ERR_IO,
			    "%s: that is the registry's own store", path);
	}
	return OK;
}

static enum err
make(struct making *m, const char *path, const char *store, struct errbuf *eb)
{
	enum err e = replaceable(path, store, eb);

	*m = (struct making){ .path = path, .fd = -1 };
	if (e != OK)
		return e;
	m->part = mem_printf("%s.XXXXXX", path);
	m->fd = mkstemp(m->part); /* mode 600 */
	return m->fd >= 0 ? OK : errbuf_errno(eb, "%s", path);
}

/* made puts the file in its place, if e says that it is complete. */
static enum err
made(struct making *m, enum err e, struct errbuf *eb)
{
	if (e == OK && !disk_place(m->fd, m->part, m->path))
		e = errbuf_errno(eb, "%s", m->path);
	if (e != OK && m->fd >= 0)
		unlink(m->part);
	if (m->fd >= 0)
		close(m->fd);
	free(m->part);
	return e;
}

static enum err
write_out(struct db *db, int fd, struct errbuf *eb)
{
	int own = dup(fd);
	FILE *out = own >= 0 ? fdopen(own, "w") : NULL;
	enum err e;

	if (!out)
		return errbuf_errno(eb, "the export could not be opened");
	e = dump_write(db, out, eb);
	if (fclose(out) != 0 && e == OK)
		e = errbuf_errno(eb, "the export could not be written");
	return e;
}

enum exit_code
service_export(const char *store, const char *file, bool show_secrets)
{
	struct making m;
	struct errbuf eb;
	struct db *db;
	enum err e;

	if (!file && isatty(STDOUT_FILENO) && !show_secrets) {
		fputs("thingregistryd: an export holds KEYs, and this is a "
		      "terminal: name a file, or add --show-secrets\n",
		    stderr);
		return EXIT_USAGE;
	}
	e = db_open_beside(store, &db, &eb);
	if (e != OK)
		return told(e, &eb);
	if (!file) {
		e = write_out(db, STDOUT_FILENO, &eb);
	} else {
		e = make(&m, file, store, &eb);
		if (e == OK)
			e = write_out(db, m.fd, &eb);
		e = made(&m, e, &eb);
	}
	db_close(db);
	return told(e, &eb);
}

/* The service does not run as root, who may well import: a new store belongs to
 * whoever its directory does. */
static void
make_store(const char *store)
{
	char *directory = mem_strdup(store);
	struct stat st;
	int fd;

	if (geteuid() == 0 && stat(dirname(directory), &st) == 0) {
		fd = open(store, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
			unlink(store);
		if (fd >= 0)
			close(fd);
	}
	free(directory);
}

enum exit_code
service_import(const char *store, const char *file)
{
	FILE *in = file ? fopen(file, "r") : stdin;
	struct errbuf eb;
	struct db *db;
	enum err e;

	if (!in)
		return told(errbuf_errno(&eb, "%s", file), &eb);
	make_store(store);
	e = db_open(store, &db, &eb);
	if (e == OK) {
		e = dump_read(db, in, file ? file : "standard input", &eb);
		db_close(db);
	}
	if (file)
		fclose(in);
	return told(e, &eb);
}

enum exit_code
service_backup(const char *store, const char *file)
{
	struct making m;
	struct errbuf eb;
	struct db *db;
	enum err e = db_open_beside(store, &db, &eb);

	if (e != OK)
		return told(e, &eb);
	e = make(&m, file, store, &eb);
	if (e == OK)
		e = db_copy(db, m.part, &eb);
	e = made(&m, e, &eb);
	db_close(db);
	return told(e, &eb);
}

enum exit_code
service_stats(const char *store, bool json)
{
	struct stats s;
	struct errbuf eb;
	enum err e = stats_read(store, &s, &eb);

	if (e == OK)
		stats_print(&s, json, stdout);
	return told(e, &eb);
}

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static void
count(uv_work_t *work)
{
	const struct service_figures *f = work->data;
	struct stats s;
	struct errbuf eb;

	if (stats_read(f->store, &s, &eb) == OK)
		stats_log(&s);
	else
		log_warn("stats", "%s", eb.text);
}

static void
counted(uv_work_t *work, int status)
{
	struct service_figures *f = work->data;

	(void)status;
	f->counting = false;
}

static void
on_timer(uv_timer_t *timer)
{
	struct service_figures *f = timer->data;

	if (f->counting)
		return;
	f->counting = true;
	uv_queue_work(timer->loop, &f->work, count, counted);
}

void
service_figures_start(
    struct service_figures *f, uv_loop_t *loop, const char *store)
{
	f->store = store;
	f->counting = false;
	f->work.data = f;
	uv_timer_init(loop, &f->timer);
	f->timer.data = f;
	uv_timer_start(&f->timer, on_timer, 0, DAY_MS);
	uv_unref((uv_handle_t *)&f->timer);
}

void
service_figures_stop(struct service_figures *f)
{
	uv_close((uv_handle_t *)&f->timer, NULL);
}
