#include "tests/thingsim/command.h"

#include "common/mem.h"
#include "tests/thingsim/port.h"
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

static enum err
named_unit(
    struct plant *p, const char *name, struct unit **u, struct errbuf *eb)
{
	*u = plant_unit(p, name);
	if (!*u)
		return errbuf_set(eb, ERR_NOTFOUND, "no unit %s", name);
	return OK;
}

static enum err
do_set(
    struct plant *p, const struct words *w, struct buf *out, struct errbuf *eb)
{
	struct unit *u;
	enum err e = named_unit(p, w->w[1], &u, eb);

	(void)out;
	return e == OK ? unit_set(u, w->w[2], w->w[3], eb) : e;
}

static enum err
do_get(
    struct plant *p, const struct words *w, struct buf *out, struct errbuf *eb)
{
	char text[IMAGE_TEXT];
	struct unit *u;
	enum err e = named_unit(p, w->w[1], &u, eb);

	if (e == OK)
		e = unit_get(u, w->w[2], text, eb);
	if (e == OK)
		buf_printf(out, " %s", text);
	return e;
}

static enum err
do_count(
    struct plant *p, const struct words *w, struct buf *out, struct errbuf *eb)
{
	struct unit *u;
	enum err e = named_unit(p, w->w[1], &u, eb);

	if (e == OK)
		buf_printf(out, " %" PRIu64, u->requests);
	return e;
}

static enum err
fault_bus(struct bus *b, const char *kind, struct buf *out, struct errbuf *eb)
{
	struct fault f;
	enum err e;

	if (strcmp(kind, "vanish") == 0) {
		port_close(b);
		return OK;
	}
	if (strcmp(kind, "back") == 0) {
		e = port_is_open(b) ? OK : port_open(b, eb);
		if (e == OK)
			buf_printf(out, " %s", b->where);
		return e;
	}
	e = fault_parse(kind, &f, eb);
	for (size_t i = 0; e == OK && i < b->n_units; i++)
		b->units[i]->fault = f;
	return e;
}

static enum err
do_fault(
    struct plant *p, const struct words *w, struct buf *out, struct errbuf *eb)
{
	struct bus *b = plant_bus(p, w->w[1]);
	struct unit *u;
	enum err e;

	if (b)
		return fault_bus(b, w->w[2], out, eb);
	e = named_unit(p, w->w[1], &u, eb);
	return e == OK ? fault_parse(w->w[2], &u->fault, eb) : e;
}

static enum err
do_where(
    struct plant *p, const struct words *w, struct buf *out, struct errbuf *eb)
{
	const struct bus *b = plant_bus(p, w->w[1]);

	if (!b)
		return errbuf_set(eb, ERR_NOTFOUND, "no bus %s", w->w[1]);
	buf_printf(out, " %s", b->where);
	return OK;
}

static enum err
do_quit(
    struct plant *p, const struct words *w, struct buf *out, struct errbuf *eb)
{
	(void)w;
	(void)out;
	(void)eb;
	loop_stop(p->loop);
	return OK;
}

static const struct {
	const char *name, *form;
	size_t words;
	enum err (*run)(struct plant *p, const struct words *w, struct buf *out,
	    struct errbuf *eb);
} commands[] = {
	{ "set", "set UNIT FIELD VALUE", 4, do_set },
	{ "get", "get UNIT FIELD", 3, do_get },
	{ "fault", "fault UNIT|BUS KIND [ARG]", 3, do_fault },
	{ "count", "count UNIT", 2, do_count },
	{ "where", "where BUS", 2, do_where },
	{ "quit", "quit", 1, do_quit },
};

static enum err
run(struct plant *p, char *line, struct buf *out, struct errbuf *eb)
{
	size_t len = strcspn(line, " ");
	struct words w;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strlen(commands[i].name) != len ||
		    memcmp(commands[i].name, line, len) != 0)
			continue;
		cut(line, commands[i].words, &w);
		if (w.n < commands[i].words)
			return errbuf_set(
			    eb, ERR_PROTO, "say: %s", commands[i].form);
		return commands[i].run(p, &w, out, eb);
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
