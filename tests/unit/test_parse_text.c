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
	    slow_regex[] = "^(a+)+$", gga[] = "--GGA", vtg[] = "--VTG",
	    gll[] = "GPGLL", deg[] = "deg", ms[] = "m/s", zero[] = "0",
	    mode_n[] = "N", gas[] = "0-1:24.3.0", m3[] = "m3", code_a[] = "A",
	    code_v[] = "V", valid[] = "valid", not_valid[] = "void";

static struct suffix speed[] = { { "M", { 1, 0 }, { 0, 0 } },
	{ "K", { 277778, 6 }, { 0, 0 } } };
static struct suffix celsius[] = { { "C", { 1, 0 }, { 0, 0 } },
	{ "F", { 555556, 6 }, { -177778, 4 } } };
static struct suffix degrees[] = { { "D", { 1, 0 }, { 0, 0 } } };
static struct suffix hecto[] = { { "H", { 1, 0 }, { 0, 0 } },
	{ "P", { 1, 2 }, { 0, 0 } }, { "B", { 1000, 0 }, { 0, 0 } } };

static struct suffix knots[] = { { "N", { 514444, 6 }, { 0, 0 } },
	{ "K", { 277778, 6 }, { 0, 0 } } };
static struct suffix kilo[] = { { "kWh", { 1, 0 }, { 0, 0 } },
	{ "Wh", { 1, 3 }, { 0, 0 } } };
static struct enum_word states[] = { { 0, code_a, valid },
	{ 1, code_v, not_valid } };
static struct enum_word fixes[] = { { 0, NULL, not_valid },
	{ 1, NULL, valid } };

#define NMEA(k, first, second) \
	.where = TEXT_NMEA, .key = (k), .from = (first), .unit_at = (second)
#define LAT NMEA(gga, 2, 3), .form = FORM_LATITUDE, .unit = deg
#define LON NMEA(gga, 4, 5), .form = FORM_LONGITUDE, .unit = deg
#define DEC(n) .type = REG_F64, .has_dec = true, .dec = (n)
#define PLACE               \
	{ LAT, DEC(6) },    \
	{                   \
		LON, DEC(6) \
	}
#define OBIS(k, first, second)                                                \
	.where = TEXT_OBIS, .key = (k), .from = (first), .unit_at = (second), \
	.type = REG_F64
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
	{ "a factor of ten takes no digit", { .format = PARSE_KEYED },
	    { { KEY(ta), SUFFIX(kilo) },
		{ KEY(ua), SUFFIX(kilo), .has_dec = true, .dec = 3 } },
	    "Ta=6545766Wh,Ua=6545766Wh", "0=6545.766 1=6545.766" },
	{ "rounded once", { .format = PARSE_KEYED },
	    { { KEY(ta), SUFFIX(knots), .has_dec = true, .dec = 1 } },
	    "Ta=3.6K", "0=1.0" },
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
	    "Dm=1D,Dm=2D,Sm=1M", "0=TWICE 1=1" },
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
		    .optional = true,
		    .type = REG_F64,
		    .unit = none } },
	    "1.50, x ,-2", "0=1.50 1=-2" },
	{ "csv, a comma lost: nothing stands where it should",
	    { .format = PARSE_CSV },
	    { { .where = TEXT_COL, .from = 2, .type = REG_F64, .unit = none },
		{ .where = TEXT_COL,
		    .from = 3,
		    .type = REG_F64,
		    .unit = none } },
	    "1.502.50,-2", "BROKEN" },
	{ "exponents", { .format = PARSE_KEYED },
	    { { KEY(ta) }, { KEY(ua) }, { KEY(dm) }, { KEY(sm) } },
	    "Ta=+1.50E+03,Ua=-2.5e-3,Dm=3E0,Sm=1.5E1",
	    "0=1500 1=-0.0025 2=3 3=15" },
	{ "exponents that are none", { .format = PARSE_KEYED },
	    { { KEY(ta) }, { KEY(ua) }, { KEY(dm) }, { KEY(sm) } },
	    "Ta=1E,Ua=1E+,Dm=1E99,Sm=9E18",
	    "0=ERROR 1=ERROR 2=ERROR "
	    "3=9000000000000000000" },
	{ "exponents too large", { .format = PARSE_KEYED },
	    { { KEY(ta) }, { KEY(ua) }, { KEY(dm) }, { KEY(sm) } },
	    "Ta=99E18,Ua=1E-19,Dm=1E1.5,Sm=E5",
	    "0=ERROR 1=ERROR 2=ERROR 3=ERROR" },
	{ "a line from the field: a key inside of another's value",
	    { .format = PARSE_KEYED }, { WIND },
	    "0R1,Dn=0m=032D,Dm=254D,Sm=0.1M", "BROKEN" },
	{ "an assignment lost", { .format = PARSE_KEYED }, { WIND },
	    "0R1,Dm254D,Sm=0.1M", "1=0.1" },
	{ "a separator lost", { .format = PARSE_KEYED }, { WIND },
	    "0R1,Dm=254DSm=0.1M", "BROKEN" },
	{ "a unit lost", { .format = PARSE_KEYED }, { WIND },
	    "0R1,Dm=254,Sm=0.1M", "0=ERROR 1=0.1" },
	{ "a unit of another field", { .format = PARSE_KEYED }, { WIND },
	    "0R1,Dm=254M,Sm=0.1M", "0=ERROR 1=0.1" },
	{ "a sign in the middle, and a letter", { .format = PARSE_KEYED },
	    { WIND }, "Dm=2-54D,Sm=O.1M", "0=ERROR 1=ERROR" },
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
	    "ST 12", "BROKEN" },
	{ "fixed, too short for what is optional", { .format = PARSE_FIXED },
	    { { .where = TEXT_FIXED,
		.from = 4,
		.to = 9,
		.optional = true,
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
	{ "a position", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,092725.00,4717.11399,N,00833.91590,E,1,08,1.01,499.6,M",
	    "0=47.285233 1=8.565265" },
	{ "south and west, of another talker", { .format = PARSE_NMEA },
	    { PLACE }, "GNGGA,,3300.48333,S,07137.5,W",
	    "0=-33.008056 1=-71.625000" },
	{ "as many decimals as it has", { .format = PARSE_NMEA },
	    { { LAT, .type = REG_F64 }, { LON, .type = REG_F64 } },
	    "GPGGA,,0000.0001,S,17959,E", "0=-0.000002 1=179.98" },
	{ "rounded once, half away from zero", { .format = PARSE_NMEA },
	    { { LAT, DEC(2) }, { LON, DEC(1) } },
	    "GPGGA,,4717.7,S,00832.99999999999999,E", "0=-47.30 1=8.5" },
	{ "rounded up to the next degree", { .format = PARSE_NMEA },
	    { { LAT, DEC(2) }, { LON, DEC(0) } },
	    "GPGGA,,4759.9999,N,00030.0,W", "0=48.00 1=-1" },
	{ "poles and date line", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,9000.0,S,18000.000,W", "0=-90.000000 1=-180.000000" },
	{ "beyond them", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,9000.1,S,18100.0,W", "0=ERROR 1=ERROR" },
	{ "no hemisphere, a wrong one", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,4717.11399,,00833.91590,N", "0=ERROR 1=ERROR" },
	{ "cut off before the hemisphere", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,4717.11399,N,00833.91590", "0=47.285233 1=ERROR" },
	{ "a digit lost, one too many", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,477.11399,N,000833.91590,E", "0=ERROR 1=ERROR" },
	{ "no minutes, and no degrees", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,4760.0,N,-0833.91590,E", "0=ERROR 1=ERROR" },
	{ "a point alone, an exponent", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,,4717.,N,00833.9E1,E", "0=ERROR 1=ERROR" },
	{ "no place yet", { .format = PARSE_NMEA }, { PLACE },
	    "GPGGA,092725.00,,,,,0,00,99.99,,", "0=MISSING 1=MISSING" },
	{ "a position of before", { .format = PARSE_NMEA },
	    { { LAT, DEC(6), .void_at = 6, .void_text = zero },
		{ LON, DEC(6), .void_at = 6, .void_text = zero } },
	    "GPGGA,092725.00,4717.11399,N,00833.91590,E,0,00,99.99,,",
	    "0=MISSING 1=MISSING" },
	{ "one that holds", { .format = PARSE_NMEA },
	    { { LAT, DEC(6), .void_at = 6, .void_text = zero },
		{ LON, DEC(6), .void_at = 60, .void_text = zero } },
	    "GPGGA,092725.00,4717.11399,N,00833.91590,E,10,00,99.99,,",
	    "0=47.285233 1=8.565265" },
	{ "a talker that must be the one", { .format = PARSE_NMEA },
	    { { NMEA(gll, 1, 2), .form = FORM_LATITUDE, DEC(6), .unit = deg } },
	    "GNGLL,4717.11364,N", "" },
	{ "no talker, and another sentence", { .format = PARSE_NMEA },
	    { PLACE }, "GGA,,4717.11399,N,00833.91590,E", "" },
	{ "a unit in a field of its own", { .format = PARSE_NMEA },
	    { { NMEA(vtg, 7, 8), DEC(2), .unit = ms, SUFFIX(knots),
		  .void_at = 9, .void_text = mode_n },
		{ NMEA(vtg, 5, 6), DEC(2), .unit = ms, SUFFIX(knots) },
		{ NMEA(vtg, 1, 2), .type = REG_F64, .unit = none },
		{ NMEA(vtg, 3, 4), .type = REG_F64, .unit = deg } },
	    "GPVTG,77.5,T,81,deg,10.0,N,36.0,K,A",
	    "0=10.00 1=5.14 2=ERROR 3=81" },
	{ "and it is another, or none", { .format = PARSE_NMEA },
	    { { NMEA(vtg, 7, 8), DEC(2), .unit = ms, SUFFIX(knots) },
		{ NMEA(vtg, 5, 6), DEC(2), .unit = ms, SUFFIX(knots) },
		{ NMEA(vtg, 1, 2), .type = REG_F64, .unit = none },
		{ NMEA(vtg, 3, 9), .type = REG_F64, .unit = deg } },
	    "GPVTG,77.5,,81,,10.0,X,36.0,", "0=ERROR 1=ERROR 2=77.5 3=ERROR" },
	{ "words for codes", { .format = PARSE_NMEA },
	    { { NMEA(gll, 6, 0), .type = REG_STR, .unit = none, .words = states,
		  .n_words = 2 },
		{ NMEA(gll, 1, 0), .type = REG_F64, .unit = none,
		    .words = fixes, .n_words = 2 },
		{ NMEA(gll, 2, 0), .type = REG_F64, .unit = none,
		    .words = fixes, .n_words = 2 } },
	    "GPGLL,1,3,,,, V ", "0=<void> 1=<valid> 2=ERROR" },
	{ "words for other codes, and for none", { .format = PARSE_NMEA },
	    { { NMEA(gll, 1, 0), .type = REG_STR, .unit = none, .words = states,
		  .n_words = 2 },
		{ NMEA(gll, 2, 0), .type = REG_STR, .unit = none,
		    .words = states, .n_words = 2 },
		{ NMEA(gll, 2, 0), .type = REG_F64, .unit = none,
		    .words = fixes, .n_words = 2 } },
	    "GPGLL,AV,", "0=ERROR 1=MISSING 2=MISSING" },
	{ "obis, several brackets", { .format = PARSE_OBIS },
	    { { OBIS(gas, 7, 6), .unit = m3 },
		{ OBIS(gas, 1, 0), .unit = none },
		{ OBIS(energy, 2, 0), .unit = kwh, SUFFIX(kilo) },
		{ OBIS(energy, 3, 0), .unit = kwh } },
	    "0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n"
	    "(00001.001)\r\n1-0:1.8.0(101209110000W)(0012.5*Wh)\r\n",
	    "0=1.001 1=161107190000 2=0.0125" },
	{ "obis, a unit that is not the field's", { .format = PARSE_OBIS },
	    { { OBIS(gas, 3, 2), .unit = m3 }, { OBIS(gas, 3, 4), .unit = m3 },
		{ OBIS(energy, 1, 0), .unit = kwh, SUFFIX(kilo) },
		{ OBIS(serial, 2, 1), .unit = kwh, SUFFIX(kilo) } },
	    "0-1:24.3.0(0)(GJ)(00001.001)\r\n1-0:1.8.0(0012.5*MWh)\r\n"
	    "0-0:96.1.0(kWh)(12.5*Wh)",
	    "0=ERROR 1=ERROR 2=ERROR 3=ERROR" },
	{ "obis, brackets of a code that is another's",
	    { .format = PARSE_OBIS }, { { OBIS(energy, 2, 0), .unit = kwh } },
	    "0-0:98.1.0(1)(1-0:1.8.0)(2)(3*kWh)\r\n1-0:1.8.0(4)\r\n"
	    "1-0:1.6.0(5)(6)",
	    "" },
	{ "obis, the code stands twice", { .format = PARSE_OBIS },
	    { { OBIS(energy, 2, 0), .unit = kwh } },
	    "1-0:1.8.0(1)(2*kWh)\r\n1-0:1.8.0(1)(2*kWh)\r\n", "0=TWICE" },
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
			at += (size_t)snprintf(out + at, TEXT - at, "%s",
			    r[i].impossible ? "ERROR" : "TWICE");
		else if (r[i].value.type == VALUE_TEXT)
			at += (size_t)snprintf(
			    out + at, TEXT - at, "'%s'", r[i].value.text);
		else if (r[i].value.type == VALUE_WORD)
			at += (size_t)snprintf(
			    out + at, TEXT - at, "<%s>", r[i].value.text);
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
