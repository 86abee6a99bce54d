#include "config/tmpl_field.h"

#include "common/mem.h"
#include "common/num.h"
#include "common/utf8.h"
#include "config/value.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STR_MAX = 128, /* bytes: what a reading can carry */
	DEC_MAX = 9,
	UNIT_MAX = 32,  /* code points */
	LIST_MAX = 256, /* entries of nan, enum, suffix */
	COLUMN_MAX = 4096,
	REGS_ALL = 65536,
};

/* Where an option may stand. */
enum {
	ON_MODBUS = 1,
	ON_TEXT = 2,
	IN_FIELD = 4,
	IN_CONTROL = 8,
	OF_NUMBER = 16, /* of numbers alone */
};

struct line {
	const struct tmpl *t;
	struct field *f;
	struct place at;
	struct notes *notes;
	bool control;
	unsigned seen; /* bit i: options[i] was there */
};

static bool fault(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool
fault(struct line *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note_error(l->notes, l->at, "%s: %s", l->f->name, text);
	return false;
}

/* --- types --- */

static const struct type {
	const char *name;
	enum reg_type type;
	uint8_t bits;  /* 0: as long as it says */
	bool fraction; /* IEEE 754 */
} types[] = {
	{ "bool", REG_BOOL, 1, false },
	{ "u8h", REG_U8H, 8, false },
	{ "u8l", REG_U8L, 8, false },
	{ "i16", REG_I16, 16, false },
	{ "u16", REG_U16, 16, false },
	{ "i32", REG_I32, 32, false },
	{ "u32", REG_U32, 32, false },
	{ "i64", REG_I64, 64, false },
	{ "u64", REG_U64, 64, false },
	{ "f16", REG_F16, 16, true },
	{ "f32", REG_F32, 32, true },
	{ "f64", REG_F64, 64, true },
	{ "bcd16", REG_BCD16, 16, false },
	{ "bcd32", REG_BCD32, 32, false },
	{ "str:N", REG_STR, 0, false },
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

static const struct type *
type_of(const struct field *f)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == f->type)
			return &types[i];
	return NULL;
}

const char *
tmpl_field_type(size_t i)
{
	return i < N_TYPES ? types[i].name : NULL;
}

unsigned
tmpl_field_regs(const struct field *f)
{
	unsigned bits = type_of(f)->bits;

	if (f->type == REG_STR)
		return (f->str_len + 1U) / 2U;
	return bits <= 16 ? 1 : bits / 16;
}

static bool
is_number(const struct field *f)
{
	return f->type != REG_BOOL && f->type != REG_STR;
}

static bool
parse_type(struct line *l, const char *text)
{
	int64_t len;

	for (size_t i = 0; i < N_TYPES; i++) {
		if (strcmp(types[i].name, text) != 0 || !types[i].bits)
			continue;
		l->f->type = types[i].type;
		return true;
	}
	if (strncmp(text, "str:", 4) != 0)
		return fault(l,
		    "\"%s\" is no type (bool u8h u8l i16 u16 i32 "
		    "u32 i64 u64 f16 f32 f64 bcd16 bcd32 str:N)",
		    text);
	if (value_int(text + 4, &len) != OK || len < 1 || len > STR_MAX)
		return fault(l, "str:N takes 1 to 128 bytes");
	l->f->type = REG_STR;
	l->f->str_len = (uint8_t)len;
	return true;
}

/* --- where: Modbus --- */

static const struct {
	const char *name;
	enum modbus_table table;
	bool from_one; /* the notation of manuals: 4x0001 is address 0 */
} tables[] = {
	{ "input:", MB_INPUT, false },
	{ "holding:", MB_HOLDING, false },
	{ "coil:", MB_COIL, false },
	{ "discrete:", MB_DISCRETE, false },
	{ "3x", MB_INPUT, true },
	{ "4x", MB_HOLDING, true },
};

/* Reads a bit's number at *text and moves it on; -1 when there is none. */
static int
parse_bit(const char **text)
{
	size_t n = strspn(*text, "0123456789");
	char digits[3] = "";
	int64_t v;

	if (n == 0 || n >= sizeof(digits))
		return -1;
	memcpy(digits, *text, n);
	*text += n;
	return value_int(digits, &v) == OK && v <= 15 ? (int)v : -1;
}

/* text is at the '['. */
static bool
parse_bits(struct line *l, const char *text)
{
	int hi, lo;

	text++;
	hi = lo = parse_bit(&text);
	if (*text == ':') {
		text++;
		lo = parse_bit(&text);
	}
	if (strcmp(text, "]") != 0 || lo < 0 || hi < lo)
		return fault(l, "bits are written as [4:2] or [3], 15 to 0");
	l->f->bit_hi = (uint8_t)hi;
	l->f->bit_lo = (uint8_t)lo;
	return true;
}

static bool
parse_address(struct line *l, const char *text, bool from_one)
{
	size_t n = strcspn(text, "[");
	char *digits = mem_strndup(text, n);
	int64_t v = 0;
	bool ok = isdigit((unsigned char)digits[0]) &&
	    (!from_one || !strpbrk(digits, "xX")) &&
	    value_int(digits, &v) == OK;

	free(digits);
	v -= from_one;
	if (!ok || v < 0 || v >= REGS_ALL)
		return fault(l,
		    "\"%s\" is no register address (0 to 65535, or "
		    "0x0000 to 0xFFFF; 3x0001 counts from one)",
		    text);
	l->f->addr = (uint16_t)v;
	return !text[n] || parse_bits(l, text + n);
}

static bool
parse_modbus_where(struct line *l, const char *text)
{
	l->f->bit_hi = 0;
	l->f->bit_lo = 1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		size_t n = strlen(tables[i].name);

		if (strncmp(text, tables[i].name, n) != 0)
			continue;
		l->f->table = tables[i].table;
		return parse_address(l, text + n, tables[i].from_one);
	}
	return fault(l,
	    "\"%s\" does not say where (input: holding: coil: "
	    "discrete: 3x 4x)",
	    text);
}

/* --- where: text --- */

static bool
parse_count(struct line *l, const char *text, int *out)
{
	int64_t v;

	if (!isdigit((unsigned char)text[0]) || value_int(text, &v) != OK ||
	    v < 1 || v > COLUMN_MAX)
		return fault(l, "\"%s\" is no count from 1 to 4096", text);
	*out = (int)v;
	return true;
}

static bool
where_key(struct line *l, char *text)
{
	mem_set(&l->f->key, text);
	return text[0] || fault(l, "the key is empty");
}

static bool
where_count(struct line *l, char *text)
{
	return parse_count(l, text, &l->f->from);
}

static bool
where_fixed(struct line *l, char *text)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	if (!parse_count(l, text, &l->f->from) ||
	    !parse_count(l, dash ? dash : text, &l->f->to))
		return false;
	return l->f->from <= l->f->to ||
	    fault(l, "the first column stands after the last");
}

/* WIXDR,C,0 is a transducer's type and id; WIMWV,3 a field by its number. */
static bool
where_nmea(struct line *l, char *text)
{
	char *second = strchr(text, ','), *third;

	if (!second || second == text)
		return fault(l,
		    "nmea: takes SENTENCE,TYPE,ID or "
		    "SENTENCE,NUMBER");
	*second++ = '\0';
	mem_set(&l->f->key, text);
	third = strchr(second, ',');
	if (!third)
		return parse_count(l, second, &l->f->from);
	*third++ = '\0';
	mem_set(&l->f->key2, second);
	mem_set(&l->f->key3, third);
	return (second[0] && !strchr(third, ',')) ||
	    fault(l, "nmea: takes SENTENCE,TYPE,ID or SENTENCE,NUMBER");
}

static const struct {
	const char *name;
	enum text_where where;
	enum parse_format format;
	bool (*parse)(struct line *, char *);
} selectors[] = {
	{ "key:", TEXT_KEY, PARSE_KEYED, where_key },
	{ "col:", TEXT_COL, PARSE_CSV, where_count },
	{ "group:", TEXT_GROUP, PARSE_REGEX, where_count },
	{ "fixed:", TEXT_FIXED, PARSE_FIXED, where_fixed },
	{ "nmea:", TEXT_NMEA, PARSE_NMEA, where_nmea },
	{ "obis:", TEXT_OBIS, PARSE_OBIS, where_key },
};

static bool
parse_text_where(struct line *l, char *text)
{
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		size_t n = strlen(selectors[i].name);

		if (selectors[i].format != l->t->parse.format)
			continue;
		if (strncmp(text, selectors[i].name, n) != 0)
			return fault(l,
			    "\"%s\" does not say where (this "
			    "format takes %s)",
			    text, selectors[i].name);
		l->f->where = selectors[i].where;
		return selectors[i].parse(l, text + n);
	}
	return false;
}

/* --- options: each returns NULL, or what the value must be --- */

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
	return utf8_count(v) > STR_MAX ? "is too long" : NULL;
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

static const char *
set_max_age(struct line *l, char *v)
{
	return value_duration(v, &l->f->max_age_ms) == OK
	    ? NULL
	    : "must be a time with its unit";
}

static const char *
set_optional(struct line *l, char *v)
{
	return take_yes(v, &l->f->optional);
}

static const char *
set_solo(struct line *l, char *v)
{
	return take_yes(v, &l->f->solo);
}

/* Cuts the next entry of a list off; NULL at its end. */
static char *
next_entry(char **at)
{
	char *s = *at, *comma;

	if (!s)
		return NULL;
	comma = strchr(s, ',');
	if (comma)
		*comma++ = '\0';
	*at = comma;
	return s;
}

static const char *
set_nan(struct line *l, char *v)
{
	struct field *f = l->f;
	unsigned bits = type_of(f)->bits;

	for (char *s; (s = next_entry(&v));) {
		uint64_t top = bits >= 64 ? UINT64_MAX : (1ULL << bits) - 1;
		char *end;
		uint64_t raw = strtoull(s, &end, 0);

		if (!isdigit((unsigned char)s[0]) || *end || raw > top)
			return "must be raw register values, as 0x8000,0xFFFF";
		if (f->n_nan == LIST_MAX)
			return "has too many entries";
		f->nan = mem_resize(f->nan, f->n_nan + 1, sizeof(*f->nan));
		f->nan[f->n_nan++] = raw;
	}
	return NULL;
}

static const char *
set_enum(struct line *l, char *v)
{
	struct field *f = l->f;

	for (char *s; (s = next_entry(&v));) {
		char *colon = strchr(s, ':');
		struct enum_word w = { 0 };

		if (colon)
			*colon++ = '\0';
		if (!colon || !colon[0] || value_int(s, &w.value) != OK)
			return "must be value:word pairs, as 0:off,1:on";
		if (f->n_words == LIST_MAX)
			return "has too many entries";
		for (size_t i = 0; i < f->n_words; i++)
			if (f->words[i].value == w.value)
				return "names one value twice";
		w.word = mem_strdup(colon);
		f->words = mem_resize(f->words, f->n_words + 1, sizeof(w));
		f->words[f->n_words++] = w;
	}
	return NULL;
}

/* "M", "K:0.277778" or "F:0.555556:-17.7778". */
static const char *
take_suffix(char *text, struct suffix *out)
{
	char *factor = strchr(text, ':'), *offset = NULL;

	*out = (struct suffix){ .factor = { 1, 0 } };
	if (factor)
		*factor++ = '\0';
	if (factor)
		offset = strchr(factor, ':');
	if (offset)
		*offset++ = '\0';
	if (!text[0] || strlen(text) >= sizeof(out->mark))
		return "has a unit mark of 1 to 7 bytes before each ':'";
	memcpy(out->mark, text, strlen(text) + 1);
	if (factor && num_parse(factor, &out->factor) != OK)
		return "must be marks, as C or K:0.277778 or F:0.5556:-17.778";
	if (offset && num_parse(offset, &out->offset) != OK)
		return "must be marks, as C or K:0.277778 or F:0.5556:-17.778";
	return out->factor.mant == 0 ? "has a factor that is 0" : NULL;
}

static const char *
set_suffix(struct line *l, char *v)
{
	struct field *f = l->f;

	for (char *s; (s = next_entry(&v));) {
		struct suffix x;
		const char *bad = take_suffix(s, &x);

		if (bad)
			return bad;
		for (size_t i = 0; i < f->n_suffix; i++)
			if (strcmp(f->suffix[i].mark, x.mark) == 0)
				return "names one mark twice";
		if (f->n_suffix == LIST_MAX)
			return "has too many entries";
		f->suffix = mem_resize(f->suffix, f->n_suffix + 1, sizeof(x));
		f->suffix[f->n_suffix++] = x;
	}
	return NULL;
}

/* --- options of [control]: checked, and kept for the time when writing
 * needs them --- */

static const char *
check_fc(struct line *l, char *v)
{
	bool coil = l->f->table == MB_COIL;

	if (coil)
		return value_word(v, "5|15") < 0 ? "must be 5 or 15 for a coil"
						 : NULL;
	return value_word(v, "6|16|22") < 0 ? "must be 6, 16 or 22" : NULL;
}

static const char *
check_verify(struct line *l, char *v)
{
	struct field other = { .name = l->f->name };
	struct buf unseen = { 0 };
	struct notes notes = { .out = &unseen };
	struct line probe = {
		.t = l->t, .f = &other, .at = l->at, .notes = &notes
	};
	bool good = strcmp(v, "same") == 0 || parse_modbus_where(&probe, v);

	buf_fini(&unseen);
	return good ? NULL : "must be same or an address";
}

/* "0..3600s": the first may leave its unit to the second. */
static const char *
check_pulse(struct line *l, char *v)
{
	static const char *const bad = "must be a range of times, as 0..3600s";
	char *dots = strstr(v, "..");
	int64_t lo, hi;

	(void)l;
	if (!dots)
		return bad;
	*dots = '\0';
	if (value_duration(dots + 2, &hi) != OK)
		return bad;
	if (value_duration(v, &lo) != OK && value_int(v, &lo) != OK)
		return bad;
	return lo < 0 || lo > hi ? bad : NULL;
}

static const char *
check_step(struct line *l, char *v)
{
	struct num step;

	(void)l;
	return num_parse(v, &step) == OK && step.mant > 0
	    ? NULL
	    : "must be a number above 0";
}

static const char *
check_access(struct line *l, char *v)
{
	(void)l;
	return value_word(v, "rw|w") < 0 ? "must be rw or w" : NULL;
}

static const struct option {
	const char *name;
	unsigned where;
	const char *(*set)(struct line *, char *);
} options[] = {
	{ "order", ON_MODBUS | IN_FIELD | IN_CONTROL, set_order },
	{ "scale", ON_MODBUS | IN_FIELD | IN_CONTROL | OF_NUMBER, set_scale },
	{ "offset", ON_MODBUS | IN_FIELD | IN_CONTROL | OF_NUMBER, set_offset },
	{ "unit", ON_MODBUS | ON_TEXT | IN_FIELD | IN_CONTROL | OF_NUMBER,
	    set_unit },
	{ "dec", ON_MODBUS | ON_TEXT | IN_FIELD | IN_CONTROL | OF_NUMBER,
	    set_dec },
	{ "min", ON_MODBUS | ON_TEXT | IN_FIELD | IN_CONTROL | OF_NUMBER,
	    set_min },
	{ "max", ON_MODBUS | ON_TEXT | IN_FIELD | IN_CONTROL | OF_NUMBER,
	    set_max },
	{ "nan", ON_MODBUS | IN_FIELD | OF_NUMBER, set_nan },
	{ "kind", ON_MODBUS | ON_TEXT | IN_FIELD, set_kind },
	{ "poll", ON_MODBUS | ON_TEXT | IN_FIELD, set_poll },
	{ "deadband", ON_MODBUS | ON_TEXT | IN_FIELD | OF_NUMBER,
	    set_deadband },
	{ "max_age", ON_MODBUS | ON_TEXT | IN_FIELD, set_max_age },
	{ "optional", ON_MODBUS | ON_TEXT | IN_FIELD, set_optional },
	{ "solo", ON_MODBUS | IN_FIELD, set_solo },
	{ "enum", ON_MODBUS | IN_FIELD | IN_CONTROL | OF_NUMBER, set_enum },
	{ "label", ON_MODBUS | ON_TEXT | IN_FIELD | IN_CONTROL, set_label },
	{ "suffix", ON_TEXT | IN_FIELD | OF_NUMBER, set_suffix },
	{ "fc", ON_MODBUS | IN_CONTROL, check_fc },
	{ "verify", ON_MODBUS | IN_CONTROL, check_verify },
	{ "pulse", ON_MODBUS | IN_CONTROL, check_pulse },
	{ "step", ON_MODBUS | IN_CONTROL | OF_NUMBER, check_step },
	{ "access", ON_MODBUS | IN_CONTROL, check_access },
};

enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

const char *
tmpl_field_option(size_t i)
{
	return i < N_OPTIONS ? options[i].name : NULL;
}

static bool
unknown_option(struct line *l, const char *name)
{
	struct guess g = { .word = name };
	char hint[96];

	for (size_t i = 0; i < N_OPTIONS; i++)
		guess_try(&g, options[i].name);
	return fault(l, "unknown option \"%s\"%s", name,
	    guess_hint(&g, hint, sizeof(hint)));
}

static bool
option_fits(struct line *l, const struct option *o)
{
	unsigned kind = l->t->kind == TMPL_MODBUS ? ON_MODBUS : ON_TEXT;

	if (!(o->where & kind))
		return fault(l, "%s does not apply to kind = %s", o->name,
		    kind == ON_MODBUS ? "modbus" : "text");
	if (!(o->where & (l->control ? IN_CONTROL : IN_FIELD)))
		return fault(l, "%s does not belong into [%s]", o->name,
		    l->control ? "control" : "field");
	if ((o->where & OF_NUMBER) && !is_number(l->f))
		return fault(l, "%s applies to numbers alone", o->name);
	return true;
}

static bool
parse_option(struct line *l, char *text)
{
	char *eq = strchr(text, '=');
	const char *bad;

	if (!eq)
		return fault(l, "\"%s\" is no option (write key=value)", text);
	*eq++ = '\0';
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].name, text) != 0)
			continue;
		if (!option_fits(l, &options[i]))
			return false;
		if (l->seen & (1U << i))
			return fault(l, "%s is given twice", text);
		l->seen |= 1U << i;
		if (!eq[0])
			return fault(l, "%s has no value", text);
		bad = options[i].set(l, eq);
		return !bad || fault(l, "%s %s", text, bad);
	}
	return unknown_option(l, text);
}

/* --- the line as a whole --- */

/* Cuts the next word off, double quotes taken out; *open: one is not closed. */
static char *
next_word(char **at, bool *open)
{
	char *in = *at, *word, *out;

	while (*in == ' ' || *in == '\t')
		in++;
	*open = false;
	if (!*in)
		return NULL;
	word = out = in;
	for (; *in && (*open || (*in != ' ' && *in != '\t')); in++) {
		if (*in == '"')
			*open = !*open;
		else
			*out++ = *in;
	}
	*at = *in ? in + 1 : in;
	*out = '\0';
	return word;
}

static const char *
register_fault(const struct field *f)
{
	bool bits = f->bit_hi >= f->bit_lo;

	if (f->table == MB_COIL || f->table == MB_DISCRETE) {
		if (f->type != REG_BOOL)
			return "a coil or discrete input is a bool";
		return bits ? "a coil or discrete input has no bits" : NULL;
	}
	if (f->type == REG_BOOL && (!bits || f->bit_hi != f->bit_lo))
		return "a bool of a register needs its bit, as holding:0x10[3]";
	if (bits && f->type != REG_BOOL && f->type != REG_U16)
		return "bits of a register are bool or u16";
	if (f->addr + tmpl_field_regs(f) > REGS_ALL)
		return "reaches beyond register 65535";
	return NULL;
}

static const char *
modbus_fault(const struct line *l)
{
	const struct field *f = l->f;
	const char *bad = register_fault(f);

	if (bad)
		return bad;
	if (tmpl_field_regs(f) > l->t->max_read)
		return "is longer than max_read of [modbus]";
	if (type_of(f)->fraction && !f->has_dec)
		return "a floating point value needs dec=, its decimals";
	if (type_of(f)->fraction && f->n_words)
		return "enum applies to whole numbers";
	if (l->control && f->table != MB_COIL && f->table != MB_HOLDING)
		return "what can be written is a coil or a holding register";
	return NULL;
}

/* The class of fields that name none: a time, and no doubt about which. */
static bool
poll_default(const struct tmpl *t)
{
	size_t times = 0;

	for (size_t i = 0; i < t->n_polls; i++) {
		if (strcmp(t->polls[i].name, "normal") == 0)
			return true;
		times += t->polls[i].ms > 0;
	}
	return times == 1;
}

static const char *
field_fault(const struct line *l)
{
	const struct field *f = l->f;
	const char *bad = l->t->kind == TMPL_MODBUS ? modbus_fault(l) : NULL;

	if (bad)
		return bad;
	if (f->has_min && f->has_max && num_cmp(f->min, f->max) > 0)
		return "min is above max";
	if (f->kind == KIND_COUNTER && (!is_number(f) || f->n_words))
		return "a counter is a number";
	if (!l->control && !f->poll && !poll_default(l->t))
		return "poll= is needed: [poll] has several classes and no "
		       "`normal`";
	return NULL;
}

static bool
parse_where(struct line *l, char *word, char **rest)
{
	bool open;
	char *type;

	if (l->t->kind == TMPL_TEXT) {
		l->f->type = REG_F64;
		return parse_text_where(l, word);
	}
	if (!parse_modbus_where(l, word))
		return false;
	type = next_word(rest, &open);
	return type ? parse_type(l, type) : fault(l, "the type is missing");
}

/* A text field is a number unless its second word is `str`. */
static bool
parse_rest(struct line *l, char *rest)
{
	bool first = l->t->kind == TMPL_TEXT, open, good = true;
	char *word;

	while ((word = next_word(&rest, &open))) {
		if (open)
			return fault(l, "a quote is not closed");
		if (first && strcmp(word, "str") == 0)
			l->f->type = REG_STR;
		else
			good &= parse_option(l, word);
		first = false;
	}
	return good;
}

static bool
parse_line(struct line *l, char *text)
{
	bool open;
	char *word = next_word(&text, &open);
	const char *bad;

	if (!word)
		return fault(l, "says nothing: write where%s and options",
		    l->t->kind == TMPL_MODBUS ? ", type" : "");
	if (!parse_where(l, word, &text) || !parse_rest(l, text))
		return false;
	bad = field_fault(l);
	return !bad || fault(l, "%s", bad);
}

bool
tmpl_field_parse(const struct tmpl *t, struct field *f, const char *text,
    bool control, struct place at, struct notes *notes)
{
	struct line l = {
		.t = t, .f = f, .at = at, .notes = notes, .control = control
	};
	char *copy = mem_strdup(text);
	bool good;

	f->scale = (struct num){ 1, 0 };
	f->order = (enum reg_order)t->order;
	good = parse_line(&l, copy);
	if (!f->unit)
		f->unit = mem_strdup("");
	if (!f->label)
		f->label = mem_strdup(f->name);
	free(copy);
	return good;
}

void
tmpl_field_fini(struct field *f)
{
	for (size_t i = 0; i < f->n_words; i++)
		free(f->words[i].word);
	free(f->words);
	free(f->nan);
	free(f->suffix);
	free(f->name);
	free(f->unit);
	free(f->label);
	free(f->poll);
	free(f->key);
	free(f->key2);
	free(f->key3);
}
