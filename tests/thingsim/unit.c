#include "tests/thingsim/unit.h"

#include "common/mem.h"
#include "common/num.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A counter takes this many steps from the lower bound to the upper; another
 * value takes SMOOTH steps from one random point to the next. */
enum { COUNTER_STEPS = 3600, SMOOTH = 8 };

static const struct field *
find_control(const struct tmpl *t, const char *name)
{
	for (size_t i = 0; i < t->n_controls; i++)
		if (strcmp(t->controls[i].name, name) == 0)
			return &t->controls[i];
	return NULL;
}

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

static enum err
find_point(const struct unit *u, const char *name, const struct field **f,
    struct errbuf *eb)
{
	*f = tmpl_find(u->tmpl, name);
	if (!*f && u->tmpl->kind == TMPL_MODBUS)
		*f = find_control(u->tmpl, name);
	if (!*f)
		return errbuf_set(
		    eb, ERR_NOTFOUND, "%s has no field %s", u->name, name);
	return OK;
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
		u->vary[f - u->tmpl->fields].on = false;
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
	unit_refresh(u);
	if (u->tmpl->kind == TMPL_MODBUS)
		image_text(&u->image, f, out);
	else
		snprintf(out, IMAGE_TEXT, "%s", u->texts[f - u->tmpl->fields]);
	return OK;
}

enum err
unit_vary(
    struct unit *u, const char *field, const char *range, struct errbuf *eb)
{
	const struct field *f = tmpl_find(u->tmpl, field);
	const char *dots = strstr(range, "..");
	struct vary v = { .on = true };
	char *lo;
	enum err e;

	if (!f)
		return errbuf_set(
		    eb, ERR_NOTFOUND, "%s has no field %s", u->name, field);
	if (!dots)
		return errbuf_set(eb, ERR_PROTO, "%s: not MIN..MAX", range);
	lo = mem_strndup(range, (size_t)(dots - range));
	e = num_parse(lo, &v.lo);
	free(lo);
	if (e == OK)
		e = num_parse(dots + 2, &v.hi);
	/* Both bounds at the finer resolution of the two. */
	if (e == OK && v.lo.dec < v.hi.dec)
		e = num_round(v.lo, v.hi.dec, &v.lo);
	if (e == OK)
		e = num_round(v.hi, v.lo.dec, &v.hi);
	if (e != OK || v.hi.mant < v.lo.mant)
		return errbuf_set(eb, ERR_RANGE, "%s: not MIN..MAX", range);
	u->vary[f - u->tmpl->fields] = v;
	u->vary_tick = -1;
	return OK;
}

/* splitmix64's mixing: the same seed gives the same plant. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

static double
random_point(const struct unit *u, size_t field, int64_t n)
{
	uint64_t x = mix(u->bus->plant->seed);

	for (const char *c = u->name; *c; c++)
		x = mix(x ^ (unsigned char)*c);
	x = mix(mix(x ^ field) ^ (uint64_t)n);
	return (double)(x >> 11) / 9007199254740992.0; /* 2^53 */
}

static double
position(const struct unit *u, size_t field, int64_t tick)
{
	double from, to;

	if (u->tmpl->fields[field].kind == KIND_COUNTER)
		return tick < COUNTER_STEPS ? (double)tick / COUNTER_STEPS : 1;
	from = random_point(u, field, tick / SMOOTH);
	to = random_point(u, field, tick / SMOOTH + 1);
	return from + (to - from) * (double)(tick % SMOOTH) / SMOOTH;
}

static int64_t
tick_now(const struct unit *u)
{
	if (u->vary_us == 0)
		return u->vary_tick + 1;
	return (loop_us() - u->bus->plant->start_us) / u->vary_us;
}

void
unit_refresh(struct unit *u)
{
	int64_t tick = tick_now(u);

	if (tick == u->vary_tick)
		return;
	u->vary_tick = tick;
	for (size_t i = 0; i < u->tmpl->n_fields; i++) {
		const struct vary *v = &u->vary[i];
		double width = (double)v->hi.mant - (double)v->lo.mant;
		char text[NUM_TEXT];
		struct num now;

		if (!v->on)
			continue;
		now.mant = v->lo.mant + (int64_t)(width * position(u, i, tick));
		now.dec = v->lo.dec;
		num_format(now, text);
		if (store(u, &u->tmpl->fields[i], text) != OK)
			u->vary[i].on = false; /* the bounds do not fit */
	}
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
unit_defaults(struct unit *u)
{
	for (size_t i = 0; i < u->tmpl->n_fields; i++) {
		const struct field *f = &u->tmpl->fields[i];
		char buf[NUM_TEXT];

		if (store(u, f, default_text(f, buf)) != OK)
			continue; /* a value of all zeros is as good */
	}
}

static bool
touches(const struct field *f, int table, unsigned addr, unsigned n)
{
	return (int)f->table == table && f->addr < addr + n &&
	    addr < f->addr + tmpl_field_regs(f);
}

void
unit_written(struct unit *u, int table, unsigned addr, unsigned n)
{
	for (size_t i = 0; i < u->tmpl->n_controls; i++) {
		const struct field *c = &u->tmpl->controls[i];
		const struct field *f = tmpl_find(u->tmpl, c->name);
		char text[IMAGE_TEXT];

		if (!f || !touches(c, table, addr, n) ||
		    (f->table == c->table && f->addr == c->addr))
			continue;
		image_text(&u->image, c, text);
		if (image_store(&u->image, f, text) != OK)
			continue; /* the field cannot say it: it stays */
	}
	for (size_t i = 0; i < u->tmpl->n_fields; i++)
		if (touches(&u->tmpl->fields[i], table, addr, n))
			u->vary[i].on = false;
}
