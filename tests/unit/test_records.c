/* registry/things.c: every way that a record may go. */
#include "registry/things.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define THING "thing@test"
#define RACK "rack@test"
#define OWNER "owner@test"
#define RIVAL "rival@test"

enum { MAX_TAGS = 8, STEPS = 5 };

struct fix {
	struct db *db;
	struct things *ts;
};

static char path[64];

static int
setup(void **state)
{
	static struct fix f;
	struct errbuf eb;

	snprintf(path, sizeof(path), "test_records_%d.db", (int)getpid());
	assert_int_equal(db_open(path, &f.db, &eb), OK);
	assert_int_equal(things_new(f.db, MAX_TAGS, &f.ts, &eb), OK);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	assert_int_equal(db_commit(f->db), OK);
	things_free(f->ts);
	db_close(f->db);
	unlink(path);
	return 0;
}

/* tags reads "NAME=value #NAME=number ..."; a value may not hold blanks. */
static struct tags
tags(const char *text)
{
	struct tags t = { 0 };
	char copy[512], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		bool num = *word == '#';
		char *value = strchr(word, '=');

		*value++ = '\0';
		assert_int_equal(
		    tags_add(&t, word + num, value, num, NULL), OK);
	}
	return t;
}

static const struct node_ref no_node = { "", "", "" };

/* What the cases do to the record THING without a node. */
enum step { REGISTER, SELF, MINE, PRIVATE, UPDATE, MERGE, REMOVE, UNREG, FREE };

static enum err
owned(struct fix *f, enum step step, const char *who, const struct tags *t)
{
	const struct thing_key k = { THING, no_node };
	struct thing out;
	enum err e = things_owned(f->ts, &k, who, &out);

	if (e != OK)
		return e;
	if (step == MERGE)
		e = things_merge(f->ts, out.id, t);
	else if (step == REMOVE)
		e = things_delete(f->ts, out.id);
	else
		e = things_disown(f->ts, out.id);
	thing_fini(&out);
	return e;
}

static enum err
claim(struct fix *f, const char *who, bool is_public, const struct tags *t)
{
	const struct thing_claim c = { who, is_public, t, no_node };
	struct thing out;
	bool news;
	enum err e = things_claim(f->ts, &c, &out, &news);

	if (e == OK) {
		assert_string_equal(out.jid, THING);
		assert_string_equal(out.owner, who);
		assert_int_equal(out.is_public, is_public);
		thing_fini(&out);
	}
	return e;
}

static enum err
registering(struct fix *f, bool self, const struct tags *t)
{
	const struct thing_origin from = { { THING, no_node }, THING "/a" };
	struct thing claimed;
	enum err e = things_register(f->ts, &from, t, self, &claimed);

	assert_int_equal(e == ERR_BUSY, claimed.owner != NULL);
	thing_fini(&claimed);
	return e;
}

static enum err
take_step(struct fix *f, enum step step, const char *who, const char *text)
{
	const struct thing_origin from = { { THING, no_node }, THING "/a" };
	struct tags t = tags(text);
	enum err e = ERR_UNSUP;

	switch (step) {
	case REGISTER:
	case SELF:
		e = registering(f, step == SELF, &t);
		break;
	case MINE:
	case PRIVATE:
		e = claim(f, who, step == MINE, &t);
		break;
	case UPDATE:
		e = things_update(f->ts, &from, &t);
		break;
	case MERGE:
	case REMOVE:
	case FREE:
		e = owned(f, step, who, &t);
		break;
	case UNREG:
		e = things_unregister(f->ts, &from.key);
		break;
	}
	tags_fini(&t);
	return e;
}

/* describe writes "-" for no record, else its owner or "free", whether it is
 * public, and the tags in order of their names; a random KEY is "?". */
static void
describe(struct fix *f, char *out, size_t size)
{
	const struct thing_key k = { THING, no_node };
	struct tags t = { 0 };
	struct thing thing;
	size_t n;

	if (things_find(f->ts, &k, &thing) != OK) {
		snprintf(out, size, "-");
		return;
	}
	n = (size_t)snprintf(out, size, "%s%s",
	    thing.owner ? thing.owner : "free",
	    thing.is_public ? " public" : "");
	assert_int_equal(things_tags(f->ts, thing.id, &t), OK);
	for (size_t i = 0; i < t.n; i++)
		n += (size_t)snprintf(out + n, size - n, " %s%s=%s",
		    t.v[i].num ? "#" : "", t.v[i].name,
		    strlen(t.v[i].value) == 26 ? "?" : t.v[i].value);
	tags_fini(&t);
	thing_fini(&thing);
}

struct one_step {
	enum step step;
	const char *who, *tags;
	enum err want;
};

/* clang-format off: one line a case */
#define CLAIMED                               \
	{ REGISTER, "", "SN=1 KEY=2", OK },   \
	{                                     \
		MINE, OWNER, "SN=1 KEY=2", OK \
	}
#define IS_CLAIMED "owner@test public KEY=2 SN=1"

static const struct {
	const char *name;
	struct one_step steps[STEPS];
	const char *state;
} cases[] = {
	{ "nothing there: update", { { UPDATE, "", "A=1", ERR_NOTFOUND } },
	    "-" },
	{ "nothing there: claim", { { MINE, OWNER, "A=1", ERR_NOTFOUND } },
	    "-" },
	{ "nothing there: owner's update",
	    { { MERGE, OWNER, "A=1", ERR_NOTFOUND } }, "-" },
	{ "nothing there: remove", { { REMOVE, OWNER, "", ERR_NOTFOUND } },
	    "-" },
	{ "nothing there: unregister is fine", { { UNREG, "", "", OK } }, "-" },
	{ "register", { { REGISTER, "", "SN=1 #V=1.20", OK } },
	    "free SN=1 #V=1.20" },
	{ "register: empty values are absent",
	    { { REGISTER, "", "SN=1 ROOM=", OK } }, "free SN=1" },
	{ "register: too many tags",
	    { { REGISTER, "", "A=1 B=1 C=1 D=1 E=1 F=1 G=1 H=1 I=1",
		ERR_RANGE } },
	    "-" },
	{ "register again replaces all",
	    { { REGISTER, "", "SN=1 KEY=2", OK }, { REGISTER, "", "SN=1", OK },
		{ MINE, OWNER, "SN=1 KEY=2", ERR_NOTFOUND } },
	    "free SN=1" },
	{ "unclaimed: update does nothing",
	    { { REGISTER, "", "SN=1", OK },
		{ UPDATE, "", "A=1", ERR_REFUSED } },
	    "free SN=1" },
	{ "unclaimed: owner's update",
	    { { REGISTER, "", "SN=1", OK },
		{ MERGE, OWNER, "A=1", ERR_NOTFOUND } },
	    "free SN=1" },
	{ "unclaimed: remove",
	    { { REGISTER, "", "SN=1", OK },
		{ REMOVE, OWNER, "", ERR_NOTFOUND } },
	    "free SN=1" },
	{ "unclaimed: disown",
	    { { REGISTER, "", "SN=1", OK }, { FREE, OWNER, "", ERR_NOTFOUND } },
	    "free SN=1" },
	{ "unclaimed: unregister",
	    { { REGISTER, "", "SN=1", OK }, { UNREG, "", "", OK } }, "-" },
	{ "unclaimed: becomes self-owned",
	    { { REGISTER, "", "SN=1", OK }, { SELF, "", "SN=2", OK } },
	    "thing@test public SN=2" },
	{ "claim public", { CLAIMED }, IS_CLAIMED },
	{ "claim private",
	    { { REGISTER, "", "SN=1", OK }, { PRIVATE, OWNER, "SN=1", OK } },
	    "owner@test SN=1" },
	{ "claimed: register changes nothing",
	    { CLAIMED, { REGISTER, "", "SN=9", ERR_BUSY } }, IS_CLAIMED },
	{ "claimed: self-owned register too",
	    { CLAIMED, { SELF, "", "SN=9", ERR_BUSY } }, IS_CLAIMED },
	{ "claimed: same owner again",
	    { CLAIMED, { MINE, OWNER, "SN=1 KEY=2", OK } }, IS_CLAIMED },
	{ "claimed: same owner makes it private",
	    { CLAIMED, { PRIVATE, OWNER, "SN=1 KEY=2", OK } },
	    "owner@test KEY=2 SN=1" },
	{ "claimed: a rival",
	    { CLAIMED, { MINE, RIVAL, "SN=1 KEY=2", ERR_NOTFOUND } },
	    IS_CLAIMED },
	{ "claimed: update merges, empty deletes",
	    { CLAIMED, { UPDATE, "", "#LAT=-33.0 KEY=", OK } },
	    "owner@test public #LAT=-33.0 SN=1" },
	{ "claimed: deleting what is absent",
	    { CLAIMED, { UPDATE, "", "ROOM=", OK } }, IS_CLAIMED },
	{ "claimed: update changes a type",
	    { CLAIMED, { UPDATE, "", "#SN=5", OK } },
	    "owner@test public KEY=2 #SN=5" },
	{ "claimed: an empty string deletes a number",
	    { CLAIMED, { UPDATE, "", "#V=5", OK }, { UPDATE, "", "V=", OK } },
	    IS_CLAIMED },
	{ "claimed: update beyond the limit",
	    { CLAIMED,
		{ UPDATE, "", "A=1 B=1 C=1 D=1 E=1 F=1 G=1", ERR_RANGE } },
	    IS_CLAIMED },
	{ "claimed: private takes updates too",
	    { { REGISTER, "", "SN=1", OK }, { PRIVATE, OWNER, "SN=1", OK },
		{ UPDATE, "", "A=1", OK } },
	    "owner@test A=1 SN=1" },
	{ "claimed: owner's update",
	    { CLAIMED, { MERGE, OWNER, "ROOM=1", OK } },
	    "owner@test public KEY=2 ROOM=1 SN=1" },
	{ "claimed: a rival's update",
	    { CLAIMED, { MERGE, RIVAL, "ROOM=1", ERR_NOTFOUND } }, IS_CLAIMED },
	{ "claimed: a rival's remove",
	    { CLAIMED, { REMOVE, RIVAL, "", ERR_NOTFOUND } }, IS_CLAIMED },
	{ "claimed: remove",
	    { CLAIMED, { REMOVE, OWNER, "", OK },
		{ UPDATE, "", "A=1", ERR_NOTFOUND } },
	    "-" },
	{ "claimed: disown leaves one random KEY",
	    { CLAIMED, { FREE, OWNER, "", OK },
		{ MINE, OWNER, "SN=1 KEY=2", ERR_NOTFOUND } },
	    "free KEY=?" },
	{ "claimed: unregister",
	    { CLAIMED, { UNREG, "", "", OK }, { REGISTER, "", "SN=1", OK } },
	    "free SN=1" },
	{ "disowned: update",
	    { CLAIMED, { FREE, OWNER, "", OK },
		{ UPDATE, "", "A=1", ERR_REFUSED } },
	    "free KEY=?" },
	{ "disowned: claimed by another",
	    { CLAIMED, { FREE, OWNER, "", OK }, { REGISTER, "", "SN=1", OK },
		{ MINE, RIVAL, "SN=1", OK } },
	    "rival@test public SN=1" },
	{ "self-owned",
	    { { SELF, "", "SN=1", OK }, { SELF, "", "SN=2", ERR_BUSY },
		{ MINE, OWNER, "SN=1", ERR_NOTFOUND } },
	    "thing@test public SN=1" },
};
/* clang-format on */

static void
states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct one_step *s = cases[i].steps;
		void *fix;
		char got[512];

		print_message("  %s\n", cases[i].name);
		setup(&fix);
		for (; s < cases[i].steps + STEPS && s->who; s++)
			assert_string_equal(
			    err_str(take_step(fix, s->step, s->who, s->tags)),
			    err_str(s->want));
		describe(fix, got, sizeof(got));
		assert_string_equal(got, cases[i].state);
		teardown(&fix);
	}
}

#define SET "SN=394872 MAN=example.org MODEL=IMC #V=1.2"

static void
claims(void **state)
{
	static const struct {
		const char *name, *tags;
		enum err want;
	} rows[] = {
		{ "the same", SET " KEY=48", OK },
		{ "another order",
		    "KEY=48 #V=1.2 MODEL=IMC MAN=example.org SN=394872", OK },
		{ "names in lower case",
		    "sn=394872 man=example.org Model=IMC #v=1.2 key=48", OK },
		{ "an equal number",
		    "SN=394872 MAN=example.org MODEL=IMC #V=12e-1 KEY=48", OK },
		{ "an empty tag more", SET " KEY=48 ROOM=", OK },
		{ "without KEY", SET, ERR_NOTFOUND },
		{ "one more", SET " KEY=48 ROOM=1", ERR_NOTFOUND },
		{ "a wrong KEY", SET " KEY=49", ERR_NOTFOUND },
		{ "V as a string",
		    "SN=394872 MAN=example.org MODEL=IMC V=1.2 KEY=48",
		    ERR_NOTFOUND },
		{ "a value in lower case",
		    "SN=394872 MAN=example.org MODEL=imc #V=1.2 KEY=48",
		    ERR_NOTFOUND },
		{ "nothing", "", ERR_NOTFOUND },
		{ "only empty tags", "SN= KEY=", ERR_NOTFOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fix;

		print_message("  %s\n", rows[i].name);
		setup(&fix);
		assert_int_equal(
		    take_step(fix, REGISTER, "", SET " KEY=48"), OK);
		assert_string_equal(
		    err_str(take_step(fix, MINE, OWNER, rows[i].tags)),
		    err_str(rows[i].want));
		teardown(&fix);
	}
}

static void
put(struct fix *f, const char *jid, struct node_ref node, const char *text)
{
	const struct thing_origin from = { { jid, node }, jid };
	struct tags t = tags(text);
	struct thing claimed;

	assert_int_equal(
	    things_register(f->ts, &from, &t, false, &claimed), OK);
	tags_fini(&t);
}

static enum err
mine(struct fix *f, const char *text, struct node_ref node, struct thing *out)
{
	struct tags t = tags(text);
	const struct thing_claim c = { OWNER, true, &t, node };
	bool news;
	enum err e = things_claim(f->ts, &c, out, &news);

	tags_fini(&t);
	return e;
}

static void
empty_sets(void **state)
{
	struct thing out;

	put(*state, THING, no_node, "");
	assert_int_equal(mine(*state, "", no_node, &out), ERR_NOTFOUND);
}

static void
ambiguous(void **state)
{
	const struct node_ref a = { "a", "S", "" }, b = { "b", "S", "" };
	struct thing out;

	put(*state, RACK, a, "SN=1");
	put(*state, RACK, b, "SN=1");
	assert_int_equal(mine(*state, "SN=1", no_node, &out), ERR_NOTFOUND);
	assert_int_equal(mine(*state, "SN=1", b, &out), OK);
	assert_string_equal(out.node, "b");
	thing_fini(&out);
	/* One of them claimed makes the other no easier to tell. */
	assert_int_equal(mine(*state, "SN=1", no_node, &out), ERR_NOTFOUND);
}

static void
nodes_are_apart(void **state)
{
	const struct node_ref refs[] = { { "a", "S", "" }, { "a", "S", "x" },
		{ "a", "T", "" }, { "b", "S", "" }, { "", "", "" } };
	static const char *const sets[] = { "N=1", "N=2", "N=3", "N=4", "N=5" };
	struct thing out;

	for (size_t i = 0; i < 5; i++)
		put(*state, RACK, refs[i], sets[i]);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(mine(*state, sets[i], no_node, &out), OK);
		assert_string_equal(out.node, refs[i].node);
		assert_string_equal(out.source, refs[i].source);
		assert_string_equal(out.cache, refs[i].cache);
		thing_fini(&out);
	}
}

static void
filter(void **state)
{
	const struct node_ref at = { "a", "S", "" }, other = { "b", "", "" };
	const struct node_ref part = { "", "S", "" };
	struct thing out;

	put(*state, RACK, at, "SN=1");
	assert_int_equal(mine(*state, "SN=1", other, &out), ERR_NOTFOUND);
	assert_int_equal(mine(*state, "SN=1", part, &out), OK);
	thing_fini(&out);
}

static void
news(void **state)
{
	static const struct {
		bool is_public, news;
	} rows[] = { { true, true }, { true, false }, { false, true },
		{ false, false } };
	struct fix *f = *state;
	struct tags t = tags("SN=1");

	put(f, THING, no_node, "SN=1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct thing_claim c = { OWNER, rows[i].is_public, &t,
			no_node };
		struct thing out;
		bool tell;

		assert_int_equal(things_claim(f->ts, &c, &out, &tell), OK);
		assert_int_equal(tell, rows[i].news);
		thing_fini(&out);
	}
	tags_fini(&t);
}

static void
origin(void **state)
{
	static const char *const via[] = { THING "/a", THING "/b" };
	struct fix *f = *state;
	struct tags t = tags("SN=1");
	struct thing out;

	for (size_t i = 0; i < 2; i++) {
		const struct thing_origin from = { { THING, no_node }, via[i] };

		if (i == 0)
			assert_int_equal(
			    things_register(f->ts, &from, &t, false, &out), OK);
		else
			assert_int_equal(
			    things_update(f->ts, &from, &t), ERR_REFUSED);
		assert_int_equal(things_find(f->ts, &from.key, &out), OK);
		assert_string_equal(out.via, via[i]);
		thing_fini(&out);
	}
	tags_fini(&t);
}

static void
too_many_things(void **state)
{
	const struct thing_origin from = { { RACK, { "new", "", "" } }, RACK };
	struct fix *f = *state;
	struct tags t = tags("SN=1");
	struct thing claimed;
	struct errbuf eb;

	things_limit(f->ts, 2);
	assert_int_equal(db_script(f->db,
			     "INSERT INTO notice"
			     " (jid, node, source, cache, via, kind, public)"
			     " VALUES ('" RACK "', 'gone', '', '', '', 4, 0)",
			     &eb),
	    OK);
	put(f, RACK, no_node, "SN=1");
	assert_int_equal(
	    things_register(f->ts, &from, &t, false, &claimed), ERR_REFUSED);
	put(f, RACK, no_node, "SN=2"); /* one that is there */
	put(f, THING, no_node, "SN=3");
	assert_int_equal(db_script(f->db, "DELETE FROM notice", &eb), OK);
	put(f, RACK, from.key.node, "SN=4");
	tags_fini(&t);
}

/* The limit may have been higher when the tags came. */
static void
a_lowered_limit(void **state)
{
	struct fix *f = *state;
	struct things *strict;
	struct errbuf eb;
	struct tags key = tags("KEY="), more = tags("ROOM=1");
	const struct thing_origin from = { { THING, no_node }, THING "/a" };

	take_step(f, REGISTER, "", "A=1 B=1 C=1 KEY=1");
	take_step(f, MINE, OWNER, "A=1 B=1 C=1 KEY=1");
	assert_int_equal(things_new(f->db, 2, &strict, &eb), OK);
	assert_int_equal(things_update(strict, &from, &more), ERR_RANGE);
	assert_int_equal(things_update(strict, &from, &key), OK);
	assert_int_equal(things_update(strict, &from, &more), ERR_RANGE);
	things_free(strict);
	tags_fini(&key);
	tags_fini(&more);
}

static void
failed_turn(void **state)
{
	const struct thing_key k = { THING, no_node };
	struct fix *f = *state;
	struct errbuf eb;
	struct thing out;

	assert_int_equal(db_commit(f->db), OK);
	put(f, THING, no_node, "SN=1");
	assert_int_equal(db_script(f->db, "DROP TABLE tag", &eb), OK);
	assert_int_equal(take_step(f, REGISTER, "", "SN=2"), ERR_IO);
	assert_int_equal(take_step(f, UNREG, "", ""), ERR_IO);
	assert_int_equal(db_commit(f->db), ERR_IO);
	assert_int_equal(things_find(f->ts, &k, &out), ERR_NOTFOUND);
	put(f, THING, no_node, "SN=3");
	assert_int_equal(db_commit(f->db), OK);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(claims),
		TEST(empty_sets),
		TEST(ambiguous),
		TEST(nodes_are_apart),
		TEST(filter),
		TEST(news),
		TEST(origin),
		TEST(too_many_things),
		TEST(a_lowered_limit),
		TEST(failed_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
