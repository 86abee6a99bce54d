/* registry/provision.c: who is told when answers change, and when a store was
 * brought back; registry/rules.c: what is judged by them. */
#include "protocol/provisioning.h"
#include "registry/provision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OWNER "owner@test"
#define RIVAL "rival@test"
#define GUEST "guest@test"

struct fix {
	struct db *db;
	struct things *ts;
	struct peers *peers;
	struct notices *ns;
	struct rules *rs;
	struct provision *p;
	xmpp_ctx_t *ctx;
};

static char path[64];

static void
begin(struct fix *f)
{
	struct errbuf eb;

	assert_int_equal(db_open(path, &f->db, &eb), OK);
	assert_int_equal(things_new(f->db, 8, &f->ts, &eb), OK);
	assert_int_equal(
	    peers_new(f->db, &clock_system, 1000, &f->peers, &eb), OK);
	assert_int_equal(
	    notices_new(f->db, f->peers, &clock_system, &f->ns, &eb), OK);
	assert_int_equal(rules_new(f->db, &f->rs, &eb), OK);
	assert_int_equal(
	    provision_new(f->db, f->ts, f->rs, f->ns, &f->p, &eb), OK);
}

static void
end(struct fix *f)
{
	assert_int_equal(db_commit(f->db), OK);
	provision_free(f->p);
	rules_free(f->rs);
	notices_free(f->ns);
	peers_free(f->peers);
	things_free(f->ts);
	db_close(f->db);
}

static int
setup(void **state)
{
	static struct fix f;

	snprintf(path, sizeof(path), "test_provision_%d.db", (int)getpid());
	unlink(path);
	f.ctx = xmpp_ctx_new(NULL, NULL);
	begin(&f);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	end(f);
	xmpp_ctx_free(f->ctx);
	unlink(path);
	return 0;
}

/* own gives a node of an account to an owner; returns its record. */
static int64_t
own(struct fix *f, const char *account, const char *node, const char *owner)
{
	struct tags tags = { 0 };
	char key[64];
	struct thing t;
	bool news;
	int64_t id;

	snprintf(key, sizeof(key), "%s %s", account, node);
	assert_int_equal(tags_add(&tags, "KEY", key, false, NULL), OK);
	assert_int_equal(
	    things_register(f->ts,
		&(struct thing_origin){
		    .key = { account, { node, "", "" } }, .via = account },
		&tags, false, &t),
	    OK);
	assert_int_equal(
	    things_claim(f->ts,
		&(struct thing_claim){
		    .owner = owner, .tags = &tags, .node = { node, "", "" } },
		&t, &news),
	    OK);
	id = t.id;
	thing_fini(&t);
	tags_fini(&tags);
	return id;
}

static void
rule(struct fix *f, const char *owner, int64_t thing, const char *who,
    bool allow)
{
	const struct rule r = { .owner = owner,
		.thing = thing,
		.who = who,
		.allow = allow,
		.names = "" };
	struct errbuf eb;
	int64_t id;

	assert_int_equal(rules_put(f->rs, &r, &id, &eb), OK);
}

/* ask: whether an account's node may be read. */
static bool
ask(struct fix *f, const char *account, const char *node, const char *who)
{
	xmpp_stanza_t *el, *answer = NULL;
	struct prov_msg m;
	struct errbuf eb;
	struct jid from;
	char text[512];
	bool yes;

	snprintf(text, sizeof(text),
	    "<canRead xmlns='" PROVISIONING_NS
	    "' jid='%s' all='true'><node nodeId='%s'/></canRead>",
	    who, node);
	el = xmpp_stanza_new_from_string(f->ctx, text);
	assert_non_null(el);
	assert_int_equal(jid_parse(account, &from), OK);
	assert_int_equal(
	    provision_answer(f->p, &from, el, f->ctx, &answer, &eb), OK);
	assert_int_equal(prov_parse(answer, &m, &eb), OK);
	yes = m.result;
	prov_fini(&m);
	xmpp_stanza_release(answer);
	xmpp_stanza_release(el);
	return yes;
}

static int
count(struct fix *f, const char *query)
{
	sqlite3_stmt *st = NULL;
	int n;

	assert_int_equal(db_query(f->db, query, &st), OK);
	assert_int_equal(db_query_step(f->db, st), OK);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

#define TOLD "SELECT count(*) FROM notice WHERE kind = 100"
#define HOLD "SELECT count(*) FROM peer WHERE asked"

/* The index that finds them shrinks meanwhile. */
static void
all_holders_are_told(void **state)
{
	enum { ACCOUNTS = 50 };
	struct fix *f = *state;
	char account[32];

	for (int i = 0; i < ACCOUNTS; i++) {
		snprintf(account, sizeof(account), "t%d@test", i);
		own(f, account, "n", i % 2 ? OWNER : RIVAL);
		ask(f, account, "n", GUEST);
	}
	assert_int_equal(count(f, HOLD), ACCOUNTS);
	assert_int_equal(provision_changed(f->p, OWNER, 0), OK);
	assert_int_equal(count(f, TOLD), ACCOUNTS / 2);
	assert_int_equal(count(f, HOLD), ACCOUNTS / 2);
	assert_int_equal(provision_changed(f->p, OWNER, 0), OK);
	assert_int_equal(count(f, TOLD), ACCOUNTS / 2);
}

/* JIDs are compared prepared, and rules are of the owner that there is. */
static void
who_is_let_in(void **state)
{
	struct fix *f = *state;
	int64_t id = own(f, "t@test", "n", OWNER);

	rule(f, OWNER, id, GUEST, true);
	rule(f, OWNER, 0, "@part.test", true);
	rule(f, OWNER, 0, "*@test", true); /* a name, and no pattern */
	assert_true(ask(f, "t@test", "n", "Guest@TEST/x"));
	assert_true(ask(f, "t@test/y", "n", GUEST));
	assert_true(ask(f, "t@test", "n", "any@part.test"));
	assert_false(ask(f, "t@test", "n", "part.test"));
	assert_false(ask(f, "t@test", "n", "any@sub.part.test"));
	assert_false(ask(f, "t@test", "n", "guest@test.test"));
	assert_false(ask(f, "t@test", "N", GUEST));
	assert_false(ask(f, "u@test", "n", GUEST));
	assert_int_equal(things_disown(f->ts, id), OK);
	assert_false(ask(f, "t@test", "n", GUEST));
	assert_false(ask(f, "t@test", "n", OWNER));
	own(f, "t@test", "n", RIVAL);
	assert_false(ask(f, "t@test", "n", GUEST));
	assert_false(ask(f, "t@test", "n", "any@part.test"));
	assert_true(ask(f, "t@test", "n", RIVAL));
}

/* A record that takes the number of one that was deleted has none of its
 * rules; nor has one that its owner has back. */
static void
rules_do_not_come_back(void **state)
{
	struct fix *f = *state;
	int64_t id = own(f, "t@test", "n", OWNER);

	rule(f, OWNER, id, GUEST, true);
	assert_int_equal(things_delete(f->ts, id), OK);
	own(f, "t@test", "n", OWNER);
	assert_false(ask(f, "t@test", "n", GUEST));
	id = own(f, "t@test", "m", OWNER);
	rule(f, OWNER, id, GUEST, true);
	assert_int_equal(things_disown(f->ts, id), OK);
	own(f, "t@test", "m", OWNER);
	assert_false(ask(f, "t@test", "m", GUEST));
}

/* An account may have asked after the copy was made: it is told all the
 * same, once. */
static void
a_store_brought_back(void **state)
{
	struct fix *f = *state;
	struct errbuf eb;

	own(f, "t@test", "n", OWNER);
	own(f, "t@test", "m", OWNER);
	own(f, "u@test", "n", RIVAL);
	end(f);
	begin(f);
	assert_int_equal(count(f, TOLD), 0);
	assert_int_equal(db_mark(f->db, &eb), OK);
	end(f);
	begin(f);
	assert_int_equal(count(f, TOLD), 2);
	assert_false(db_marked(f->db));
	assert_int_equal(db_script(f->db, "DELETE FROM notice", &eb), OK);
	end(f);
	begin(f);
	assert_int_equal(count(f, TOLD), 0);
}

static void
a_copy_is_marked(void **state)
{
	struct fix *f = *state;
	struct db *copy;
	struct errbuf eb;
	char to[80];

	own(f, "t@test", "n", OWNER);
	assert_int_equal(db_commit(f->db), OK);
	snprintf(to, sizeof(to), "%s.copy", path);
	unlink(to);
	assert_int_equal(db_copy(f->db, to, &eb), OK);
	assert_false(db_marked(f->db));
	assert_int_equal(db_open(to, &copy, &eb), OK);
	assert_true(db_marked(copy));
	db_close(copy);
	unlink(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    all_holders_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_let_in, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    rules_do_not_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_store_brought_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_copy_is_marked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
