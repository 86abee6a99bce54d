#include "drivers/parse_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS = 4, TEXT = 256 };

static char ta[] = "Ta", ua[] = "Ua", dm[] = "Dm", sm[] = "Sm", xdr[] = "WIXDR",
	    mwv[] = "WIMWV", type_c[] = "C", id_0[] = "0", unit_c[] = "C",
	    type_s[] = "S", id_1[] = "1", kwh[] = "kWh", none[] = "",
	    energy[] = "1-0:1.8.0", serial[] = "0-0:96.1.0",
	    regex[] =
		"^ *(-?[0-9]+(\\.[0-9]+)?)C,([0-9]+(\\.[0-9]+)?)%[ \\r\\n]*$",
	    slow_regex[] = "^(a+)+$";

static struct suffix speed[] = { { "M", { 1, 0 }, { 0, 0 } },
	{ "K", { 277778, 6 }, { 0, 0 } } };
static struct suffix celsius[] = { { "C", { 1, 0 }, { 0, 0 } },
	{ "F", { 555556, 6 }, { -177778, 4 } } };
static struct suffix degrees[] = { { "D", { 1, 0 }, { 0, 0 } } };
static struct suffix hecto[] = { { "H", { 1, 0 }, { 0, 0 } },
	{ "P", { 1, 2 }, { 0, 0 } }, { "B", { 1000, 0 }, { 0, 0 } } };

#define KEY(k) .where = TEXT_KEY, .key = (k), .type = REG_F64, .unit = none
#define SUFFIX(s) .suffix = (s), .n_suffix = sizeof(s) / sizeof((s)[0])
#define WIND                           \
	{ KEY(dm), SUFFIX(degrees) },  \
	{                              \
		KEY(sm), SUFFIX(speed) \
	}
#define XDR_C .where = TEXT_NMEA, .key = xdr, .key2 = type_c, .key3 = id_0

static const struct {
	const char *name;
	struct parse parse;
	struct field f[FIELDS];
	const char *msg;
	const char *want; /* "field=value ...", or "BROKEN" */
} cases[] = {
	{ "keyed", { .format = PARSE_KEYED, .invalid = '#' }, { WIND },
	    "0r0,Dm=027D,Sm=0.1M", "0=27 1=0.1" },
	{ "converted", { .format = PARSE_KEYED }, { WIND }, "Sm=36.0K",
	    "1=10.000" },
	{ "few digits are added", { .format = PARSE_KEYED }, { WIND },
	    "Sm=0.6K", "1=0.167" },
	{ "factor and offset", { .format = PARSE_KEYED },
	    { { KEY(ta), SUFFIX(celsius) } }, "Ta=72.5F", "0=22.500" },
	{ "decimals said", { .format = PARSE_KEYED },
	    { { KEY(ta), SUFFIX(celsius), .has_dec = true, .dec = 1 } },
	    "Ta=72.5F", "0=22.5" },
	{ "a factor that needs digits", { .format = PARSE_KEYED },
	    { { KEY(ta), SUFFIX(hecto) } }, "Ta=100832P", "0=1008.32" },
	{ "a factor above one", { .format = PARSE_KEYED },
	    { { KEY(ta), SUFFIX(hecto) } }, "Ta=1.0132B", "0=1013.2000" },
	{ "marked as invalid", { .format = PARSE_KEYED, .invalid = '#' },
	    { WIND }, "Dm=000#,Sm=#", "0=MISSING 1=MISSING" },
	{ "unknown unit", { .format = PARSE_KEYED }, { WIND }, "Dm=027X,Sm=0.1",
	    "0=ERROR 1=ERROR" },
	{ "a unit where none is known", { .format = PARSE_KEYED },
	    { { KEY(ta) } }, "Ta=22.5C", "0=ERROR" },
	{ "two keys that grew together", { .format = PARSE_KEYED }, { WIND },
	    "0R1,Dm=0m=032D,Sm=0.1M", "BROKEN" },
	{ "a number that does", { .format = PARSE_KEYED }, { WIND },
	    "Dm=027D0.1M,Sm=1.2.3M", "0=ERROR 1=ERROR" },
	{ "a key twice", { .format = PARSE_KEYED }, { WIND },
	    "Dm=1D,Dm=2D,Sm=1M", "0=ERROR 1=1" },
	{ "other keys, no value", { .format = PARSE_KEYED }, { WIND },
	    "Dx=1D,Sm=", "1=MISSING" },
	{ "own separators",
	    { .format = PARSE_KEYED, .separator = ';', .assign = ':' },
	    { { KEY(ta) }, { KEY(ua) } }, "Ta: -3.5 ;Ua:+40", "0=-3.5 1=40" },
	{ "csv", { .format = PARSE_CSV },
	    { { .where = TEXT_COL, .from = 1, .type = REG_F64, .unit = none },
		{ .where = TEXT_COL, .from = 3, .type = REG_F64, .unit = none },
		{ .where = TEXT_COL,
		    .from = 9,
		    .type = REG_F64,
		    .unit = none } },
	    "1.50, x ,-2", "0=1.50 1=-2" },
	{ "csv with text", { .format = PARSE_CSV },
	    { { .where = TEXT_COL, .from = 2, .type = REG_STR, .unit = none } },
	    "1, AB\xff ,3", "0='AB\xef\xbf\xbd'" },
	{ "regex", { .format = PARSE_REGEX, .regex = regex },
	    { { .where = TEXT_GROUP, .from = 1, .type = REG_F64, .unit = none },
		{ .where = TEXT_GROUP,
		    .from = 3,
		    .type = REG_F64,
		    .unit = none } },
	    "16.02C,55.85%", "0=16.02 1=55.85" },
	{ "regex, no match", { .format = PARSE_REGEX, .regex = regex },
	    { { .where = TEXT_GROUP,
		.from = 1,
		.type = REG_F64,
		.unit = none } },
	    "16.02C,55.85", "BROKEN" },
	{ "regex that would take for ever",
	    { .format = PARSE_REGEX, .regex = slow_regex },
	    { { .where = TEXT_GROUP,
		.from = 1,
		.type = REG_STR,
		.unit = none } },
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
	    "BROKEN" },
	{ "fixed columns", { .format = PARSE_FIXED },
	    { { .where = TEXT_FIXED,
		  .from = 4,
		  .to = 9,
		  .type = REG_F64,
		  .unit = none },
		{ .where = TEXT_FIXED,
		    .from = 9,
		    .to = 12,
		    .type = REG_F64,
		    .unit = none } },
	    "ST   12.5 kg", "0=12.5 1=ERROR" },
	{ "fixed, too short", { .format = PARSE_FIXED },
	    { { .where = TEXT_FIXED,
		.from = 4,
		.to = 9,
		.type = REG_F64,
		.unit = none } },
	    "ST 12", "" },
	{ "nmea transducers", { .format = PARSE_NMEA },
	    { { XDR_C, .type = REG_F64, .unit = unit_c, SUFFIX(celsius) },
		{ .where = TEXT_NMEA,
		    .key = xdr,
		    .key2 = type_s,
		    .key3 = id_1,
		    .type = REG_F64,
		    .unit = none,
		    SUFFIX(speed) } },
	    "WIXDR,A,057,D,1,S,0.6,M,1,C,22.6,C,0,H,27.1,P,0", "0=22.6 1=0.6" },
	{ "nmea, another unit", { .format = PARSE_NMEA },
	    { { XDR_C, .type = REG_F64, .unit = unit_c, SUFFIX(celsius) } },
	    "WIXDR,C,22.6,K,0", "0=ERROR" },
	{ "nmea, empty", { .format = PARSE_NMEA },
	    { { XDR_C, .type = REG_F64, .unit = unit_c, SUFFIX(celsius) } },
	    "WIXDR,C,,C,0", "0=MISSING" },
	{ "nmea, cut off", { .format = PARSE_NMEA },
	    { { XDR_C, .type = REG_F64, .unit = unit_c, SUFFIX(celsius) } },
	    "WIXDR,C,22.6,C", "" },
	{ "nmea, another sentence", { .format = PARSE_NMEA },
	    { { XDR_C, .type = REG_F64, .unit = unit_c, SUFFIX(celsius) } },
	    "WIMWV,057,R,0.6,M,A", "" },
	{ "nmea, by number", { .format = PARSE_NMEA },
	    { { .where = TEXT_NMEA,
		.key = mwv,
		.from = 3,
		.type = REG_F64,
		.unit = none } },
	    "WIMWV,057,R,0.6,M,A", "0=0.6" },
	{ "obis", { .format = PARSE_OBIS },
	    { { .where = TEXT_OBIS,
		  .key = energy,
		  .type = REG_F64,
		  .unit = kwh },
		{ .where = TEXT_OBIS,
		    .key = serial,
		    .type = REG_STR,
		    .unit = none } },
	    "/ABC5 meter\r\n\r\n0-0:96.1.0(AB12)\r\n"
	    "1-0:1.8.0(000123.45*kWh)\r\n",
	    "0=123.45 1='AB12'" },
	{ "obis, another unit", { .format = PARSE_OBIS },
	    { { .where = TEXT_OBIS,
		.key = energy,
		.type = REG_F64,
		.unit = kwh } },
	    "1-0:1.8.0(000123.45*Wh)", "0=ERROR" },
	{ "obis, cut off", { .format = PARSE_OBIS },
	    { { .where = TEXT_OBIS,
		.key = energy,
		.type = REG_F64,
		.unit = kwh } },
	    "1-0:1.8.0(000123.45*kW", "" },
	{ "obis, only the whole code", { .format = PARSE_OBIS },
	    { { .where = TEXT_OBIS,
		.key = energy,
		.type = REG_F64,
		.unit = kwh } },
	    "11-0:1.8.0(1*kWh)", "" },
	{ "limits", { .format = PARSE_KEYED },
	    { { KEY(ta), .has_max = true, .max = { 70, 0 } },
		{ KEY(ua), .has_min = true, .min = { 0, 0 } } },
	    "Ta=70.1,Ua=-0.1", "0=ERROR 1=ERROR" },
	{ "numbers that are none", { .format = PARSE_KEYED },
	    { { KEY(ta) }, { KEY(ua) }, { KEY(dm) }, { KEY(sm) } },
	    "Ta=-,Ua=1.,Dm=99999999999999999999,Sm=nan",
	    "0=ERROR 1=ERROR 2=ERROR 3=ERROR" },
};

static void
show(const struct reading *r, size_t n, char out[TEXT])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		char num[NUM_TEXT];

		num_format(r[i].value.num, num);
		at += (size_t)snprintf(
		    out + at, TEXT - at, "%s%d=", i ? " " : "", r[i].field);
		if (r[i].quality == QUALITY_MISSING)
			at += (size_t)snprintf(out + at, TEXT - at, "MISSING");
		else if (r[i].quality != QUALITY_OK)
			at += (size_t)snprintf(out + at, TEXT - at, "ERROR");
		else if (r[i].value.type == VALUE_TEXT)
			at += (size_t)snprintf(
			    out + at, TEXT - at, "'%s'", r[i].value.text);
		else
			at += (size_t)snprintf(out + at, TEXT - at, "%s", num);
	}
}

static void
messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct field f[FIELDS];
		struct tmpl t = {
			.kind = TMPL_TEXT, .parse = cases[i].parse, .fields = f
		};
		struct reading r[FIELDS];
		struct text_parser *p;
		char text[TEXT] = "BROKEN";
		size_t n;

		memcpy(f, cases[i].f, sizeof(f));
		while (t.n_fields < FIELDS && f[t.n_fields].unit)
			f[t.n_fields++].scale = (struct num){ 1, 0 };
		print_message("  %s\n", cases[i].name);
		p = text_parser_new(&t, NULL);
		assert_non_null(p);
		if (text_parse(p, cases[i].msg, strlen(cases[i].msg), r, &n) ==
		    OK)
			show(r, n, text);
		assert_string_equal(text, cases[i].want);
		text_parser_free(p);
	}
}

static void
wrong_regex(void **state)
{
	static char bad[] = "(a";
	struct tmpl t = { .parse = { .format = PARSE_REGEX, .regex = bad } };
	struct errbuf why;

	(void)state;
	assert_null(text_parser_new(&t, &why));
	print_message("  %s\n", why.text);
	assert_non_null(strstr(why.text, "regex"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(wrong_regex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
