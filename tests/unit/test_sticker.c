/* A sticker's life: none, printed, void, stale; and when to warn. */
#include "gateway/sticker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY (INT64_C(86400) * 1000)
#define THEN INT64_C(1790000000000)

static void
life(void **state)
{
	static const struct {
		enum claim claim;
		int64_t printed_gen, key_gen;
		const char *want;
		bool due;
		int idle; /* after nine days */
	} rows[] = {
		{ CLAIM_NEW, 0, 1, "none", false, 0 },
		{ CLAIM_UNCLAIMED, 0, 2, "none", false, 0 },
		{ CLAIM_NEW, 1, 1, "printed", false, 9 },
		{ CLAIM_UNCLAIMED, 1, 1, "printed", false, 9 },
		{ CLAIM_PUBLIC, 1, 1, "void", false, 0 },
		{ CLAIM_PRIVATE, 1, 1, "void", false, 0 },
		{ CLAIM_REMOVED, 1, 1, "void", false, 0 },
		{ CLAIM_UNCLAIMED, 1, 2, "stale", true, 0 },
		{ CLAIM_UNCLAIMED, 2, 2, "printed", false, 9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct node n = { .printed_gen = rows[i].printed_gen,
			.key_gen = rows[i].key_gen,
			.printed_utc = THEN };

		n.thing.claim = rows[i].claim;
		assert_string_equal(node_sticker(&n), rows[i].want);
		assert_int_equal(sticker_due(&n), rows[i].due);
		assert_int_equal(
		    sticker_idle_days(&n, THEN + 9 * DAY), rows[i].idle);
	}
}

static void
a_week(void **state)
{
	static const struct {
		int64_t after;
		int want;
	} rows[] = {
		{ -400 * DAY, 0 }, /* the clock was not set */
		{ 0, 0 },
		{ 7 * DAY, 0 },
		{ 7 * DAY + 1, 7 },
		{ 8 * DAY, 8 },
		{ 400 * DAY, 400 },
	};
	struct node n = { .printed_gen = 1, .key_gen = 1, .printed_utc = THEN };

	(void)state;
	n.thing.claim = CLAIM_UNCLAIMED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
		    sticker_idle_days(&n, THEN + rows[i].after), rows[i].want);
}

static void
note(void **state)
{
	struct node n = {
		.key_gen = 1, .printed_utc = THEN, .printed_copies = 2
	};
	json_t *o = json_object();

	(void)state;
	n.thing.claim = CLAIM_UNCLAIMED;
	sticker_note(&n, o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "sticker")), "none");
	assert_true(json_is_null(json_object_get(o, "printed_at")));
	assert_int_equal(json_integer_value(json_object_get(o, "copies")), 0);
	n.printed_gen = 1;
	sticker_note(&n, o);
	assert_string_equal(json_string_value(json_object_get(o, "printed_at")),
	    "2026-09-21T14:13:20.000Z");
	assert_int_equal(json_integer_value(json_object_get(o, "copies")), 2);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),
		cmocka_unit_test(a_week),
		cmocka_unit_test(note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
