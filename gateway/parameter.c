#include "gateway/parameter.h"

#include "common/mem.h"
#include "drivers/encode.h"
#include "protocol/xmltype.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXP_MAX = 2 * CTL_VALUE_MAX }; /* beyond it no number is left */

static const char pulse_mark[] = ", pulse";

/* --- types --- */

static bool
is_whole(struct num v)
{
	return num_trim(v).dec == 0;
}

static bool
is_float(const struct field *f)
{
	return f->sf || f->type == REG_F16 || f->type == REG_F32 ||
	    f->type == REG_F64 || (f->has_dec && f->dec > 0) ||
	    !is_whole(f->scale) || !is_whole(f->offset);
}

static bool
fits_int(const struct field *f)
{
	const struct num lowest = { INT32_MIN, 0 }, highest = { INT32_MAX, 0 };

	if (f->has_min && f->has_max)
		return num_cmp(f->min, lowest) >= 0 &&
		    num_cmp(f->max, highest) <= 0;
	return f->type != REG_U32 && f->type != REG_I64 && f->type != REG_U64 &&
	    num_cmp(f->scale, (struct num){ 1, 0 }) <= 0 && f->offset.mant == 0;
}

enum ctl_type
param_type(const struct control *k)
{
	if (k->f.n_words || k->f.type == REG_STR)
		return CTL_STRING;
	if (k->f.type == REG_BOOL)
		return CTL_BOOLEAN;
	if (is_float(&k->f))
		return CTL_DOUBLE;
	return fits_int(&k->f) ? CTL_INT : CTL_LONG;
}

/* --- values --- */

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* Digits of an xs:double as an exact number; text is one, and finite. */
static enum err
exact(const char *text, struct num *out)
{
	const char *s = skip_blanks(text);
	bool minus = *s == '-', point = false;
	int64_t m = 0;
	long dec = 0, exp;

	for (s += *s == '-' || *s == '+'; *s == '.' || (*s >= '0' && *s <= '9');
	     s++) {
		if (*s == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(m, 10, &m) ||
		    __builtin_sub_overflow(m, *s - '0', &m))
			return ERR_RANGE;
		dec += point;
	}
	exp = *s == 'e' || *s == 'E' ? strtol(s + 1, NULL, 10) : 0;
	dec -= exp > EXP_MAX ? EXP_MAX : exp < -EXP_MAX ? -EXP_MAX : exp;
	for (; m && dec < 0; dec++) {
		if (__builtin_mul_overflow(m, 10, &m))
			return ERR_RANGE;
	}
	for (; dec > 0 && m % 10 == 0 && m; dec--)
		m /= 10;
	if (m && dec > NUM_DEC_MAX)
		return ERR_RANGE;
	/* Gathered below zero, where there is room for INT64_MIN. */
	if (!minus && __builtin_sub_overflow(0, m, &m))
		return ERR_RANGE;
	*out = (struct num){ m, m ? (uint8_t)dec : 0 };
	return OK;
}

static enum err
not_of(enum ctl_type type, const char *text, struct errbuf *why)
{
	return errbuf_set(why, ERR_PROTO, "\"%.64s\" is not of the type %s",
	    text, ctl_type_name(type));
}

static enum err
read_number(
    enum ctl_type type, const char *text, struct num *out, struct errbuf *why)
{
	static const char signs[] = "+-0123456789 \t\r\n";
	bool whole = type != CTL_DOUBLE;
	double v;

	if (xml_double(text, &v) != OK || (whole && text[strspn(text, signs)]))
		return not_of(type, text, why);
	if (isinf(v))
		return errbuf_set(why, ERR_RANGE, "not a finite number");
	if (exact(text, out) != OK)
		return errbuf_set(why, ERR_RANGE, "too many digits");
	if (type == CTL_INT && out->mant != (int32_t)out->mant)
		return errbuf_set(
		    why, ERR_RANGE, "beyond what the type int can hold");
	return OK;
}

static enum err
read_bool(const char *text, bool *out, struct errbuf *why)
{
	return xml_bool(text, out) == OK ? OK : not_of(CTL_BOOLEAN, text, why);
}

/* A number as a boolean, or a boolean as a number. */
static enum err
convert(enum ctl_type to, struct value *v, struct errbuf *why)
{
	if (to == CTL_BOOLEAN && v->type == VALUE_NUM) {
		v->on = num_cmp(v->num, (struct num){ 1, 0 }) == 0;
		v->type = VALUE_BOOL;
		if (!v->on && v->num.mant != 0)
			return errbuf_set(why, ERR_RANGE, "neither 0 nor 1");
	} else if (to != CTL_BOOLEAN && v->type == VALUE_BOOL) {
		v->num = (struct num){ v->on, 0 };
		v->type = VALUE_NUM;
	}
	return OK;
}

static bool
is_number(enum ctl_type t)
{
	return t == CTL_INT || t == CTL_LONG || t == CTL_DOUBLE;
}

enum err
param_value(const struct control *k, enum ctl_type given, const char *text,
    struct value *out, struct errbuf *why)
{
	enum ctl_type own = param_type(k);
	enum err e;

	memset(out, 0, sizeof(*out));
	if (given == CTL_FORM)
		given = own;
	if (given == CTL_STRING && own == CTL_STRING)
		return encode_parse(k, text, out, why);
	if (own == CTL_STRING || (!is_number(given) && given != CTL_BOOLEAN))
		return errbuf_set(why, ERR_UNSUP, "Invalid parameter type.");
	if (given == CTL_BOOLEAN) {
		out->type = VALUE_BOOL;
		e = read_bool(text, &out->on, why);
	} else {
		out->type = VALUE_NUM;
		e = read_number(given, text, &out->num, why);
	}
	return e == OK ? convert(own, out, why) : e;
}

void
param_allowed(const struct control *k, char out[PARAM_ALLOWED])
{
	const struct field *f = &k->f;
	char min[NUM_TEXT], max[NUM_TEXT], step[NUM_TEXT];
	size_t n = 0;

	out[0] = '\0';
	num_format(f->min, min);
	num_format(f->max, max);
	num_format(k->step, step);
	if (f->has_min && f->has_max)
		n = (size_t)snprintf(out, PARAM_ALLOWED, "%s to %s", min, max);
	else if (f->has_min)
		n = (size_t)snprintf(out, PARAM_ALLOWED, "%s or more", min);
	else if (f->has_max)
		n = (size_t)snprintf(out, PARAM_ALLOWED, "up to %s", max);
	if (k->has_step)
		snprintf(out + n, PARAM_ALLOWED - n, "%sin steps of %s",
		    n ? " " : "", step);
}

static bool
same_limit(bool has_a, struct num a, bool has_b, struct num b)
{
	return has_a == has_b && (!has_a || num_cmp(a, b) == 0);
}

static bool
same_words(const struct field *a, const struct field *b)
{
	bool same = a->n_words == b->n_words;

	for (size_t i = 0; same && i < a->n_words; i++)
		same = strcmp(a->words[i].word, b->words[i].word) == 0;
	return same;
}

bool
param_alike(const struct control *a, const struct control *b)
{
	const struct field *f = &a->f, *g = &b->f;

	return strcmp(f->name, g->name) == 0 &&
	    param_type(a) == param_type(b) && strcmp(f->unit, g->unit) == 0 &&
	    same_limit(f->has_min, f->min, g->has_min, g->min) &&
	    same_limit(f->has_max, f->max, g->has_max, g->max) &&
	    same_limit(a->has_step, a->step, b->has_step, b->step) &&
	    a->has_pulse == b->has_pulse &&
	    a->pulse_min_ms == b->pulse_min_ms &&
	    a->pulse_max_ms == b->pulse_max_ms && same_words(f, g);
}

/* --- for a time --- */

size_t
param_pulse(const char *name)
{
	size_t n = strlen(name), mark = sizeof(pulse_mark) - 1;

	return n > mark && strcmp(name + n - mark, pulse_mark) == 0 ? n - mark
								    : 0;
}

/* Digits of one part; at most nine. */
static const char *
read_part(const char *s, int64_t *whole, int64_t *milli)
{
	int64_t unit = 100;
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 9)
		return NULL;
	*whole = strtol(s, NULL, 10);
	*milli = 0;
	s += n;
	if (*s != '.')
		return s;
	for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
		*milli += (*s - '0') * unit;
	return *s == 'S' && s[-1] != '.' ? s : NULL;
}

static enum err
read_duration(const char *s, int64_t *ms)
{
	static const char marks[] = "DHMS";
	static const int64_t units[] = { 86400000, 3600000, 60000, 1000 };
	const char *next = marks, *mark;
	bool any = false, time = false;

	while (*s) {
		int64_t whole, milli;

		if (*s == 'T' && !time) {
			time = true;
			next = marks + 1;
			s++;
		}
		s = read_part(s, &whole, &milli);
		if (!s || !*s)
			return ERR_PROTO;
		if (!time && (*s == 'Y' || *s == 'M'))
			return ERR_RANGE;
		mark = strchr(next, *s++);
		if (!mark || (*mark == 'D') == time)
			return ERR_PROTO;
		next = mark + 1;
		*ms += whole * units[mark - marks] + milli;
		any = true;
	}
	return any ? OK : ERR_PROTO;
}

enum err
param_duration(const char *text, int64_t *ms)
{
	static const int64_t most = INT64_C(86400000) * 10000;
	char word[64];
	const char *s = skip_blanks(text);
	size_t n = strcspn(s, " \t\r\n");
	bool minus = *s == '-';
	enum err e;

	if (n >= sizeof(word) || *skip_blanks(s + n) || s[minus] != 'P')
		return ERR_PROTO;
	memcpy(word, s, n);
	word[n] = '\0';
	*ms = 0;
	e = read_duration(word + minus + 1, ms);
	if (e != OK)
		return e;
	return *ms > most || (minus && *ms) ? ERR_RANGE : OK;
}

void
param_duration_text(int64_t ms, char out[PARAM_DURATION])
{
	if (ms % 1000)
		snprintf(out, PARAM_DURATION, "PT%lld.%03dS",
		    (long long)(ms / 1000), (int)(ms % 1000));
	else
		snprintf(
		    out, PARAM_DURATION, "PT%lldS", (long long)(ms / 1000));
}

/* --- forms --- */

static struct form_option *
options_of(const struct field *f)
{
	struct form_option *v = mem_array(f->n_words, sizeof(*v));

	for (size_t i = 0; i < f->n_words; i++)
		v[i].value = v[i].label = f->words[i].word;
	return v;
}

static void
pulse_form(xmpp_ctx_t *ctx, xmpp_stanza_t *x, const struct control *k)
{
	char min[PARAM_DURATION], max[PARAM_DURATION];
	char *name = mem_printf("%s%s", k->f.name, pulse_mark);
	char *label = mem_printf("%s, for a time", k->f.label);
	const struct form_field f = {
		.var = name,
		.type = "text-single",
		.label = label,
		.desc =
		    "How long it is set, and then as it was; PT0S: it stays.",
		.datatype = "xs:duration",
		.min = min,
		.max = max,
		.value = "PT0S",
		.group = k->f.name,
		.not_same = true,
	};

	/* 0 says that it is not a pulse, whatever the shortest is. */
	param_duration_text(0, min);
	param_duration_text(k->pulse_max_ms, max);
	form_put(ctx, x, &f);
	free(name);
	free(label);
}

void
param_form(
    xmpp_ctx_t *ctx, xmpp_stanza_t *x, const struct control *k, const char *now)
{
	static const char *const datatypes[CTL_TYPES] = {
		[CTL_BOOLEAN] = "xs:boolean",
		[CTL_DOUBLE] = "xs:double",
		[CTL_INT] = "xs:int",
		[CTL_LONG] = "xs:long",
		[CTL_STRING] = "xs:string",
	};
	const struct field *f = &k->f;
	enum ctl_type type = param_type(k);
	char min[NUM_TEXT], max[NUM_TEXT], allowed[PARAM_ALLOWED];
	char *label =
	    mem_printf(*f->unit ? "%s (%s)" : "%s%s", f->label, f->unit);
	struct form_option *options = f->n_words ? options_of(f) : NULL;

	num_format(f->min, min);
	num_format(f->max, max);
	param_allowed(k, allowed);
	form_put(ctx, x,
	    &(struct form_field){
		.var = f->name,
		.type = options           ? "list-single"
		    : type == CTL_BOOLEAN ? "boolean"
					  : "text-single",
		.label = label,
		.desc = *allowed ? allowed : NULL,
		.value = now,
		.datatype = datatypes[type],
		.min = f->has_min ? min : NULL,
		.max = f->has_max ? max : NULL,
		.options = options,
		.n_options = f->n_words,
		.group = k->has_pulse ? f->name : NULL,
		.not_same = true,
	    });
	free(label);
	free(options);
	if (k->has_pulse)
		pulse_form(ctx, x, k);
}
