/* The hand-over sheet: what it says of each node, and by when to claim. */
#include "cli/handover.h"

#include "cli/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1795392000000) /* 2026-11-23 */

#define NODE(more)                                           \
	"{\"node\":\"m1\",\"name\":\"Meter\",\"bus\":\"b\"," \
	"\"address\":3,\"device\":\"online\"" more "}"
#define OPEN ",\"claim\":\"unclaimed\",\"owner\":null"
#define OWNED ",\"claim\":\"public\",\"owner\":\"anna@example.org\""
#define PRINTED(day)                                             \
	",\"sticker\":\"printed\",\"printed_at\":\"2026-11-" day \
	"T08:00:00.000Z\""

static json_t *
parsed(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

static void
when(void **state)
{
	static const struct {
		const char *nodes, *want; /* "": nothing to claim */
	} rows[] = {
		{ "[]", "" },
		{ "[" NODE(OWNED) "]", "" },
		{ "[" NODE(OPEN) "]", "2026-11-30" },
		{ "[" NODE(OPEN PRINTED("20")) "]", "2026-11-27" },
		{ "[" NODE(OPEN) "," NODE(OPEN PRINTED("21")) "]",
		    "2026-11-28" },
		{ "[" NODE(OWNED PRINTED("01")) "," NODE(OPEN) "]",
		    "2026-11-30" },
		{ "[" NODE(OPEN ",\"sticker\":\"printed\"") "]", "2026-11-30" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *nodes = parsed(rows[i].nodes);
		int64_t at = handover_when(nodes, NOW);
		char day[HANDOVER_DAY] = "";

		if (at)
			handover_day(at, day);
		assert_string_equal(day, rows[i].want);
		json_decref(nodes);
	}
}

static const char *
step(const json_t *part, size_t i)
{
	return json_string_value(
	    json_array_get(json_object_get(part, "steps"), i));
}

static void
steps(void **state)
{
	json_t *open = parsed("[" NODE(OPEN) "]");
	json_t *late = parsed("[" NODE(OPEN PRINTED("01")) "]");
	json_t *owned = parsed("[" NODE(OWNED) "]");
	json_t *part = handover_steps(open, NOW);

	(void)state;
	assert_non_null(strstr(step(part, 0),
	    "1 node without an owner by "
	    "2026-11-30"));
	json_decref(part);
	part = handover_steps(late, NOW);
	assert_non_null(strstr(step(part, 0), "at once"));
	assert_non_null(strstr(step(part, 0), "2026-11-08"));
	json_decref(part);
	part = handover_steps(owned, NOW);
	assert_null(strstr(step(part, 0), "laim"));
	json_decref(part);
	json_decref(open);
	json_decref(late);
	json_decref(owned);
}

static const char *
cell(const json_t *part, size_t row, size_t column)
{
	return json_string_value(json_array_get(
	    json_array_get(json_object_get(part, "rows"), row), column));
}

static void
nodes(void **state)
{
	json_t *a = parsed("[" NODE(
	    OPEN ",\"place\":\"Room\",\"sn\":\"7\","
		 "\"template\":\"x.y\"") "," NODE(OWNED) "," NODE(",\"claim\":"
								  "\"removed\","
								  "\"owner\":"
								  "null") "]");
	json_t *part = handover_nodes(a, NOW);

	(void)state;
	assert_string_equal(cell(part, 0, 1), "Meter\nRoom");
	assert_string_equal(cell(part, 0, 2), "SN 7\nx.y");
	assert_string_equal(cell(part, 0, 3), "b\naddress 3");
	assert_string_equal(
	    cell(part, 0, 5), "nobody yet\nclaim by 2026-11-30");
	assert_string_equal(cell(part, 1, 1), "Meter");
	assert_string_equal(cell(part, 1, 5), "anna@example.org\npublic");
	assert_string_equal(cell(part, 2, 5), "removed");
	json_decref(part);
	json_decref(a);
}

static void
readings(void **state)
{
	json_t *a =
	    parsed("[{\"node\":\"m1\",\"fields\":["
		   "{\"name\":\"Power\",\"value\":\"3.412\",\"unit\":\"kW\","
		   "\"quality\":\"ok\",\"at\":\"2026-11-22T18:07:00.123Z\"},"
		   "{\"name\":\"T\",\"value\":\"1\",\"unit\":\"K\","
		   "\"quality\":\"stale\",\"error\":\"timeout\",\"at\":null},"
		   "{\"name\":\"c\",\"value\":\"1\",\"quality\":\"ok\"},"
		   "{\"name\":\"d\"},{\"name\":\"e\"},{\"name\":\"f\"},"
		   "{\"name\":\"g\"},{\"name\":\"h\"},{\"name\":\"i\"}]}]");
	json_t *part = handover_readings(a);

	(void)state;
	assert_string_equal(cell(part, 0, 0), "m1");
	assert_string_equal(cell(part, 0, 2), "3.412 kW");
	assert_string_equal(cell(part, 0, 3), "2026-11-22 18:07:00");
	assert_string_equal(cell(part, 1, 0), "\nm1");
	assert_string_equal(cell(part, 1, 2), "none: stale, timeout");
	assert_string_equal(cell(part, 2, 2), "1");
	assert_int_equal(json_array_size(json_object_get(part, "rows")), 9);
	assert_string_equal(
	    cell(part, 8, 1), "\nand 1 more: thingbridge read m1");
	json_decref(part);
	json_decref(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when),
		cmocka_unit_test(steps),
		cmocka_unit_test(nodes),
		cmocka_unit_test(readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
