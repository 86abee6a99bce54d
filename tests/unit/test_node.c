/* The node table: what a value is worth, and what a reload changes of a node.
 */
#include "gateway/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct poll_class polls[] = {
	{ (char[]){ "normal" }, 1000 },
	{ (char[]){ "once" }, 0 },
};
static struct field fields[] = {
	{ .name = (char[]){ "power" } },
	{ .name = (char[]){ "level" }, .max_age_ms = 10000 },
	{ .name = (char[]){ "serial" }, .poll = (char[]){ "once" } },
};
static struct tmpl tmpl = { .id = (char[]){ "t" },
	.text = (char[]){ "one" },
	.polls = polls,
	.n_polls = 2,
	.fields = fields,
	.n_fields = 3 };
static struct tmpl other = { .id = (char[]){ "t" },
	.text = (char[]){ "two" },
	.polls = polls,
	.n_polls = 2,
	.fields = fields,
	.n_fields = 3 };
static struct cfg_bus bus = { .name = (char[]){ "b" },
	.host = (char[]){ "h" } };
static const struct cfg_node section = { .name_id = (char[]){ "m" },
	.source = (char[]){ "" },
	.cache = (char[]){ "" },
	.name = (char[]){ "Meter" },
	.template_id = (char[]){ "t" },
	.bus = (char[]){ "b" },
	.address = 3,
	.enabled = true,
	.tmpl = &tmpl,
	.on = &bus };

static struct node *
new_node(struct nodes *t, const struct cfg_node *c)
{
	struct node_ref ref = { "m", "", "" };
	struct node *n = nodes_add(t, &ref);

	node_configure(n, c);
	return n;
}

static void
say(struct node *n, uint16_t field, enum quality q, int64_t mant, int64_t mono)
{
	struct drv_event *ev =
	    calloc(1, sizeof(*ev) + sizeof(struct drv_reading));

	ev->mono_ms = mono;
	ev->utc_ms = mono + 1000000;
	ev->n = 1;
	ev->r[0].field = field;
	ev->r[0].quality = q;
	ev->r[0].value.mant = mant;
	ev->r[0].why = q == QUALITY_OK ? NULL : "because";
	node_read(n, ev);
	free(ev);
}

static void
quality(void **state)
{
	static const struct {
		const char *name;
		uint16_t field;
		enum quality said;
		enum unit_state device;
		int64_t age;
		enum quality want;
	} cases[] = {
		{ "fresh", 0, QUALITY_OK, UNIT_ONLINE, 0, QUALITY_OK },
		{ "three polls old", 0, QUALITY_OK, UNIT_ONLINE, 3000,
		    QUALITY_OK },
		{ "older", 0, QUALITY_OK, UNIT_ONLINE, 3001, QUALITY_STALE },
		{ "its own age", 1, QUALITY_OK, UNIT_ONLINE, 10000,
		    QUALITY_OK },
		{ "past its own age", 1, QUALITY_OK, UNIT_ONLINE, 10001,
		    QUALITY_STALE },
		{ "read once", 2, QUALITY_OK, UNIT_ONLINE, 1000000,
		    QUALITY_OK },
		{ "read once, and gone", 2, QUALITY_OK, UNIT_OFFLINE, 0,
		    QUALITY_STALE },
		{ "suspect is not gone", 0, QUALITY_OK, UNIT_SUSPECT, 0,
		    QUALITY_OK },
		{ "failed", 0, QUALITY_ERROR, UNIT_ONLINE, 0, QUALITY_ERROR },
		{ "no value", 0, QUALITY_MISSING, UNIT_ONLINE, 0,
		    QUALITY_MISSING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nodes t = { 0 };
		struct node *n = new_node(&t, &section);

		print_message("  %s\n", cases[i].name);
		n->device = cases[i].device;
		say(n, cases[i].field, cases[i].said, 7, 5000);
		assert_int_equal(
		    node_quality(n, cases[i].field, 5000 + cases[i].age),
		    cases[i].want);
		nodes_fini(&t);
	}
}

/* A read that failed leaves the last value its own time. */
static void
failed_read_is_no_fresh_value(void **state)
{
	struct nodes t = { 0 };
	struct node *n = new_node(&t, &section);

	(void)state;
	say(n, 0, QUALITY_OK, 42, 1000);
	say(n, 0, QUALITY_ERROR, 0, 2000);
	assert_int_equal(n->points[0].at_mono, 1000);
	assert_int_equal(n->points[0].at_utc, 1001000);
	assert_int_equal(n->points[0].value.mant, 42);
	assert_int_equal(node_quality(n, 0, 2000), QUALITY_ERROR);
	assert_string_equal(n->points[0].why, "because");
	say(n, 0, QUALITY_OK, 43, 3000);
	assert_int_equal(n->points[0].at_mono, 3000);
	assert_null(n->points[0].why);
	nodes_fini(&t);
}

/* What the buses must be told of, and what not. */
static void
changed_by_a_reload(void **state)
{
	struct cfg_bus line = { .name = (char[]){ "b" },
		.host = (char[]){ "elsewhere" } };
	struct cfg_tag tags[] = {
		{ (char[]){ "ROOM" }, (char[]){ "12" }, false, 1, "f" },
	};
	struct {
		const char *name;
		struct cfg_node to;
		bool changed;
	} cases[] = {
		{ "the same", { 0 }, false },
		{ "its name", { 0 }, false },
		{ "its tags", { 0 }, false },
		{ "its address", { 0 }, true },
		{ "its template's content", { 0 }, true },
		{ "its poll", { 0 }, true },
		{ "disabled", { 0 }, true },
		{ "its line", { 0 }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cases[i].to = section;
	cases[1].to.name = (char[]){ "Other name" };
	cases[2].to.tags = tags;
	cases[2].to.n_tags = 1;
	cases[3].to.address = 4;
	cases[4].to.tmpl = &other;
	cases[5].to.poll_ms = 500;
	cases[6].to.enabled = false;
	cases[7].to.on = &line;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nodes t = { 0 };
		struct node *n = new_node(&t, &section);

		print_message("  %s\n", cases[i].name);
		assert_true(n->changed);
		n->changed = false; /* the plant was told */
		n->device = UNIT_ONLINE;
		n->counters.ok = 5;
		say(n, 0, QUALITY_OK, 42, 1000);
		node_configure(n, &cases[i].to);
		assert_int_equal(n->changed, cases[i].changed);
		assert_int_equal(n->points[0].at_utc != 0, !cases[i].changed);
		assert_int_equal(n->counters.ok, cases[i].changed ? 0 : 5);
		nodes_fini(&t);
	}
}

/* What was learned is given to the bus while the template is the same. */
static void
learned_goes_with_its_template(void **state)
{
	struct cfg_node on_other = section;
	struct nodes t = { 0 };
	struct node *n = new_node(&t, &section);
	uint16_t *got;
	size_t count;

	(void)state;
	assert_null(learned_fields(n, &count));
	assert_int_equal(count, 0);
	n->learned.tmpl = learned_hash(&tmpl);
	learned_add(&n->learned, "level");
	learned_add(&n->learned, "not there");
	got = learned_fields(n, &count);
	assert_int_equal(count, 1);
	assert_int_equal(got[0], 1);
	free(got);
	on_other.tmpl = &other;
	node_configure(n, &on_other);
	assert_null(learned_fields(n, &count));
	assert_int_equal(count, 0);
	nodes_fini(&t);
}

static void
say_bad(struct node *n, uint16_t field, bool impossible, const char *why)
{
	struct drv_event *ev =
	    calloc(1, sizeof(*ev) + sizeof(struct drv_reading));

	ev->n = 1;
	ev->r[0].field = field;
	ev->r[0].quality = why ? QUALITY_ERROR : QUALITY_OK;
	ev->r[0].why = why;
	ev->r[0].impossible = impossible;
	node_read(n, ev);
	free(ev);
}

/* Two fields or more, a quarter or more, three times in a row. */
static void
values_that_cannot_be_right(void **state)
{
	static const char low[] = "below the field's minimum";
	struct nodes t = { 0 };
	struct node *n = new_node(&t, &section);
	size_t of, first;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(node_wrong(n, &of, &first), 0);
		say_bad(n, 0, false, NULL);
		say_bad(n, 1, true, low);
		say_bad(n, 2, true, "not one of the field's words");
	}
	assert_int_equal(node_wrong(n, &of, &first), 2);
	assert_int_equal(of, 3);
	assert_int_equal(first, 1);
	say_bad(n, 2, false, "the device does not answer");
	assert_int_equal(node_wrong(n, &of, &first), 0);
	for (int i = 0; i < 3; i++)
		say_bad(n, 2, true, low);
	assert_int_equal(node_wrong(n, &of, &first), 2);
	say_bad(n, 1, false, NULL);
	assert_int_equal(node_wrong(n, &of, &first), 0);
	nodes_fini(&t);
}

static void
trouble_is_kept_whole(void **state)
{
	struct nodes t = { 0 };
	struct node *n = new_node(&t, &section);
	char text[601];

	(void)state;
	memset(text, 'x', 600);
	text[600] = '\0';
	node_unwell(n, text);
	assert_string_equal(n->trouble, text);
	node_unwell(n, "");
	assert_null(n->trouble);
	nodes_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quality),
		cmocka_unit_test(failed_read_is_no_fresh_value),
		cmocka_unit_test(changed_by_a_reload),
		cmocka_unit_test(learned_goes_with_its_template),
		cmocka_unit_test(values_that_cannot_be_right),
		cmocka_unit_test(trouble_is_kept_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
