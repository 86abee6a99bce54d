#include "tests/thingsim/command.h"

#include "common/mem.h"
#include "tests/thingsim/action.h"
#include "tests/thingsim/chan.h"
#include "tests/thingsim/reqlog.h"
#include "tests/thingsim/schedule.h"
#include "tests/thingsim/tune.h"
#include "tests/thingsim/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 4 };

/* A line cut at blanks; the last word may hold some. */
struct words {
	char *w[WORDS_MAX];
	size_t n;
};

/* What a command is about: a bus, and a unit of it or, when unit is NULL, all
 * of them. */
struct target {
	struct plant *plant;
	struct bus *bus;
	struct unit *unit;
};

static void
cut(char *line, size_t most, struct words *out)
{
	out->n = 0;
	line += strspn(line, " ");
	while (*line && out->n < most) {
		out->w[out->n++] = line;
		if (out->n == most)
			return;
		line += strcspn(line, " ");
		if (*line)
			*line++ = '\0';
		line += strspn(line, " ");
	}
}

typedef enum err command_fn(const struct target *t, const struct words *w,
    struct buf *out, struct errbuf *eb);

static enum err
do_set(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)out;
	return unit_set(t->unit, w->w[2], w->w[3], eb);
}

static enum err
do_vary(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)out;
	return unit_vary(t->unit, w->w[2], w->w[3], eb);
}

static enum err
do_ramp(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)out;
	return unit_ramp(t->unit, w->w[2], w->w[3], eb);
}

static enum err
do_get(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	char text[IMAGE_TEXT];
	enum err e = unit_get(t->unit, w->w[2], text, eb);

	if (e == OK)
		buf_printf(out, " %s", text);
	return e;
}

static enum err
do_count(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)w;
	(void)eb;
	buf_printf(out, " %" PRIu64, t->unit->requests);
	return OK;
}

static enum err
do_stats(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	const struct unit *u = t->unit;
	const struct bus *b = t->bus;

	(void)w;
	(void)eb;
	if (u) {
		buf_printf(out,
		    " requests=%" PRIu64 " answers=%" PRIu64 " faults=%" PRIu64
		    " noises=%" PRIu64,
		    u->requests, u->answers, u->faults, u->noises);
		return OK;
	}
	buf_printf(out,
	    " connections=%zu accepted=%" PRIu64 " refused=%" PRIu64
	    " bytes_in=%" PRIu64 " bytes_out=%" PRIu64 " early=%" PRIu64,
	    chan_count(b), b->accepted, b->refused, b->bytes_in, b->bytes_out,
	    b->early_frames);
	return OK;
}

static enum err
do_fault(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	struct bus *b = t->bus;
	struct fault f;
	enum err e = fault_parse(w->w[2], &f, eb);

	if (e != OK)
		return e;
	if (f.kind == FAULT_BACK) {
		e = action_back(b, eb);
		if (e == OK)
			buf_printf(out, " %s", b->where);
		return e;
	}
	if (fault_scope(f.kind) != SCOPE_REQUEST) {
		action_begin(b, t->unit, &f);
		return OK;
	}
	for (size_t i = 0; i < b->n_units; i++) {
		if (t->unit && t->unit != b->units[i])
			continue;
		b->units[i]->fault = f;
		if (f.kind == FAULT_NONE)
			action_quiet(b->units[i]);
	}
	return OK;
}

static enum err
do_schedule(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	struct rule *r;
	enum err e;

	(void)out;
	if (strcmp(w->w[2], "off") == 0) {
		schedule_end(t->bus, t->unit);
		return OK;
	}
	e = schedule_add(t->bus, t->unit, w->w[2], &r, eb);
	if (e == OK)
		schedule_begin(r);
	return e;
}

static enum err
do_tune(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)out;
	if (t->unit)
		return tune_unit(t->unit, w->w[2], w->w[3], eb);
	return tune_bus(t->bus, w->w[2], w->w[3], eb);
}

static enum err
do_log(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	const char *path = NULL;
	enum err e = OK;

	(void)out;
	if (strncmp(w->w[2], "on ", 3) == 0)
		path = w->w[2] + 3 + strspn(w->w[2] + 3, " ");
	else if (strcmp(w->w[2], "off") != 0)
		return errbuf_set(eb, ERR_PROTO, "log: on FILE, or off");
	for (size_t i = 0; e == OK && i < t->bus->n_units; i++) {
		struct unit *u = t->bus->units[i];

		if (t->unit && t->unit != u)
			continue;
		if (path)
			e = reqlog_on(u, path, eb);
		else
			reqlog_off(u);
	}
	return e;
}

static enum err
do_where(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)w;
	(void)eb;
	buf_printf(out, " %s", t->bus->where);
	if (t->bus->slave)
		buf_printf(out, " %s", t->bus->slave);
	return OK;
}

static enum err
do_quit(const struct target *t, const struct words *w, struct buf *out,
    struct errbuf *eb)
{
	(void)w;
	(void)out;
	(void)eb;
	loop_stop(t->plant->loop);
	return OK;
}

enum about { ABOUT_NOTHING, ABOUT_UNIT, ABOUT_BUS, ABOUT_EITHER };

static const struct command {
	const char *name, *form, *help;
	size_t words;
	enum about about;
	command_fn *run;
} commands[] = {
	{ "set", "UNIT FIELD VALUE", "gives a field its value", 4, ABOUT_UNIT,
	    do_set },
	{ "get", "UNIT FIELD", "its value now", 3, ABOUT_UNIT, do_get },
	{ "vary", "UNIT FIELD MIN..MAX", "lets it move in between", 4,
	    ABOUT_UNIT, do_vary },
	{ "ramp", "UNIT FIELD FROM STEP [PERIOD]",
	    "adds STEP at each request, or period", 4, ABOUT_UNIT, do_ramp },
	{ "fault", "UNIT|BUS KIND [ARG] [times N] [on reads|on writes]",
	    "a bus: each of its units", 3, ABOUT_EITHER, do_fault },
	{ "schedule", "UNIT|BUS WHEN FAULT, or off", "WHEN counts from now", 3,
	    ABOUT_EITHER, do_schedule },
	{ "tune", "UNIT|BUS KEY VALUE", "as in the file: holes, delay, baud", 4,
	    ABOUT_EITHER, do_tune },
	{ "log", "UNIT|BUS on FILE, or off",
	    "SECONDS UNIT FUNCTION ADDRESS COUNT FAULT of each request", 3,
	    ABOUT_EITHER, do_log },
	{ "count", "UNIT", "requests so far", 2, ABOUT_UNIT, do_count },
	{ "stats", "UNIT|BUS", "what was seen", 2, ABOUT_EITHER, do_stats },
	{ "where", "BUS", "its socket, or link and pty", 2, ABOUT_BUS,
	    do_where },
	{ "quit", "", "ends thingsim", 1, ABOUT_NOTHING, do_quit },
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

void
command_help(FILE *out)
{
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %s %s\n      %s\n", commands[i].name,
		    commands[i].form, commands[i].help);
}

static enum err
find_target(
    struct target *t, enum about about, const char *name, struct errbuf *eb)
{
	if (about == ABOUT_NOTHING)
		return OK;
	if (about != ABOUT_UNIT)
		t->bus = plant_bus(t->plant, name);
	if (!t->bus && about != ABOUT_BUS)
		t->unit = plant_unit(t->plant, name);
	if (t->unit)
		t->bus = t->unit->bus;
	if (!t->bus)
		return errbuf_set(eb, ERR_NOTFOUND, "no %s %s",
		    about == ABOUT_BUS ? "bus" : "unit", name);
	return OK;
}

static enum err
run(struct plant *p, char *line, struct buf *out, struct errbuf *eb)
{
	size_t len = strcspn(line, " ");
	struct target t = { .plant = p };
	struct words w = { 0 };
	enum err e;

	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strlen(c->name) != len || memcmp(c->name, line, len) != 0)
			continue;
		cut(line, c->words, &w);
		if (w.n < c->words)
			return errbuf_set(
			    eb, ERR_PROTO, "say: %s %s", c->name, c->form);
		e = find_target(&t, c->about, w.w[1], eb);
		return e == OK ? c->run(&t, &w, out, eb) : e;
	}
	return errbuf_set(eb, ERR_PROTO, "no such command: %s", line);
}

void
command_run(struct plant *p, const char *line, struct buf *answer)
{
	char *copy = mem_strdup(line);
	struct errbuf eb = { "" };
	struct buf out = { 0 };

	if (run(p, copy, &out, &eb) == OK)
		buf_printf(answer, "ok%s", out.data ? out.data : "");
	else
		buf_printf(answer, "error %s", eb.text);
	buf_fini(&out);
	free(copy);
}
