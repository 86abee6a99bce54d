#include "tests/thingsim/unit.h"

#include "common/mem.h"
#include "common/num.h"
#include "tests/thingsim/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct start {
	struct image image;
	char **texts;
	struct vary *vary;
};

static enum err
store(struct unit *u, const struct field *f, const char *text)
{
	if (u->tmpl->kind == TMPL_MODBUS)
		return image_store(&u->image, f, text);
	if (strlen(text) >= IMAGE_TEXT)
		return ERR_RANGE;
	mem_set(&u->texts[f - u->tmpl->fields], text);
	return OK;
}

static const char *
default_text(const struct field *f, char buf[NUM_TEXT])
{
	struct num zero = { 0, 0 };

	if (f->type == REG_STR)
		return "thingsim";
	if (f->n_words)
		return f->words[0].word;
	if (f->has_min && num_cmp(f->min, zero) > 0) {
		num_format(f->min, buf);
		return buf;
	}
	return "0";
}

void
unit_init(struct unit *u)
{
	const struct tmpl *t = u->tmpl;

	u->vary = mem_array(t->n_fields, sizeof(*u->vary));
	if (t->kind == TMPL_MODBUS)
		image_init(&u->image, t);
	else
		u->texts = mem_array(t->n_fields, sizeof(*u->texts));
	u->start_ns = loop_ns();
	for (size_t i = 0; i < t->n_fields; i++) {
		char buf[NUM_TEXT];

		if (store(u, &t->fields[i], default_text(&t->fields[i], buf)))
			continue; /* a value of all zeros is as good */
	}
}

static void
free_texts(const struct unit *u, char **texts)
{
	for (size_t i = 0; texts && i < u->tmpl->n_fields; i++)
		free(texts[i]);
	free(texts);
}

void
unit_fini(struct unit *u)
{
	image_fini(&u->image);
	free_texts(u, u->texts);
	free(u->vary);
	if (!u->start)
		return;
	image_fini(&u->start->image);
	free_texts(u, u->start->texts);
	free(u->start->vary);
	free(u->start);
}

static enum err
find_point(const struct unit *u, const char *name, const struct field **f,
    struct errbuf *eb)
{
	*f = tmpl_find(u->tmpl, name);
	if (!*f && u->tmpl->kind == TMPL_MODBUS) {
		const struct control *c = tmpl_find_control(u->tmpl, name);

		*f = c ? &c->f : NULL;
	}
	if (!*f)
		return errbuf_set(
		    eb, ERR_NOTFOUND, "%s has no field %s", u->name, name);
	return OK;
}

static void
move(struct unit *u, size_t i, const struct vary *v)
{
	u->moving -= u->vary[i].kind != VARY_NONE;
	u->vary[i] = *v;
	u->moving += v->kind != VARY_NONE;
}

static void
stop_moving(struct unit *u, size_t i)
{
	move(u, i, &(struct vary){ 0 });
}

static bool
is_field(const struct unit *u, const struct field *f)
{
	return f >= u->tmpl->fields && f < u->tmpl->fields + u->tmpl->n_fields;
}

enum err
unit_set(struct unit *u, const char *field, const char *text, struct errbuf *eb)
{
	const struct field *f;
	enum err e = find_point(u, field, &f, eb);

	if (e != OK)
		return e;
	e = store(u, f, text);
	if (e != OK)
		return errbuf_set(eb, e, "%s.%s cannot be \"%s\": %s", u->name,
		    field, text, err_str(e));
	if (is_field(u, f))
		stop_moving(u, (size_t)(f - u->tmpl->fields));
	return OK;
}

enum err
unit_get(
    struct unit *u, const char *field, char out[IMAGE_TEXT], struct errbuf *eb)
{
	const struct field *f;
	enum err e = find_point(u, field, &f, eb);

	if (e != OK)
		return e;
	unit_refresh(u, false);
	if (u->tmpl->kind == TMPL_MODBUS)
		image_text(&u->image, f, out);
	else
		snprintf(out, IMAGE_TEXT, "%s", u->texts[f - u->tmpl->fields]);
	return OK;
}

static enum err
set_moving(
    struct unit *u, const char *field, const struct vary *v, struct errbuf *eb)
{
	const struct field *f = tmpl_find(u->tmpl, field);

	if (!f)
		return errbuf_set(
		    eb, ERR_NOTFOUND, "%s has no field %s", u->name, field);
	move(u, (size_t)(f - u->tmpl->fields), v);
	return OK;
}

enum err
unit_vary(
    struct unit *u, const char *field, const char *range, struct errbuf *eb)
{
	struct vary v;
	enum err e = vary_parse_range(range, &v, eb);

	return e == OK ? set_moving(u, field, &v, eb) : e;
}

enum err
unit_ramp(
    struct unit *u, const char *field, const char *ramp, struct errbuf *eb)
{
	struct vary v;
	enum err e = vary_parse_ramp(ramp, &v, eb);

	v.since_ns = loop_ns();
	return e == OK ? set_moving(u, field, &v, eb) : e;
}

static void
stamp_cell(void *arg, enum modbus_table table, unsigned addr)
{
	struct unit *u = arg;

	image_put(
	    &u->image, table, addr, stamp((unsigned)u->address, table, addr));
}

void
unit_stamp(struct unit *u)
{
	for (size_t i = 0; i < u->tmpl->n_fields; i++)
		stop_moving(u, i);
	image_each(&u->image, stamp_cell, u);
}

/* Which of a unit's fields a random point is for. */
struct spot {
	const struct unit *u;
	size_t field;
};

static double
random_point(const void *arg, int64_t n)
{
	const struct spot *s = arg;
	uint64_t x = plant_random(s->u->bus->plant, s->u->name,
	    (uint64_t)s->field << 40 ^ (uint64_t)n);

	return (double)(x >> 11) / 9007199254740992.0; /* 2^53 */
}

static int64_t
tick_now(const struct unit *u, const struct vary *v, bool request)
{
	int64_t period = v->kind == VARY_RAMP ? v->period_ns : u->vary_ns;
	int64_t since = v->kind == VARY_RAMP ? v->since_ns : u->start_ns;

	if (period)
		return (loop_ns() - since) / period;
	/* A ramp tells how often it was asked for: a look does not count. */
	return v->kind == VARY_RAMP && !request ? v->tick : v->tick + 1;
}

static void
refresh(struct unit *u, size_t i, int64_t tick)
{
	struct vary *v = &u->vary[i];
	const struct field *f = &u->tmpl->fields[i];
	struct spot spot = { u, i };
	char text[NUM_TEXT];
	struct num now;
	enum err e = OK;

	v->tick = tick;
	if (v->kind == VARY_RAMP)
		e = vary_ramp(v, tick, &now);
	else
		now = vary_range(
		    v, tick, f->kind == KIND_COUNTER, random_point, &spot);
	if (e == OK) {
		num_format(now, text);
		e = store(u, f, text);
	}
	if (e != OK)
		stop_moving(u, i); /* it has come to its end */
}

void
unit_refresh(struct unit *u, bool request)
{
	for (size_t i = 0; u->moving && i < u->tmpl->n_fields; i++) {
		int64_t tick;

		if (u->vary[i].kind == VARY_NONE)
			continue;
		tick = tick_now(u, &u->vary[i], request);
		if (tick != u->vary[i].tick)
			refresh(u, i, tick);
	}
}

void
unit_keep(struct unit *u)
{
	size_t n = u->tmpl->n_fields;
	struct start *s = mem_zalloc(sizeof(*s));

	if (u->tmpl->kind == TMPL_MODBUS)
		image_copy(&s->image, &u->image);
	else
		s->texts = mem_array(n, sizeof(*s->texts));
	for (size_t i = 0; s->texts && i < n; i++)
		s->texts[i] = mem_strdup(u->texts[i]);
	s->vary = mem_array(n, sizeof(*s->vary));
	for (size_t i = 0; i < n; i++)
		s->vary[i] = u->vary[i];
	u->start = s;
	u->start_ns = loop_ns();
}

void
unit_restart(struct unit *u)
{
	if (!u->start)
		return;
	u->start_ns = loop_ns();
	image_fini(&u->image);
	image_copy(&u->image, &u->start->image);
	for (size_t i = 0; i < u->tmpl->n_fields; i++) {
		struct vary v = u->start->vary[i];

		v.since_ns = u->start_ns;
		move(u, i, &v);
		if (u->texts)
			mem_set(&u->texts[i], u->start->texts[i]);
	}
}

void
unit_reset_counters(struct unit *u)
{
	for (size_t i = 0; i < u->tmpl->n_fields; i++) {
		struct vary v = u->vary[i];

		if (u->tmpl->fields[i].kind != KIND_COUNTER ||
		    store(u, &u->tmpl->fields[i], "0") != OK)
			continue;
		if (v.kind == VARY_RAMP) {
			v.lo.mant = 0;
			v.tick = -1;
			v.since_ns = loop_ns();
			move(u, i, &v);
		} else {
			stop_moving(u, i);
		}
	}
}

static bool
touches(
    const struct field *f, enum modbus_table table, unsigned addr, unsigned n)
{
	return f->table == table && f->addr < addr + n &&
	    addr < f->addr + tmpl_field_regs(f);
}

static void
carry(struct unit *u, const struct control *c)
{
	const struct field *f =
	    c->field >= 0 ? &u->tmpl->fields[c->field] : NULL;
	char text[IMAGE_TEXT];

	if (c->verify == VERIFY_AT) {
		for (unsigned i = 0; i < tmpl_field_regs(&c->f); i++)
			image_put(&u->image, c->verify_table,
			    c->verify_addr + i,
			    image_get(&u->image, c->f.table, c->f.addr + i));
		return;
	}
	if (!f || (f->table == c->f.table && f->addr == c->f.addr))
		return;
	image_text(&u->image, &c->f, text);
	if (image_store(&u->image, f, text) != OK)
		return; /* the field cannot say it: it stays */
}

void
unit_written(struct unit *u, enum modbus_table table, unsigned addr, unsigned n)
{
	for (size_t i = 0; i < u->tmpl->n_controls; i++)
		if (touches(&u->tmpl->controls[i].f, table, addr, n))
			carry(u, &u->tmpl->controls[i]);
	for (size_t i = 0; i < u->tmpl->n_fields; i++)
		if (touches(&u->tmpl->fields[i], table, addr, n))
			stop_moving(u, i);
}
