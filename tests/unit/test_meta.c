/* Which tags make a claim, and which an update still has to say. */
#include "gateway/meta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char class_[] = "electricity-meter";
static struct tmpl_tag tmpl_tags[] = {
	{ (char[]){ "MAN" }, (char[]){ "example.org" }, false },
	{ (char[]){ "MODEL" }, (char[]){ "M1" }, false },
	{ (char[]){ "SN" }, (char[]){ "@hi,@lo" }, false },
	{ (char[]){ "PURL" }, (char[]){ "example.org/m1" }, false },
	{ (char[]){ "FW" }, (char[]){ "@firmware" }, true },
};
static struct poll_class polls[] = { { (char[]){ "normal" }, 1000 } };
static struct field fields[] = {
	{ .name = (char[]){ "hi" }, .kind = KIND_IDENTITY },
	{ .name = (char[]){ "lo" }, .kind = KIND_IDENTITY },
	{ .name = (char[]){ "latitude" },
	    .has_deadband = true,
	    .deadband = { 5, 1 } },
	{ .name = (char[]){ "firmware" }, .kind = KIND_IDENTITY },
};
static struct tmpl tmpl = { .id = (char[]){ "t" },
	.text = (char[]){ "all keys" },
	.class_ = class_,
	.tags = tmpl_tags,
	.n_tags = 5,
	.polls = polls,
	.n_polls = 1,
	.fields = fields,
	.n_fields = 4 };
static struct cfg_tag all_tags[] = {
	{ (char[]){ "COUNTRY" }, (char[]){ "SE" }, false, 1, "f" },
	{ (char[]){ "ROOM" }, (char[]){ "hall" }, false, 2, "f" },
};
static struct cfg_tag node_tags[] = {
	{ (char[]){ "ROOM" }, (char[]){ "12" }, false, 3, "f" },
	{ (char[]){ "LAT" }, (char[]){ "@latitude" }, true, 4, "f" },
};
static struct cfg_node section = { .name_id = (char[]){ "m" },
	.source = (char[]){ "" },
	.cache = (char[]){ "" },
	.name = (char[]){ "Meter" },
	.template_id = (char[]){ "t" },
	.bus = (char[]){ "b" },
	.enabled = true,
	.tags = node_tags,
	.n_tags = 2,
	.tmpl = &tmpl };
static struct cfg cfg = { .tags = all_tags, .n_tags = 2 };

static int
setup(void **state)
{
	struct nodes *t = calloc(1, sizeof(*t));
	struct node_ref ref = { "m", "", "" };

	node_configure(nodes_add(t, &ref), &section);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	nodes_fini(*state);
	free(*state);
	return 0;
}

static struct node *
node_of(void **state)
{
	return ((struct nodes *)*state)->v[0];
}

static void
say(struct node *n, uint16_t field, enum quality q, int64_t mant, uint8_t dec,
    int64_t mono)
{
	struct drv_event *ev =
	    calloc(1, sizeof(*ev) + sizeof(struct drv_reading));

	ev->mono_ms = mono;
	ev->utc_ms = mono + 1;
	ev->n = 1;
	ev->r[0].field = field;
	ev->r[0].quality = q;
	ev->r[0].value.mant = mant;
	ev->r[0].value.dec = dec;
	node_read(n, ev);
	free(ev);
}

static void
assert_tag(const struct tags *t, const char *name, const char *value)
{
	const struct tag *g = tags_find(t, name);

	print_message("  %s\n", name);
	if (!value) {
		assert_null(g);
		return;
	}
	assert_non_null(g);
	assert_string_equal(g->value, value);
}

static void
serial_number_is_waited_for(void **state)
{
	struct node *n = node_of(state);

	assert_false(meta_freeze(n));
	assert_false(n->frozen);
	say(n, 0, QUALITY_OK, 17, 0, 1000);
	assert_false(meta_freeze(n));
	say(n, 1, QUALITY_OK, 42, 0, 1000);
	assert_true(meta_freeze(n));
	assert_true(n->frozen);
	assert_int_equal(n->claim.n, 3);
	assert_tag(&n->claim, "MAN", "example.org");
	assert_tag(&n->claim, "MODEL", "M1");
	assert_tag(&n->claim, "SN", "1742");
	assert_tag(&n->claim, "KEY", NULL);
}

static void
device_without_serial_number(void **state)
{
	struct node *n = node_of(state);

	n->once_done = true;
	assert_true(meta_freeze(n));
	assert_tag(&n->claim, "SN", NULL);
	assert_tag(&n->claim, "MODEL", "M1");
}

static void
silent_device_keeps_its_serial_number(void **state)
{
	struct node *n = node_of(state);

	say(n, 0, QUALITY_OK, 17, 0, 1000);
	say(n, 1, QUALITY_OK, 42, 0, 1000);
	assert_true(meta_freeze(n));
	memset(n->points, 0, 3 * sizeof(*n->points)); /* after a restart */
	assert_true(meta_freeze(n));
	assert_tag(&n->claim, "SN", "1742");
}

static void
update_says_what_differs(void **state)
{
	struct node *n = node_of(state);
	struct tags t = { 0 };

	n->once_done = true;
	assert_true(meta_freeze(n));
	meta_diff(n, &cfg, &t);
	assert_int_equal(t.n, 5);
	assert_tag(&t, "CLASS", "electricity-meter");
	assert_tag(&t, "NAME", "Meter");
	assert_tag(&t, "COUNTRY", "SE");
	assert_tag(&t, "ROOM", "12");
	assert_tag(&t, "PURL", "example.org/m1");
	assert_int_equal(tags_merge(&n->acked, &t), OK);
	tags_fini(&t);

	meta_diff(n, &cfg, &t);
	assert_int_equal(t.n, 0);

	assert_int_equal(tags_set(&n->meta, "ROOM", "14", false, NULL), OK);
	assert_int_equal(tags_set(&n->acked, "CITY", "Lund", false, NULL), OK);
	meta_diff(n, &cfg, &t);
	assert_int_equal(t.n, 2);
	assert_tag(&t, "ROOM", "14"); /* the installer's word counts */
	assert_tag(&t, "CITY", "");   /* no longer wanted: deleted */
	tags_fini(&t);
}

static void
claim_tags_are_never_updated(void **state)
{
	struct node *n = node_of(state);
	struct tags t = { 0 };

	n->once_done = true;
	assert_true(meta_freeze(n));
	assert_int_equal(tags_set(&n->meta, "MAN", "eve", false, NULL), OK);
	assert_int_equal(tags_set(&n->meta, "KEY", "eve", false, NULL), OK);
	meta_diff(n, &cfg, &t);
	assert_tag(&t, "MAN", NULL);
	assert_tag(&t, "KEY", NULL);
	tags_fini(&t);
}

static void
follows_by_deadband_and_interval(void **state)
{
	static const struct {
		const char *name;
		int64_t mono, mant; /* at one decimal */
		enum quality q;
		bool push;
		const char *value;
	} rows[] = {
		{ "first value", 1000, 556, QUALITY_OK, true, "55.6" },
		{ "same", 2000, 556, QUALITY_OK, false, "55.6" },
		{ "inside the deadband", 90000, 560, QUALITY_OK, false,
		    "55.6" },
		{ "outside it", 91000, 561, QUALITY_OK, true, "56.1" },
		{ "too soon", 100000, 600, QUALITY_OK, false, "56.1" },
		{ "failed read", 160000, 700, QUALITY_ERROR, false, "56.1" },
		{ "late enough", 170000, 601, QUALITY_OK, true, "60.1" },
	};
	struct node *n = node_of(state);

	n->once_done = true;
	assert_true(meta_freeze(n));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tags t = { 0 };

		print_message("%s\n", rows[i].name);
		say(n, 2, rows[i].q, rows[i].mant, 1, rows[i].mono);
		assert_int_equal(
		    meta_follow(n, 60000, rows[i].mono), rows[i].push);
		meta_wanted(n, &cfg, &t);
		assert_tag(&t, "LAT", rows[i].value);
		tags_fini(&t);
	}
}

/* After a restart the last pushed value is known from the store. */
/* Small steps inside the deadband are told when the one that was told is older
 * than a value may be. */
static void
follows_small_steps_by_age(void **state)
{
	struct node *n = node_of(state);

	fields[2].max_age_ms = 300000;
	say(n, 2, QUALITY_OK, 556, 1, 1000);
	assert_true(meta_follow(n, 60000, 1000));
	say(n, 2, QUALITY_OK, 557, 1, 300000);
	assert_false(meta_follow(n, 60000, 300000));
	say(n, 2, QUALITY_OK, 557, 1, 301000);
	assert_true(meta_follow(n, 60000, 301000));
	say(n, 2, QUALITY_OK, 557, 1, 900000);
	assert_false(meta_follow(n, 60000, 900000)); /* nothing new */
	fields[2].max_age_ms = 0;
}

/* What the installer set wins over the configuration, which is still known. */
static void
given_is_without_the_installer(void **state)
{
	struct node *n = node_of(state);
	struct tags t = { 0 };

	assert_int_equal(tags_add(&n->meta, "ROOM", "13", false, NULL), OK);
	meta_wanted(n, &cfg, &t);
	assert_tag(&t, "ROOM", "13");
	tags_fini(&t);
	meta_given(n, &cfg, &t);
	assert_tag(&t, "ROOM", "12");
	tags_fini(&t);
}

static void
follow_survives_a_restart(void **state)
{
	struct node *n = node_of(state);
	struct tags t = { 0 };

	assert_int_equal(tags_add(&n->acked, "LAT", "55.6", true, NULL), OK);
	meta_wanted(n, &cfg, &t);
	assert_tag(&t, "LAT", "55.6");
	tags_fini(&t);
	say(n, 2, QUALITY_OK, 558, 1, 1000);
	assert_false(meta_follow(n, 60000, 1000));
	say(n, 2, QUALITY_OK, 562, 1, 2000);
	assert_true(meta_follow(n, 60000, 2000));
}

/* What was told of a device stays told until it says otherwise: a restart must
 * not delete it while the device is silent. */
static void
silent_device_keeps_what_was_told(void **state)
{
	struct node *n = node_of(state);
	struct tags t = { 0 };

	assert_int_equal(tags_add(&n->acked, "FW", "7", true, NULL), OK);
	meta_wanted(n, &cfg, &t);
	assert_tag(&t, "FW", "7");
	tags_fini(&t);
	n->once_done = true; /* it answered, and has no such register */
	meta_diff(n, &cfg, &t);
	assert_tag(&t, "FW", "");
	tags_fini(&t);
	say(n, 3, QUALITY_OK, 8, 0, 1000);
	meta_diff(n, &cfg, &t);
	assert_tag(&t, "FW", "8");
	tags_fini(&t);
}

static void
stale_value_is_not_pushed(void **state)
{
	struct node *n = node_of(state);

	say(n, 2, QUALITY_OK, 556, 1, 1000);
	assert_true(meta_follow(n, 60000, 1000));
	say(n, 2, QUALITY_OK, 656, 1, 2000);
	assert_false(meta_follow(n, 60000, 2000));  /* too soon */
	assert_false(meta_follow(n, 60000, 70000)); /* by then it is old */
}

/* Another line is another device, though nothing of the node has changed. */
static void
values_of_another_line_are_forgotten(void **state)
{
	struct cfg_bus old = { .name = (char[]){ "b" },
		.host = (char[]){ "10.0.0.1" } };
	struct cfg_bus same = old, moved = old;
	struct cfg_node was = section, is = section;
	struct node *n = node_of(state);

	moved.host = (char[]){ "10.0.0.2" };
	was.on = &old;
	is.on = &same;
	node_configure(n, NULL);
	node_configure(n, &was);
	say(n, 0, QUALITY_OK, 17, 0, 1000);
	n->device = UNIT_ONLINE;
	node_configure(n, &is);
	assert_int_equal(node_quality(n, 0, 1000), QUALITY_OK);
	assert_int_equal(n->device, UNIT_ONLINE);
	n->device = UNIT_OFFLINE;
	assert_int_equal(node_quality(n, 0, 1000), QUALITY_STALE);
	was.on = &moved;
	node_configure(n, &was);
	assert_int_equal(node_quality(n, 0, 1000), QUALITY_MISSING);
	assert_int_equal(n->device, UNIT_UNKNOWN);
	node_configure(n, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    serial_number_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    device_without_serial_number, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    silent_device_keeps_its_serial_number, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    update_says_what_differs, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    claim_tags_are_never_updated, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    follows_by_deadband_and_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    follows_small_steps_by_age, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    given_is_without_the_installer, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    follow_survives_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    silent_device_keeps_what_was_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    stale_value_is_not_pushed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    values_of_another_line_are_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
