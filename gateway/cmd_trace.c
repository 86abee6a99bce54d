/* Command: the frames of a bus, to the client or to a file. */
#include "common/log.h"
#include "common/mem.h"
#include "gateway/cmd.h"
#include "gateway/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPORT_MS = 10000, FILE_MAX = 10 * 1000 * 1000, FILE_MIN = 4096 };

struct trace {
	struct job job;
	struct gateway *gw;
	char *bus, *path;
	FILE *file;
	int64_t max, size, bytes; /* size: of the file that is written */
	int64_t report_mono;
	uint64_t frames, missed;
	bool is_text;
	bool started, failed; /* failed before it had started */
	struct errbuf why;
};

static void
trace_free(struct job *j)
{
	struct trace *t = (struct trace *)j;

	watch_end(t->gw, t);
	if (t->file)
		fclose(t->file);
	free(t->bus);
	free(t->path);
	free(t);
}

static void
trace_stop(struct job *j)
{
	struct trace *t = (struct trace *)j;

	job_done(j,
	    json_pack("{s:i, s:s, s:I, s:I}", "schema", 1, "bus", t->bus,
		"frames", (json_int_t)t->frames, "missed",
		(json_int_t)t->missed));
}

static const struct job_ops trace_ops = { trace_stop, trace_free };

static FILE *
create(const char *path)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

/* The full file becomes PATH.1, whose former one goes. */
static bool
rotate(struct trace *t)
{
	char *old = mem_printf("%s.1", t->path);
	bool good = fclose(t->file) == 0 && rename(t->path, old) == 0;

	t->file = NULL;
	free(old);
	if (good)
		t->file = create(t->path);
	t->size = 0;
	return t->file != NULL;
}

static void
fail(struct trace *t, const char *what)
{
	errbuf_set(&t->why, ERR_IO, "%s: %s", t->path, what);
	t->failed = true;
	if (t->started)
		job_fail(&t->job, ERR_IO, &t->why);
}

static void
report(struct trace *t, int64_t mono)
{
	if (mono < t->report_mono)
		return;
	t->report_mono = mono + REPORT_MS;
	fflush(t->file);
	job_more(&t->job,
	    json_pack("{s:s, s:s, s:I, s:I}", "bus", t->bus, "file", t->path,
		"frames", (json_int_t)t->frames, "bytes",
		(json_int_t)t->bytes));
}

static void
to_file(struct trace *t, const struct frame_seen *f)
{
	char at[CLOCK_TEXT];
	int n;

	clock_format(f->utc_ms, at);
	n = fprintf(t->file, "%s %c %s\n", at, f->text[0], f->text + 1);
	if (n < 0) {
		fail(t, strerror(errno));
		return;
	}
	t->size += n;
	t->bytes += n;
	if (t->size >= t->max && !rotate(t)) {
		fail(t, "the next file cannot be made");
		return;
	}
	report(t, clock_mono(t->gw->clock));
}

static void
to_client(struct trace *t, const struct frame_seen *f)
{
	json_t *o = watch_frame_json(f, t->is_text);
	char at[CLOCK_TEXT];

	clock_format(f->utc_ms, at);
	json_object_set_new(o, "at", json_string(at));
	if (!job_more(&t->job, o))
		t->missed++;
}

static void
seen(void *arg, const struct frame_seen *f)
{
	struct trace *t = arg;
	struct errbuf eb;

	if (!f) {
		errbuf_set(&eb, ERR_NOTFOUND,
		    "bus %s is no longer in the configuration", t->bus);
		job_fail(&t->job, ERR_NOTFOUND, &eb);
		return;
	}
	if (f->text[0] == '\0' || t->failed)
		return;
	t->frames++;
	if (t->file)
		to_file(t, f);
	else
		to_client(t, f);
}

/* The daemon writes as its own user, so only to a file that is new. */
static enum err
open_file(struct call *c, struct trace *t)
{
	const char *path = cmd_text(c, "file");
	char *old, who[CMD_WHO];
	struct stat st;
	enum err e = OK;

	if (!path)
		return OK;
	if (path[0] != '/')
		return errbuf_set(c->eb, ERR_RANGE,
		    "%s: the path of the file must begin with /", path);
	old = mem_printf("%s.1", path);
	if (lstat(old, &st) == 0)
		e = errbuf_set(c->eb, ERR_BUSY,
		    "%s is there already; choose another name", old);
	free(old);
	if (e == OK && !(t->file = create(path)))
		e = errbuf_set(c->eb, ERR_IO, "%s: %s%s", path, strerror(errno),
		    errno == EEXIST ? "; choose another name"
				    : "; may thingbridged write there?");
	if (e != OK)
		return e;
	t->path = mem_strdup(path);
	log_info("trace", "bus %s: frames go to %s, for %s", t->bus, path,
	    cmd_who(c, who));
	return OK;
}

enum err
cmd_trace(struct call *c)
{
	const struct cfg_bus *line = cmd_line(c);
	struct trace *t;
	enum err e;

	if (!line)
		return c->e;
	t = mem_zalloc(sizeof(*t));
	t->job = (struct job){ &trace_ops, *c->to };
	t->gw = c->gw;
	t->bus = mem_strdup(line->name);
	t->is_text = line->type == BUS_SERIAL;
	t->max = FILE_MAX;
	t->report_mono = clock_mono(c->gw->clock) + REPORT_MS;
	e = cmd_int(c, "max", FILE_MIN, INT64_MAX, &t->max);
	if (e == OK)
		e = open_file(c, t);
	if (e != OK) {
		trace_free(&t->job);
		return e;
	}
	watch_begin(c->gw, t->bus, false, seen, t);
	t->started = true;
	if (t->failed) {
		*c->eb = t->why;
		trace_free(&t->job);
		return ERR_IO;
	}
	c->out.job = &t->job;
	return OK;
}
