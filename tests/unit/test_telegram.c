/* Telegrams as smart meters sent them, read as the package's templates say. */
#include "common/buf.h"
#include "common/mem.h"
#include "drivers/frame.h"
#include "drivers/parse_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TELEGRAM_MAX = 4096, FIELDS_MAX = 64 };

struct telegram {
	const char *file, *template;
	const char *want; /* "field=value ..." of all that is there */
};

static const struct telegram telegrams[] = {
	{ "dsmr-2.2", "dsmr-p1-v2",
	    "serial=00000000000000 import_t1=1.001 import_t2=1.001 "
	    "export_t1=1.001 export_t2=1.001 tariff=1 power_import=1010 "
	    "power_export=0 breaker=on mbus1_kind=gas mbus1_volume=1.001" },
	{ "dsmr-3.0", "dsmr-p1-v2",
	    "serial=4B384547303034303436333935353037 import_t1=12345.678 "
	    "import_t2=12345.678 export_t1=12345.678 export_t2=12345.678 "
	    "tariff=2 power_import=1190 power_export=0 breaker=on "
	    "mbus1_kind=gas mbus1_volume=1.001" },
	{ "dsmr-4.0", "dsmr-p1",
	    "serial=4B384547303034303436333935353037 import_t1=123456.789 "
	    "import_t2=123456.789 export_t1=123456.789 export_t2=123456.789 "
	    "tariff=2 power_import=1193 power_export=0 failures=4 "
	    "long_failures=2 breaker=on mbus1_kind=gas "
	    "mbus1_volume=12785.123" },
	{ "dsmr-4.2", "dsmr-p1",
	    "serial=3960221976967177082151037881335713 import_t1=1581.123 "
	    "import_t2=1435.706 export_t1=0.000 export_t2=0.000 tariff=2 "
	    "power_import=2027 power_export=0 import_l1=170 import_l2=1247 "
	    "import_l3=209 export_l1=0 export_l2=0 export_l3=0 current_l1=0 "
	    "current_l2=6 current_l3=2 failures=15 long_failures=7 "
	    "mbus1_kind=gas mbus1_volume=981.443" },
	{ "dsmr-5.0", "dsmr-p1",
	    "serial=4B384547303034303436333935353037 import_t1=123456.789 "
	    "import_t2=123456.789 export_t1=123456.789 export_t2=123456.789 "
	    "tariff=2 power_import=1193 power_export=0 import_l1=1111 "
	    "import_l2=2222 import_l3=3333 export_l1=4444 export_l2=5555 "
	    "export_l3=6666 voltage_l1=220.1 voltage_l2=220.2 "
	    "voltage_l3=220.3 current_l1=1 current_l2=2 current_l3=3 "
	    "failures=4 long_failures=2 mbus1_kind=gas "
	    "mbus1_volume=12785.123" },
	{ "belgium", "dsmr-p1",
	    "serial=3153414731313030303537373239 import_t1=3457.591 "
	    "import_t2=4282.456 export_t1=447.891 export_t2=203.818 tariff=1 "
	    "power_import=524 power_export=0 import_l1=524 export_l1=0 "
	    "voltage_l1=231.6 current_l1=2.72 demand=32 demand_peak=3716 "
	    "breaker=on mbus1_kind=gas mbus1_uncorrected=4761.307" },
	{ "sweden", "dsmr-p1",
	    "import=6678.394 export=0.000 power_import=1727 power_export=0 "
	    "import_l1=1023 import_l2=350 import_l3=353 export_l1=0 "
	    "export_l2=0 export_l3=0 voltage_l1=240.3 voltage_l2=240.1 "
	    "voltage_l3=241.3 current_l1=4.2 current_l2=1.6 current_l3=1.7 "
	    "reactive_import=21.988 reactive_export=1020.971" },
	{ "austria", "dsmr-p1",
	    "import=6545.766 import_t1=5017.120 import_t2=1528.646 "
	    "export=0.058 export_t1=0.000 export_t2=0.058 power_import=286 "
	    "power_export=0 reactive_import=0.747 "
	    "reactive_export=3897.726" },
};

static size_t
load(const struct telegram *t, char out[TELEGRAM_MAX])
{
	char *path = mem_printf(TEST_DATA "/telegrams/%s.txt", t->file);
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, TELEGRAM_MAX, f);
	assert_true(n > 0 && n < TELEGRAM_MAX);
	fclose(f);
	free(path);
	return n;
}

static struct tmpl *
template_of(const struct telegram *t)
{
	char *path = mem_printf(TEST_TEMPLATES "/%s.ini", t->template);
	struct buf notes = { 0 };
	struct tmpl *out = NULL;
	enum err e = tmpl_load(path, &out, &notes);

	if (notes.data)
		print_message("%s", notes.data);
	assert_int_equal(e, OK);
	buf_fini(&notes);
	free(path);
	return out;
}

static void
show(const struct tmpl *t, const struct reading *r, struct buf *out)
{
	char num[NUM_TEXT];

	buf_printf(out, "%s%s=", out->len ? " " : "", t->fields[r->field].name);
	num_format(r->value.num, num);
	if (r->quality != QUALITY_OK)
		buf_puts(out, r->why);
	else
		buf_puts(out, r->value.type == VALUE_NUM ? num : r->value.text);
}

/* Feeds data as it comes from a line; returns how many telegrams held. */
static int
hear(const struct tmpl *t, const char *data, size_t len, struct buf *out)
{
	struct text_parser *p = text_parser_new(t, NULL);
	struct reading r[FIELDS_MAX];
	struct framer f;
	struct message m;
	int held = 0;

	assert_true(t->n_fields <= FIELDS_MAX);
	framer_init(&f, &t->frame);
	for (size_t i = 0, n; i < len; i += n) {
		n = len - i < FRAMER_CHUNK ? len - i : FRAMER_CHUNK;
		framer_feed(&f, data + i, n);
		while (framer_next(&f, false, &m)) {
			size_t found = 0;

			if (frame_check(&t->frame, &m) != OK) {
				framer_reject(&f);
				continue;
			}
			assert_int_equal(
			    text_parse(p, m.data, m.len, r, &found), OK);
			for (size_t k = 0; k < found; k++)
				show(t, &r[k], out);
			held++;
		}
	}
	framer_fini(&f);
	text_parser_free(p);
	return held;
}

static void
recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(telegrams) / sizeof(telegrams[0]); i++) {
		struct tmpl *t = template_of(&telegrams[i]);
		char data[TELEGRAM_MAX];
		struct buf got = { 0 };
		size_t n = load(&telegrams[i], data);

		print_message("  %s\n", telegrams[i].file);
		assert_int_equal(hear(t, data, n, &got), 1);
		assert_string_equal(got.data, telegrams[i].want);
		buf_fini(&got);
		tmpl_free(t);
	}
}

/* With a CRC no changed byte of the telegram counts, and none that is cut off
 * or begins in the middle. */
static void
spoilt(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(telegrams) / sizeof(telegrams[0]); i++) {
		struct tmpl *t = template_of(&telegrams[i]);
		char data[TELEGRAM_MAX];
		struct buf got = { 0 };
		size_t n = load(&telegrams[i], data);
		size_t last = n - strlen("\r\n");

		for (size_t k = 0; t->frame.check != CHECK_NONE && k < last;
		     k++) {
			data[k] ^= 1;
			assert_int_equal(hear(t, data, n, &got), 0);
			data[k] ^= 1;
		}
		assert_int_equal(hear(t, data, last - 1, &got), 0);
		assert_int_equal(hear(t, data + 1, n - 1, &got), 0);
		assert_int_equal(got.len, 0);
		buf_fini(&got);
		tmpl_free(t);
	}
}

/* The line was opened in the middle of a telegram, or noise took the end of
 * one: the next counts. */
static void
next_after_a_broken_one(void **state)
{
	const struct telegram *row = &telegrams[4];
	struct tmpl *t = template_of(row);
	char data[TELEGRAM_MAX], twice[2 * TELEGRAM_MAX];
	size_t n = load(row, data);

	(void)state;
	for (size_t lost = 1; lost < n; lost++) {
		struct buf got = { 0 };

		memcpy(twice, data, n - lost);
		memcpy(twice + n - lost, data, n);
		assert_int_equal(hear(t, twice, 2 * n - lost, &got),
		    lost <= strlen("\r\n") ? 2 : 1);
		buf_fini(&got);
	}
	tmpl_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded),
		cmocka_unit_test(spoilt),
		cmocka_unit_test(next_after_a_broken_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
