/* The options of a line: `scale=0.1 unit=V`. */
#include "common/mem.h"
#include "common/num.h"
#include "common/utf8.h"
#include "config/tmpl_field.h"
#include "config/tmpl_line.h"
#include "config/value.h"

#include <string.h>

enum {
	LABEL_MAX = 128, /* code points */
	DEC_MAX = 9,
	UNIT_MAX = 32, /* code points */
	RATE_DIGITS = 9,
	FIELD_MAX = 4096, /* of a sentence */
};

#define KEEP_MAX_MS (3650 * INT64_C(86400000))

/* Where an option may stand. */
enum {
	ON_MODBUS = 1,
	ON_TEXT = 2,
	IN_FIELD = 4,
	IN_CONTROL = 8,
	OF_NUMBER = 16, /* of numbers alone */
	IN_NODE = 32,   /* a node may change it */
	OR_TEXT = 64,   /* and of the texts of text devices */
};

/* Each returns NULL, or what the value must be. */

static const char *
take_num(const char *v, struct num *out)
{
	return num_parse(v, out) == OK ? NULL : "must be a decimal number";
}

static const char *
take_yes(const char *v, bool *out)
{
	int w = value_word(v, "no|yes");

	*out = w == 1;
	return w < 0 ? "must be yes or no" : NULL;
}

static const char *
set_order(struct line *l, char *v)
{
	int w = value_word(v, "ABCD|BADC|CDAB|DCBA");

	l->f->order = w < 0 ? ORDER_ABCD : (enum reg_order)w;
	return w < 0 ? "must be ABCD, BADC, CDAB or DCBA" : NULL;
}

static const char *
set_scale(struct line *l, char *v)
{
	const char *bad = take_num(v, &l->f->scale);

	return !bad && l->f->scale.mant == 0 ? "must not be 0" : bad;
}

static const char *
set_offset(struct line *l, char *v)
{
	return take_num(v, &l->f->offset);
}

static const char *
set_unit(struct line *l, char *v)
{
	mem_set(&l->f->unit, v);
	return utf8_count(v) > UNIT_MAX ? "is too long" : NULL;
}

static const char *
set_label(struct line *l, char *v)
{
	mem_set(&l->f->label, v);
	return utf8_count(v) > LABEL_MAX ? "is too long" : NULL;
}

static const char *
set_dec(struct line *l, char *v)
{
	int64_t n;

	if (value_int(v, &n) != OK || n < 0 || n > DEC_MAX)
		return "must be 0 to 9";
	l->f->has_dec = true;
	l->f->dec = (uint8_t)n;
	return NULL;
}

static const char *
set_min(struct line *l, char *v)
{
	l->f->has_min = true;
	return take_num(v, &l->f->min);
}

static const char *
set_max(struct line *l, char *v)
{
	l->f->has_max = true;
	return take_num(v, &l->f->max);
}

static const char *
set_deadband(struct line *l, char *v)
{
	const char *bad = take_num(v, &l->f->deadband);

	l->f->has_deadband = true;
	return !bad && l->f->deadband.mant < 0 ? "must not be negative" : bad;
}

static const char *
set_kind(struct line *l, char *v)
{
	int w = value_word(v, "momentary|counter|status|identity|peak");

	l->f->kind = w < 0 ? KIND_MOMENTARY : (enum field_kind)w;
	return w < 0 ? "must be momentary, counter, status, identity or peak"
		     : NULL;
}

static const char *
set_poll(struct line *l, char *v)
{
	mem_set(&l->f->poll, v);
	for (size_t i = 0; i < l->t->n_polls; i++)
		if (strcmp(l->t->polls[i].name, v) == 0)
			return NULL;
	return "must be a class of [poll]";
}

/* Rates are per second; written per minute or hour, they are rounded up. */
static const char *
set_max_rate(struct line *l, char *v)
{
	static const char *const bad =
	    "must be a number above 0, per second or as 5/min or 5/h";
	struct num *r = &l->f->max_rate;
	char *slash = strchr(v, '/');
	int64_t per = 1;

	if (slash)
		*slash++ = '\0';
	if (slash && strcmp(slash, "min") == 0)
		per = 60;
	else if (slash && strcmp(slash, "h") == 0)
		per = 3600;
	else if (slash && strcmp(slash, "s") != 0)
		return bad;
	if (num_parse(v, r) != OK || r->mant <= 0)
		return bad;
	for (int i = 0; per > 1 && i < RATE_DIGITS; i++)
		if (r->mant <= INT64_MAX / 10 && r->dec < NUM_DEC_MAX) {
			r->mant *= 10;
			r->dec++;
		}
	r->mant = r->mant / per + (r->mant % per != 0);
	l->f->has_max_rate = true;
	return NULL;
}

/* The field is looked for when all are there. */
static const char *
set_sf(struct line *l, char *v)
{
	mem_set(&l->f->sf, v);
	return type_is_fraction(l->f) ? "applies to whole numbers" : NULL;
}

static const char *
set_max_age(struct line *l, char *v)
{
	return value_duration(v, &l->f->max_age_ms) == OK
	    ? NULL
	    : "must be a time with its unit";
}

static const char *
set_keep(struct line *l, char *v)
{
	char *every = strchr(v, '/');

	if (every)
		*every++ = '\0';
	if (value_duration(v, &l->f->keep_ms) != OK ||
	    l->f->keep_ms > KEEP_MAX_MS ||
	    (every && value_duration(every, &l->f->keep_every_ms) != OK))
		return "must be a time of up to 3650d, or with the least time "
		       "between two, as 365d/1min";
	return NULL;
}

static const char *
set_optional(struct line *l, char *v)
{
	return take_yes(v, &l->f->optional);
}

static const char *
set_form(struct line *l, char *v)
{
	int w = value_word(v, "decimal|latitude|longitude");

	if (w < 0)
		return "must be decimal, latitude or longitude";
	l->f->form = (enum text_form)w;
	return w > 0 && (l->f->where != TEXT_NMEA || !l->f->unit_at)
	    ? "needs nmea:SENTENCE,NUMBER,NUMBER, the second of N, S, E or W"
	    : NULL;
}

static const char *
set_void(struct line *l, char *v)
{
	char *colon = strchr(v, ':');
	int64_t at;

	if (l->f->where != TEXT_NMEA || l->f->key2)
		return "belongs to nmea:SENTENCE,NUMBER";
	if (colon)
		*colon++ = '\0';
	if (!colon || !colon[0] || value_int(v, &at) != OK || at < 1 ||
	    at > FIELD_MAX)
		return "must be number:text of a field of the sentence, as 6:0";
	l->f->void_at = (int)at;
	mem_set(&l->f->void_text, colon);
	return NULL;
}

static const char *
set_solo(struct line *l, char *v)
{
	return take_yes(v, &l->f->solo);
}

/* clang-format off: one line an option */
enum { ANYWHERE = ON_MODBUS | ON_TEXT | IN_FIELD | IN_CONTROL };

static const struct option {
	const char *name;
	unsigned where;
	const char *(*set)(struct line *, char *);
} options[] = {
	{ "order", ON_MODBUS | IN_FIELD | IN_CONTROL, set_order },
	{ "scale", ON_MODBUS | IN_FIELD | IN_CONTROL | OF_NUMBER, set_scale },
	{ "offset", ON_MODBUS | IN_FIELD | IN_CONTROL | OF_NUMBER, set_offset },
	{ "sf", ON_MODBUS | IN_FIELD | OF_NUMBER, set_sf },
	{ "unit", ANYWHERE | OF_NUMBER, set_unit },
	{ "dec", ANYWHERE | OF_NUMBER, set_dec },
	{ "min", ANYWHERE | OF_NUMBER | IN_NODE, set_min },
	{ "max", ANYWHERE | OF_NUMBER | IN_NODE, set_max },
	{ "max_rate", ON_MODBUS | ON_TEXT | IN_FIELD | OF_NUMBER | IN_NODE,
	    set_max_rate },
	{ "nan", ON_MODBUS | IN_FIELD | OF_NUMBER, list_set_nan },
	{ "kind", ON_MODBUS | ON_TEXT | IN_FIELD, set_kind },
	{ "poll", ON_MODBUS | ON_TEXT | IN_FIELD | IN_NODE, set_poll },
	{ "deadband", ON_MODBUS | ON_TEXT | IN_FIELD | OF_NUMBER | IN_NODE,
	    set_deadband },
	{ "max_age", ON_MODBUS | ON_TEXT | IN_FIELD | IN_NODE, set_max_age },
	{ "keep", ON_MODBUS | ON_TEXT | IN_FIELD | IN_NODE, set_keep },
	{ "optional", ON_MODBUS | ON_TEXT | IN_FIELD | IN_NODE, set_optional },
	{ "solo", ON_MODBUS | IN_FIELD, set_solo },
	{ "enum", ANYWHERE | OF_NUMBER | OR_TEXT, list_set_enum },
	{ "label", ANYWHERE | IN_NODE, set_label },
	{ "suffix", ON_TEXT | IN_FIELD | OF_NUMBER, list_set_suffix },
	{ "form", ON_TEXT | IN_FIELD | OF_NUMBER, set_form },
	{ "void", ON_TEXT | IN_FIELD, set_void },
	{ "fc", ON_MODBUS | IN_CONTROL, control_set_fc },
	{ "verify", ON_MODBUS | IN_CONTROL, control_set_verify },
	{ "pulse", ON_MODBUS | IN_CONTROL, control_set_pulse },
	{ "step", ON_MODBUS | IN_CONTROL | OF_NUMBER, control_set_step },
	{ "access", ON_MODBUS | IN_CONTROL, control_set_access },
};
/* clang-format on */

enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

const char *
tmpl_field_option(size_t i)
{
	return i < N_OPTIONS ? options[i].name : NULL;
}

static const struct option *
option_find(const char *name)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static bool
unknown_option(struct line *l, const char *name, unsigned where)
{
	struct guess g = { .word = name };
	char hint[96];

	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].where & where)
			guess_try(&g, options[i].name);
	return line_fault(l, "unknown option \"%s\"%s", name,
	    guess_hint(&g, hint, sizeof(hint)));
}

static bool
option_fits(struct line *l, const struct option *o)
{
	unsigned kind = l->t->kind == TMPL_MODBUS ? ON_MODBUS : ON_TEXT;

	if (!(o->where & kind))
		return line_fault(l, "%s does not apply to kind = %s", o->name,
		    kind == ON_MODBUS ? "modbus" : "text");
	if (!(o->where & (l->c ? IN_CONTROL : IN_FIELD)))
		return line_fault(l, "%s does not belong into [%s]", o->name,
		    l->c ? "control" : "field");
	if ((o->where & OR_TEXT) && kind == ON_TEXT)
		return true;
	if ((o->where & OF_NUMBER) && !type_is_number(l->f))
		return line_fault(l, "%s applies to numbers alone", o->name);
	return true;
}

static bool
option_set(struct line *l, const struct option *o, char *value)
{
	const char *bad;

	if (!option_fits(l, o))
		return false;
	if (!value[0])
		return line_fault(l, "%s has no value", o->name);
	bad = o->set(l, value);
	return !bad || line_fault(l, "%s %s", o->name, bad);
}

bool
line_option(struct line *l, char *text)
{
	char *eq = strchr(text, '=');
	const struct option *o;
	unsigned bit;

	if (!eq)
		return line_fault(
		    l, "\"%s\" is no option (write key=value)", text);
	*eq++ = '\0';
	o = option_find(text);
	if (!o)
		return unknown_option(l, text, ~0U);
	bit = 1U << (o - options);
	if (l->seen & bit)
		return line_fault(l, "%s is given twice", text);
	l->seen |= bit;
	return option_set(l, o, eq);
}

bool
option_change(struct line *l, const char *name, char *value)
{
	const struct option *o = option_find(name);

	if (!o)
		return unknown_option(l, name, IN_NODE);
	if (!(o->where & IN_NODE))
		return line_fault(
		    l, "%s belongs into the template, not into a node", name);
	return option_set(l, o, value);
}
