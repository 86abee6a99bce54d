#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/words.h"
#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_OUTPUT, OPT_SIZE };

const struct opt bridge_trace_opts[] = {
	[OPT_OUTPUT] = { "output", 'o', "FILE", "write it there" },
	[OPT_SIZE] = { "max", 'm', "SIZE",
	    "keep the last SIZE bytes, half in FILE.1 (16M)" },
	{ NULL, 0, NULL, NULL },
};

enum { SIZE_MIN = 4096 };

struct trace {
	enum out_mode mode;
	const char *path; /* NULL: standard output */
	FILE *out;
	int64_t half, written; /* bytes: of a file at most; so far */
	size_t frames;
	bool ended, failed; /* failed: it was said */
};

/* What the file holds is kept until there is something new. */
static bool
open_file(struct trace *t)
{
	int fd = open(t->path, O_WRONLY | O_CREAT | O_CLOEXEC,
	    S_IRUSR | S_IWUSR | S_IRGRP);

	t->out = fd < 0 ? NULL : fdopen(fd, "w");
	t->written = 0;
	t->failed = !t->out;
	if (t->failed)
		say("cannot write %s: %s", t->path, strerror(errno));
	if (!t->out && fd >= 0)
		close(fd);
	return t->out != NULL;
}

/* turn_over keeps what is full as FILE.1, instead of the one before. */
static bool
turn_over(struct trace *t)
{
	char *old = mem_printf("%s.1", t->path);
	bool good = fclose(t->out) == 0 && rename(t->path, old) == 0;

	t->out = NULL;
	if (!good) {
		say("cannot keep %s: %s", old, strerror(errno));
		t->failed = true;
	}
	free(old);
	return good && open_file(t);
}

char *
bridge_frame_text(const json_t *frame)
{
	const char *dir = out_string(frame, "dir");
	char *what, *ascii, *text;

	if (*out_string(frame, "text")) {
		what = out_text(json_object_get(frame, "text"));
		text = mem_printf("%s %s", dir, what);
		free(what);
		return text;
	}
	what = words_hex(out_string(frame, "hex"));
	ascii = out_text(json_object_get(frame, "ascii"));
	if (*out_string(frame, "ascii"))
		text = mem_printf("%s %-47s  |%s|", dir, what, ascii);
	else
		text = mem_printf("%s %s", dir, what);
	free(what);
	free(ascii);
	return text;
}

/* Returns owned, with its line end. */
static char *
line_of(const struct trace *t, const json_t *d)
{
	const char *at = out_string(d, "at"), *dir = out_string(d, "dir");
	const char *text = out_string(d, "text");
	const char *time = strchr(at, 'T');
	char *what, *line;

	if (t->mode == OUT_JSON) {
		what = json_dumps(d, JSON_COMPACT);
		line = mem_printf("%s\n", what ? what : "{}");
		free(what);
		return line;
	}
	if (t->mode == OUT_PLAIN) {
		what = *text ? out_text(json_object_get(d, "text"))
			     : words_hex(out_string(d, "hex"));
		line = mem_printf("%s\t%s\t%s\n", at, dir, what);
	} else { /* a file may hold more than a day */
		what = bridge_frame_text(d);
		line = mem_printf(
		    "%s %s\n", t->path || !time ? at : time + 1, what);
	}
	free(what);
	return line;
}

/* Returns false with errno. */
static bool
put(struct trace *t, const char *line)
{
	struct stat st;

	if (t->path && t->frames == 0 && fstat(fileno(t->out), &st) == 0 &&
	    S_ISREG(st.st_mode) && ftruncate(fileno(t->out), 0) != 0)
		return false;
	return fputs(line, t->out) != EOF && fflush(t->out) == 0;
}

/* When the reader of a pipe has gone, that is no failure. */
static void
cannot_write(struct trace *t)
{
	t->ended = true;
	t->failed = t->path || errno != EPIPE;
	if (t->failed)
		say("cannot write %s: %s",
		    t->path ? t->path : "to standard output", strerror(errno));
	clearerr(t->out);
}

static bool
on_more(void *arg, const json_t *d)
{
	struct trace *t = arg;
	char *line;
	size_t len;

	if (t->ended)
		return false; /* frames that were on their way */
	line = line_of(t, d);
	len = strlen(line);
	if (t->path && t->written + (int64_t)len > t->half)
		t->ended = !turn_over(t);
	if (!t->ended && !put(t, line))
		cannot_write(t);
	free(line);
	t->written += (int64_t)len;
	t->frames++;
	return !t->ended;
}

static int
read_options(const struct call *c, struct trace *t)
{
	int64_t max = INT64_C(16) << 20;

	t->path = c->opt[OPT_OUTPUT];
	if (c->opt[OPT_SIZE] && !t->path)
		return verb_usage(c, "--max is for -o FILE");
	if (c->opt[OPT_SIZE] &&
	    (!words_size(c->opt[OPT_SIZE], &max) || max < SIZE_MIN))
		return verb_usage(
		    c, "--max is a size like 64k, 10M or 1G; 4k at least");
	t->half = max / 2;
	if (!t->path)
		t->out = stdout;
	else if (!open_file(t))
		return EXIT_FAILED;
	return EXIT_OK;
}

int
bridge_trace(const struct call *c)
{
	struct trace t = { .mode = bridge_mode(c) };
	struct daemon_call dc = {
		.more = on_more, .arg = &t, .silence_ms = DAEMON_FOREVER
	};
	int code = read_options(c, &t);
	json_t *rq, *d = NULL;
	long long missed;

	if (code != EXIT_OK)
		return code;
	if (isatty(STDERR_FILENO))
		say("frames of bus %s; Ctrl-C ends", c->argv[0]);
	rq = json_pack("{s:s, s:s}", "cmd", "trace", "bus", c->argv[0]);
	code = bridge_tell(c, &dc, rq, &d);
	missed = json_integer_value(json_object_get(d, "missed"));
	json_decref(d);
	if (t.path && t.out && fclose(t.out) != 0 && !t.failed) {
		say("cannot write %s: %s", t.path, strerror(errno));
		t.failed = true;
	}
	if (t.path && !t.failed && code == EXIT_OK)
		say("%zu lines in %s", t.frames, t.path);
	if (missed > 0)
		say("%lld frames passed unseen: this was too slow", missed);
	return t.failed ? EXIT_FAILED : code;
}
