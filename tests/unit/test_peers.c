#include "registry/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define BARE "rack@test"
#define A BARE "/a"
#define B BARE "/b"
#define LEASE 180000

struct fix {
	char path[64];
	struct clock_fake clock;
	struct db *db;
	struct peers *ps;
};

static void
start(struct fix *f)
{
	struct errbuf eb;

	assert_int_equal(db_open(f->path, &f->db, &eb), OK);
	/* The rooms that own these rows are not part of this test. */
	assert_int_equal(
	    peers_new(f->db, &f->clock.clock, LEASE, &f->ps, &eb), OK);
}

static void
stop(struct fix *f)
{
	assert_int_equal(db_commit(f->db), OK);
	peers_free(f->ps);
	db_close(f->db);
}

static int
setup(void **state)
{
	static struct fix f;

	snprintf(f.path, sizeof(f.path), "test_peers_%d.db", (int)getpid());
	unlink(f.path);
	clock_fake_init(&f.clock, 1000000, 0);
	start(&f);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	stop(f);
	unlink(f->path);
	return 0;
}

static void
heard(struct fix *f, const char *full)
{
	struct jid j;

	assert_int_equal(jid_parse(full, &j), OK);
	f->clock.mono++;
	peers_heard(f->ps, &j);
}

static void
add_thing(struct fix *f)
{
	struct errbuf eb;

	assert_int_equal(
	    db_script(f->db,
		"INSERT INTO thing (jid, node, source, cache, public, canon, "
		"via) VALUES ('" BARE "', '', '', '', 0, '', '')",
		&eb),
	    OK);
}

static const char *
where(struct fix *f, const char *via)
{
	static char out[JID_SIZE];

	return peers_where(f->ps, BARE, via, out) ? out : "nowhere";
}

static void
nothing_known(void **state)
{
	assert_string_equal(where(*state, A), "nowhere");
}

static void
the_resource_that_registered(void **state)
{
	heard(*state, A);
	heard(*state, B);
	assert_string_equal(where(*state, A), A);
	assert_string_equal(where(*state, B), B);
	assert_string_equal(where(*state, BARE "/other"), B);
}

static void
the_newest_when_that_is_gone(void **state)
{
	struct fix *f = *state;

	heard(f, A);
	heard(f, B);
	peers_gone(f->ps, B);
	assert_string_equal(where(f, B), A);
	peers_gone(f->ps, A);
	assert_string_equal(where(f, B), "nowhere");
}

static void
a_lease_ends(void **state)
{
	struct fix *f = *state;

	add_thing(f);
	heard(f, A);
	f->clock.mono += LEASE / 2;
	heard(f, B);
	f->clock.mono += LEASE / 2 + 1;
	assert_string_equal(where(f, A), B);
	f->clock.mono += LEASE;
	peers_tidy(f->ps);
	/* The last one known is still worth a try. */
	assert_string_equal(where(f, A), B);
}

static void
another_start(void **state)
{
	struct fix *f = *state;

	heard(f, A);
	heard(f, B);
	add_thing(f);
	stop(f);
	start(f);
	assert_string_equal(where(f, A), B);
}

static void
an_account_without_things_is_forgotten(void **state)
{
	struct fix *f = *state;

	heard(f, A);
	stop(f);
	start(f);
	assert_string_equal(where(f, A), "nowhere");
	heard(f, A);
	peers_tidy(f->ps);
	f->clock.mono += LEASE + 1;
	assert_string_equal(where(f, A), "nowhere");
}

static void
a_ping_is_not_stored(void **state)
{
	struct fix *f = *state;
	struct jid j;

	assert_int_equal(jid_parse(A, &j), OK);
	peers_alive(f->ps, &j);
	assert_string_equal(where(f, A), A);
	f->clock.mono += LEASE + 1;
	assert_string_equal(where(f, A), "nowhere");
}

static int64_t
count_online(struct fix *f)
{
	sqlite3_stmt *st;
	int64_t n = -1;

	assert_int_equal(
	    db_query(f->db, "SELECT count(*) FROM online", &st), OK);
	if (db_query_step(f->db, st) == OK)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
strangers_are_so_many(void **state)
{
	struct fix *f = *state;
	struct jid j;

	heard(f, A);
	for (int i = 0; i < 80000; i++) {
		snprintf(j.full, sizeof(j.full), "evil@test/%d", i);
		snprintf(j.bare, sizeof(j.bare), "evil@test");
		f->clock.mono++;
		peers_alive(f->ps, &j);
	}
	assert_true(count_online(f) <= 65536 + 8192);
	peers_tidy(f->ps);
	assert_true(count_online(f) <= 65536);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_known),
		TEST(the_resource_that_registered),
		TEST(the_newest_when_that_is_gone),
		TEST(a_lease_ends),
		TEST(another_start),
		TEST(an_account_without_things_is_forgotten),
		TEST(a_ping_is_not_stored),
		TEST(strangers_are_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
