/* registry/rules.c: what replaces what, what goes with its thing, and the file
 * of a version without rules. */
#include "registry/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define THING "thing@test"
#define OWNER "owner@test"
#define RIVAL "rival@test"

struct fix {
	struct db *db;
	struct things *ts;
	struct rules *rs;
	int64_t thing;
};

static char path[64];
static const struct thing_key key = { THING, { "n", "", "" } };

static void
begin(struct fix *f)
{
	struct errbuf eb;

	assert_int_equal(db_open(path, &f->db, &eb), OK);
	assert_int_equal(things_new(f->db, 8, &f->ts, &eb), OK);
	assert_int_equal(rules_new(f->db, &f->rs, &eb), OK);
}

static void
end(struct fix *f)
{
	assert_int_equal(db_commit(f->db), OK);
	rules_free(f->rs);
	things_free(f->ts);
	db_close(f->db);
}

static void
own(struct fix *f, const char *owner)
{
	struct tags tags = { 0 };
	struct thing t;
	bool news;

	assert_int_equal(tags_add(&tags, "KEY", "k", false, NULL), OK);
	assert_int_equal(
	    things_register(f->ts,
		&(struct thing_origin){ .key = key, .via = THING "/x" }, &tags,
		false, &t),
	    OK);
	assert_int_equal(
	    things_claim(f->ts,
		&(struct thing_claim){
		    .owner = owner, .tags = &tags, .node = { "", "", "" } },
		&t, &news),
	    OK);
	f->thing = t.id;
	thing_fini(&t);
	tags_fini(&tags);
}

static int
setup(void **state)
{
	static struct fix f;

	snprintf(path, sizeof(path), "test_rules_%d.db", (int)getpid());
	unlink(path);
	begin(&f);
	own(&f, OWNER);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	end(*state);
	unlink(path);
	return 0;
}

/* put reads "allow|deny who [control] [all] [names]". */
static enum err
put(struct fix *f, const char *owner, const char *text)
{
	char effect[8], who[64], names[64] = "";
	int n = sscanf(text, "%7s %63s %63[^!]", effect, who, names);
	struct rule r = { .owner = owner,
		.thing = f->thing,
		.who = who,
		.allow = strcmp(effect, "allow") == 0,
		.names = names };
	struct errbuf eb;
	int64_t id;

	assert_true(n >= 2);
	if (strncmp(names, "control", 7) == 0) {
		r.control = true;
		r.names = names + 7 + (names[7] == ' ');
	} else if (strcmp(names, "all") == 0) {
		r.thing = 0;
		r.names = "";
	}
	return rules_put(f->rs, &r, &id, &eb);
}

static bool
list(void *arg, const struct rule *r, const struct thing_key *of)
{
	char *to = arg;
	size_t at = strlen(to);

	snprintf(to + at, 512 - at, "%s%s %s%s%s%s%s", at ? "; " : "",
	    r->allow ? "allow" : "deny", r->who, r->control ? " control" : "",
	    *of->jid ? "" : " all", *r->names ? " " : "", r->names);
	return true;
}

static void
has(struct fix *f, const char *owner, const char *want)
{
	char got[512] = "";

	assert_int_equal(rules_each(f->rs, owner, 0, 0, list, got), OK);
	assert_string_equal(got, want);
}

static const struct {
	const char *rules[4], *left;
} cases[] = {
	{ { "allow a@b", "allow a@b" }, "allow a@b" },
	{ { "allow a@b", "deny a@b" }, "deny a@b" },
	{ { "deny a@b", "allow a@b" }, "allow a@b" },
	{ { "allow a@b", "deny c@d" }, "allow a@b; deny c@d" },
	{ { "allow a@b", "deny a@b all" }, "allow a@b; deny a@b all" },
	{ { "allow a@b x", "deny a@b" }, "allow a@b x; deny a@b" },
	{ { "allow a@b x", "deny a@b x" }, "deny a@b x" },
	{ { "allow a@b control", "deny a@b" }, "deny a@b" },
	{ { "allow a@b control", "deny a@b control" },
	    "allow a@b control; deny a@b control" },
	{ { "allow a@b", "deny a@b control" }, "allow a@b; deny a@b control" },
	{ { "deny a@b control", "allow a@b" }, "deny a@b control; allow a@b" },
	{ { "deny a@b control", "allow a@b", "allow a@b control" },
	    "allow a@b control" },
	{ { "deny a@b control", "deny a@b" }, "deny a@b" },
};

static void
a_later_one_replaces(void **state)
{
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message(
		    "  %s, %s\n", cases[i].rules[0], cases[i].rules[1]);
		for (size_t k = 0; k < 4 && cases[i].rules[k]; k++)
			assert_int_equal(put(f, OWNER, cases[i].rules[k]), OK);
		has(f, OWNER, cases[i].left);
		assert_int_equal(
		    db_script(f->db, "DELETE FROM rule", NULL), OK);
	}
}

static void
they_go_with_the_owner(void **state)
{
	struct fix *f = *state;

	assert_int_equal(put(f, OWNER, "allow a@b"), OK);
	assert_int_equal(put(f, OWNER, "allow a@b all"), OK);
	assert_int_equal(put(f, RIVAL, "allow a@b all"), ERR_NOTFOUND);
	assert_int_equal(things_disown(f->ts, f->thing), OK);
	has(f, OWNER, "allow a@b all");
	own(f, RIVAL);
	assert_int_equal(put(f, RIVAL, "deny a@b"), OK);
	assert_int_equal(things_delete(f->ts, f->thing), OK);
	has(f, RIVAL, "");
}

static void
numbers_are_not_used_again(void **state)
{
	struct fix *f = *state;
	struct errbuf eb;
	struct rule r = { .owner = OWNER, .who = "*", .names = "" };
	int64_t first, second, thing;

	assert_int_equal(rules_put(f->rs, &r, &first, &eb), OK);
	assert_int_equal(rules_drop(f->rs, RIVAL, first, &thing), ERR_NOTFOUND);
	assert_int_equal(rules_drop(f->rs, OWNER, first, &thing), OK);
	assert_int_equal(rules_put(f->rs, &r, &second, &eb), OK);
	assert_true(second > first);
}

static void
an_older_file(void **state)
{
	struct fix *f = *state;
	struct thing t;

	assert_int_equal(
	    db_script(f->db,
		"DROP TRIGGER thing_rules; DROP TABLE rule;"
		"DROP INDEX peer_asked; DROP INDEX thing_account;"
		"ALTER TABLE peer DROP COLUMN asked; PRAGMA user_version = 2",
		NULL),
	    OK);
	end(f);
	begin(f);
	assert_int_equal(things_owned(f->ts, &key, OWNER, &t), OK);
	thing_fini(&t);
	assert_int_equal(put(f, OWNER, "allow a@b"), OK);
	has(f, OWNER, "allow a@b");
}

static void
whom_a_rule_is_about(void **state)
{
	static const struct {
		const char *text, *want;
	} who[] = { { "*", "*" }, { "Anna@Example.org", "anna@example.org" },
		{ "@Example.org", "@example.org" }, { "part.org", "part.org" },
		{ "", NULL }, { "@", NULL }, { "@a@b", NULL },
		{ "a@b/c", NULL }, { "@b/c", NULL }, { "**", NULL } };
	char out[JID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		enum err e = rules_who(who[i].text, out, NULL);

		print_message("  %s\n", who[i].text);
		assert_int_equal(e, who[i].want ? OK : ERR_PROTO);
		if (who[i].want)
			assert_string_equal(out, who[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_later_one_replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    they_go_with_the_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    numbers_are_not_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(an_older_file, setup, teardown),
		cmocka_unit_test(whom_a_rule_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
