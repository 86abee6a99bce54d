#include "labels/layout.h"

#include "common/buf.h"
#include "common/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY_TEXT "7K2QM9XR4TVD81JHWZ3NPC6FYB"

/* Every character is 0.6 sizes wide: no font needed. */
static double
width(void *arg, enum font_face face, double size, const char *text)
{
	(void)arg;
	(void)face;
	return 0.6 * size * (double)utf8_count(text);
}

static const struct meter meter = { width, NULL };

static struct label *
claim(struct labels *ls, const char *name)
{
	struct buf json = { 0 };

	buf_printf(&json,
	    "[{\"node\":\"em24-1\",\"name\":\"%s\",\"place\":\"Plant room\","
	    "\"maker\":\"example.org\",\"model\":\"EM24\","
	    "\"sn\":\"BQ1230042X\",\"bus\":\"rs485\",\"address\":\"3\","
	    "\"jid\":\"plant7@example.org\","
	    "\"registry\":\"registry.example.org\","
	    "\"text\":\"IoTDisco;KEY:" KEY_TEXT "\",\"key\":\"" KEY_TEXT "\"}]",
	    name);
	assert_int_equal(labels_parse(json.data, json.len, ls, NULL), OK);
	buf_fini(&json);
	return &ls->v[0];
}

/* The KEY as it stands on the label, blanks taken out. */
static char *
key_on(const struct layout *lo)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < lo->n; i++) {
		const char *p = lo->line[i].text;

		if (lo->line[i].role != LINE_KEY)
			continue;
		if (strncmp(p, "KEY ", 4) == 0)
			p += 4;
		for (; *p; p++)
			if (*p != ' ')
				buf_putc(&b, *p);
	}
	return buf_take(&b);
}

static void
fits(void **state)
{
	static const struct {
		double w, h;
		bool key;
		unsigned dropped; /* at least these */
	} rows[] = {
		{ 62, 29, true, 0 },
		{ 99, 38, true, 0 },
		{ 29, 90, true, 0 },
		{ 51, 25, true, 1u << LINE_REGISTRY },
		{ 38.1, 21.2, true, 1u << LINE_REGISTRY | 1u << LINE_MAKER },
		{ 35.6, 12, false, 1u << LINE_REGISTRY | 1u << LINE_KEY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct labels ls;
		struct label *l = claim(&ls, "Main incomer meter");
		double side = layout_code_side(l, rows[i].w, rows[i].h);
		struct layout lo;
		char *key;

		print_message("  %gx%g\n", rows[i].w, rows[i].h);
		layout_make(l, rows[i].w, rows[i].h, side, &meter, &lo);
		for (size_t k = 0; k < lo.n; k++) {
			const struct line *ln = &lo.line[k];

			assert_true(ln->x >= 0 && ln->y - ln->size >= -0.3);
			assert_true(ln->x + ln->width <= lo.w + 1e-6);
			assert_true(ln->y <= lo.h);
		}
		key = key_on(&lo);
		assert_string_equal(key, rows[i].key ? KEY_TEXT : "");
		assert_int_equal(lo.dropped & rows[i].dropped, rows[i].dropped);
		assert_int_equal(rows[i].dropped == 0, lo.dropped == 0);
		free(key);
		layout_fini(&lo);
		labels_fini(&ls);
	}
}

static void
long_name(void **state)
{
	struct labels ls;
	struct label *l =
	    claim(&ls, "Värmepump nere i källaren bredvid pannan Größe");
	struct layout lo;
	const char *name;

	(void)state;
	layout_make(l, 62, 29, 29, &meter, &lo);
	name = lo.line[0].text;
	assert_int_equal(lo.line[0].role, LINE_NAME);
	assert_true(lo.cut & 1u << LINE_NAME);
	assert_true(utf8_valid(name, strlen(name)));
	assert_non_null(strstr(name, "…"));
	layout_fini(&lo);
	labels_fini(&ls);
}

static void
asset(void **state)
{
	struct labels ls;
	struct label *l = claim(&ls, "");
	struct layout lo;
	char *key;

	(void)state;
	l->kind = LABEL_ASSET;
	*l->text = '\0';
	assert_float_equal(layout_code_side(l, 62, 29), 0, 0);
	layout_make(l, 62, 29, 0, &meter, &lo);
	assert_string_equal(lo.line[0].text, "em24-1"); /* for want of a name */
	key = key_on(&lo);
	assert_string_equal(key, "");
	free(key);
	layout_fini(&lo);
	labels_fini(&ls);
}

/* Where maker and model find no room, the model tells more. */
static void
model_before_maker(void **state)
{
	static const struct {
		const char *name;
		double w;
		const char *text;
		bool cut;
	} rows[] = {
		{ "both", 99, "example.org EM24", false },
		{ "the model", 15, "EM24", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct labels ls;
		struct label *l = claim(&ls, "Meter");
		struct layout lo;

		print_message("  %s\n", rows[i].name);
		l->kind = LABEL_ASSET;
		*l->text = '\0';
		layout_make(l, rows[i].w, 25, 0, &meter, &lo);
		/* name, place, maker */
		assert_int_equal(lo.line[2].role, LINE_MAKER);
		assert_string_equal(lo.line[2].text, rows[i].text);
		assert_int_equal((lo.cut & 1u << LINE_MAKER) != 0, rows[i].cut);
		layout_fini(&lo);
		labels_fini(&ls);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits),
		cmocka_unit_test(long_name),
		cmocka_unit_test(asset),
		cmocka_unit_test(model_before_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
