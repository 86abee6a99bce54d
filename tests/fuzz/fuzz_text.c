/* Text parsing, all formats: readings are of known fields, once each, and a
 * value that is taken is a proper one; a position is on the globe. */
#include "common/mem.h"
#include "common/utf8.h"
#include "drivers/parse_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = 4, FORMATS = PARSE_OBIS + 1 };

static char ta[] = "Ta", sentence[] = "WIXDR", kind[] = "C", id[] = "0",
	    gga[] = "--GGA", zero[] = "0", on[] = "on", off[] = "off",
	    code[] = "1-0:1.8.0", unit[] = "C",
	    regex[] = "^ *(-?[0-9.]+)C,(([0-9]+)*)(.*)$";
static struct suffix suffixes[] = { { "C", { 1, 0 }, { 0, 0 } },
	{ "F", { 555556, 6 }, { -177778, 4 } } };
static struct enum_word words[] = { { 0, kind, on }, { 1, zero, off } };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
fields_of(enum parse_format format, struct field f[FIELDS])
{
	static const enum text_where where[] = { TEXT_KEY, TEXT_COL, TEXT_GROUP,
		TEXT_FIXED, TEXT_NMEA, TEXT_OBIS };

	for (int i = 0; i < FIELDS; i++) {
		f[i] = (struct field){ .where = where[format],
			.unit = unit,
			.type = i == 1 ? REG_STR : REG_F64,
			.from = i + 1,
			.to = i + 4,
			.key = format == PARSE_NMEA ? sentence
			    : format == PARSE_OBIS  ? code
						    : ta };
		if (format == PARSE_NMEA && i < 2) {
			f[i].key2 = kind;
			f[i].key3 = id;
		}
		if (i == 2) {
			f[i].suffix = suffixes;
			f[i].n_suffix = 2;
		}
	}
}

/* The latitude, the longitude and a code of a sentence. */
static void
position_fields(struct field f[FIELDS])
{
	for (int i = 1; i < FIELDS; i++) {
		f[i] = (struct field){ .where = TEXT_NMEA,
			.unit = unit,
			.type = i == 3 ? REG_STR : REG_F64,
			.key = gga,
			.from = 2 * i - 1,
			.unit_at = 2 * i,
			.form = i == 1 ? FORM_LATITUDE
			    : i == 2   ? FORM_LONGITUDE
				       : FORM_DECIMAL,
			.has_dec = i == 1,
			.dec = 6,
			.void_at = 7,
			.void_text = zero };
	}
	f[3].words = words;
	f[3].n_words = 2;
}

/* The second bracket, and its unit in the third. */
static void
bracket_fields(struct field f[FIELDS])
{
	f[2].from = 2;
	f[3].from = 2;
	f[3].unit_at = 3;
	f[1].from = 1;
	f[1].words = words;
	f[1].n_words = 2;
}

static void
check_position(const struct field *f, const struct reading *r)
{
	struct num most = { f->form == FORM_LATITUDE ? 90 : 180, 0 };
	struct num least = { -most.mant, 0 };

	if (f->form == FORM_DECIMAL || r->quality != QUALITY_OK)
		return;
	must(num_cmp(r->value.num, most) <= 0 &&
	    num_cmp(r->value.num, least) >= 0);
}

static void
check_readings(const struct field *f, const struct reading *r, size_t n)
{
	must(n <= FIELDS);
	for (size_t i = 0; i < n; i++) {
		must(r[i].field < FIELDS);
		check_position(&f[r[i].field], &r[i]);
		must(i == 0 || r[i].field > r[i - 1].field);
		must((r[i].quality == QUALITY_OK) == (r[i].why == NULL));
		if (r[i].quality == QUALITY_OK && r[i].value.type == VALUE_TEXT)
			must(utf8_valid(
			    r[i].value.text, strlen(r[i].value.text)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading r[FIELDS];
	struct field f[FIELDS];
	struct tmpl t = { .kind = TMPL_TEXT, .fields = f, .n_fields = FIELDS };
	struct text_parser *p;
	char *copy;
	size_t n;

	if (size < 1)
		return 0;
	t.parse = (struct parse){
		.format = data[0] % FORMATS, .regex = regex, .invalid = '#'
	};
	fields_of(t.parse.format, f);
	if (data[0] & 0x40 && t.parse.format == PARSE_NMEA)
		position_fields(f);
	if (data[0] & 0x40 && t.parse.format == PARSE_OBIS)
		bracket_fields(f);
	p = text_parser_new(&t, NULL);
	must(p != NULL);
	copy = mem_zalloc(size); /* exactly as long, for the sanitizer */
	memcpy(copy, data + 1, size - 1);
	if (text_parse(p, copy, size - 1, r, &n) == OK)
		check_readings(f, r, n);
	free(copy);
	text_parser_free(p);
	return 0;
}
