/* Where a value stands: `holding:0x10[4:2]`, `key:Dm`. */
#include "common/mem.h"
#include "config/tmpl_line.h"
#include "config/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_MAX = 4096, REGS_ALL = 65536 };

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
parse_bits(struct line *l, struct field *f, const char *text)
{
	int hi, lo;

	text++;
	hi = lo = parse_bit(&text);
	if (*text == ':') {
		text++;
		lo = parse_bit(&text);
	}
	if (strcmp(text, "]") != 0 || lo < 0 || hi < lo)
		return line_fault(
		    l, "bits are written as [4:2] or [3], 15 to 0");
	f->bit_hi = (uint8_t)hi;
	f->bit_lo = (uint8_t)lo;
	return true;
}

static bool
parse_address(struct line *l, struct field *f, const char *text, bool from_one)
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
		return line_fault(l,
		    "\"%s\" is no register address (0 to 65535, or "
		    "0x0000 to 0xFFFF; 3x0001 counts from one)",
		    text);
	f->addr = (uint16_t)v;
	return !text[n] || parse_bits(l, f, text + n);
}

bool
where_modbus(struct line *l, struct field *f, const char *text)
{
	f->bit_hi = 0;
	f->bit_lo = 1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		size_t n = strlen(tables[i].name);

		if (strncmp(text, tables[i].name, n) != 0)
			continue;
		f->table = tables[i].table;
		return parse_address(l, f, text + n, tables[i].from_one);
	}
	return line_fault(l,
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
		return line_fault(l, "\"%s\" is no count from 1 to 4096", text);
	*out = (int)v;
	return true;
}

static bool
where_key(struct line *l, char *text)
{
	mem_set(&l->f->key, text);
	return text[0] || line_fault(l, "the key is empty");
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
	    line_fault(l, "the first column stands after the last");
}

/* "3", or "3,4" when the unit stands in the fourth. */
static bool
parse_counts(struct line *l, char *text)
{
	char *second = strchr(text, ',');

	if (second)
		*second++ = '\0';
	return parse_count(l, text, &l->f->from) &&
	    (!second || parse_count(l, second, &l->f->unit_at));
}

static bool
nmea_fault(struct line *l)
{
	return line_fault(l,
	    "nmea: takes SENTENCE,NUMBER or SENTENCE,NUMBER,NUMBER or "
	    "SENTENCE,TYPE,ID");
}

/* WIXDR,C,0 is a transducer's type and id; WIMWV,3 a field by its number. */
static bool
where_nmea(struct line *l, char *text)
{
	char *second = strchr(text, ','), *third;

	if (!second || second == text)
		return nmea_fault(l);
	*second++ = '\0';
	mem_set(&l->f->key, text);
	third = strchr(second, ',');
	if (!third || isdigit((unsigned char)second[0]))
		return parse_counts(l, second);
	*third++ = '\0';
	mem_set(&l->f->key2, second);
	mem_set(&l->f->key3, third);
	return (second[0] && !strchr(third, ',')) || nmea_fault(l);
}

/* Behind the code the bracket, from 1, and that of its unit. */
static bool
where_obis(struct line *l, char *text)
{
	char *comma = strchr(text, ',');

	if (comma)
		*comma++ = '\0';
	l->f->from = 1;
	return where_key(l, text) && (!comma || parse_counts(l, comma));
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
	{ "obis:", TEXT_OBIS, PARSE_OBIS, where_obis },
};

static bool
parse_text_where(struct line *l, char *text)
{
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		size_t n = strlen(selectors[i].name);

		if (selectors[i].format != l->t->parse.format)
			continue;
		if (strncmp(text, selectors[i].name, n) != 0)
			return line_fault(l,
			    "\"%s\" does not say where (this "
			    "format takes %s)",
			    text, selectors[i].name);
		l->f->where = selectors[i].where;
		return selectors[i].parse(l, text + n);
	}
	return false;
}

bool
line_where(struct line *l, char *text)
{
	if (l->t->kind == TMPL_MODBUS)
		return where_modbus(l, l->f, text);
	l->f->type = REG_F64;
	return parse_text_where(l, text);
}
