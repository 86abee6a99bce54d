/* registry/search_sql.c and search.c: each operator finds what it must, by
 * whatever way, and each way uses the index that it is for. */
#include "registry/search_sql.h"

#include "registry/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fix {
	struct clock clock;
	int64_t now, hurry, looks;
	struct db *db;
	struct things *ts;
	struct searches *ss;
	sqlite3_stmt *probe;
	sqlite3 *sql;
	xmpp_ctx_t *ctx;
};

static struct fix fixture;

/* A clock that goes on by a step every second time it is looked at: while a
 * search runs, not between two. */
static int64_t
hurry(const struct clock *clock)
{
	(void)clock;
	if (fixture.looks++ % 2)
		fixture.now += fixture.hurry;
	return fixture.now;
}

/* What is in the registry: account, whether public, tags. */
static const struct {
	const char *jid;
	bool is_public;
	const char *tags;
} stock[] = {
	{ "t1@x.org", true, "SN=394871 #V=1 CLASS=A #LAT=55.5 #LON=13.0" },
	{ "t2@x.org", true, "SN=394882 #V=2 CLASS=B #LAT=55.6 #LON=13.5" },
	{ "t3@x.org", true, "SN=xx39487 #V=3.0 CLASS=C #LAT=-33 #LON=-71.5" },
	{ "t4@x.org", true, "V=2 CLASS=D ROOM=%_*' #LAT=55.5" },
	{ "t5@x.org", true, "CLASS=E KEY=secret #LAT=1e300 #LON=1" },
	{ "u6@x.org", false, "SN=394871 #V=2 CLASS=B #LAT=55.5 #LON=13.0" },
};

static void
add_tags(struct tags *t, const char *text)
{
	char copy[256], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		bool num = *word == '#';
		char *value = strchr(word, '=');

		*value++ = '\0';
		assert_int_equal(tags_add(t, word + num, value, num, NULL), OK);
	}
}

static void
put(struct fix *f, const char *jid, bool is_public, const char *text)
{
	const struct thing_origin from = { { jid, { "", "", "" } }, jid };
	struct tags t = { 0 };
	struct thing claimed;

	add_tags(&t, text);
	assert_int_equal(
	    things_register(f->ts, &from, &t, is_public, &claimed), OK);
	tags_fini(&t);
}

static char path[64];

static int
setup(void **state)
{
	static const char *const any[] = { "SELECT 1" };
	struct fix *f = &fixture;
	struct errbuf eb;

	snprintf(path, sizeof(path), "test_search_sql_%d.db", (int)getpid());
	assert_int_equal(db_open(path, &f->db, &eb), OK);
	assert_int_equal(things_new(f->db, 16, &f->ts, &eb), OK);
	f->clock.mono_ms = hurry;
	f->clock.utc_ms = NULL;
	f->now = f->hurry = 0;
	assert_int_equal(
	    searches_new(f->db, f->ts, &f->clock, 3, &f->ss, &eb), OK);
	assert_int_equal(db_prepare(f->db, any, 1, &f->probe, &eb), OK);
	f->sql = sqlite3_db_handle(f->probe);
	f->ctx = xmpp_ctx_new(NULL, NULL);
	for (size_t i = 0; i < sizeof(stock) / sizeof(stock[0]); i++)
		put(f, stock[i].jid, stock[i].is_public, stock[i].tags);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	assert_int_equal(db_commit(f->db), OK);
	searches_free(f->ss);
	things_free(f->ts);
	db_close(f->db);
	unlink(path);
	xmpp_ctx_free(f->ctx);
	return 0;
}

#define RANGE(kind, num, low, high, out)                         \
	{                                                        \
		kind, num, "", low, high, (out)&2, (out)&1, NULL \
	}
#define OP(kind, num, value)                                   \
	{                                                      \
		kind, num, "", value, NULL, false, false, NULL \
	}
#define MASK(value, w)                                               \
	{                                                            \
		SEARCH_MASK, false, "", value, NULL, false, false, w \
	}

/* clang-format off: one line a case */
static const struct {
	const char *name;
	struct search_op op;
	const char *found; /* the digits of the things */
} cases[] = {
	{ "V", OP(SEARCH_EQ, true, "2"), "2" },
	{ "V", OP(SEARCH_EQ, true, "2e0"), "2" },
	{ "V", OP(SEARCH_NEQ, true, "2"), "13" },
	{ "V", OP(SEARCH_GT, true, "2"), "3" },
	{ "V", OP(SEARCH_GTEQ, true, "2"), "23" },
	{ "V", OP(SEARCH_LT, true, "2"), "1" },
	{ "V", OP(SEARCH_LTEQ, true, "2"), "12" },
	{ "V", RANGE(SEARCH_RANGE, true, "1", "3", 0), "123" },
	{ "V", RANGE(SEARCH_RANGE, true, "1", "3", 1), "12" },
	{ "V", RANGE(SEARCH_RANGE, true, "1", "3", 2), "23" },
	{ "V", RANGE(SEARCH_RANGE, true, "1", "3", 3), "2" },
	{ "V", RANGE(SEARCH_RANGE, true, "-INF", "INF", 0), "123" },
	{ "V", RANGE(SEARCH_RANGE, true, "3", "1", 0), "" },
	{ "V", RANGE(SEARCH_NRANGE, true, "1", "2", 0), "3" },
	{ "V", RANGE(SEARCH_NRANGE, true, "1", "2", 1), "23" },
	{ "V", RANGE(SEARCH_NRANGE, true, "1", "2", 2), "13" },
	{ "V", RANGE(SEARCH_NRANGE, true, "1", "2", 3), "123" },
	{ "V", RANGE(SEARCH_NRANGE, true, "3", "1", 0), "123" },
	{ "V", OP(SEARCH_EQ, false, "2"), "4" },
	{ "V", OP(SEARCH_NEQ, false, "9"), "4" },
	{ "CLASS", OP(SEARCH_EQ, false, "B"), "2" },
	{ "CLASS", OP(SEARCH_EQ, false, "b"), "" },
	{ "CLASS", OP(SEARCH_NEQ, false, "B"), "1345" },
	{ "CLASS", OP(SEARCH_GT, false, "B"), "345" },
	{ "CLASS", OP(SEARCH_GTEQ, false, "B"), "2345" },
	{ "CLASS", OP(SEARCH_LT, false, "B"), "1" },
	{ "CLASS", OP(SEARCH_LTEQ, false, "B"), "12" },
	{ "CLASS", RANGE(SEARCH_RANGE, false, "B", "D", 0), "234" },
	{ "CLASS", RANGE(SEARCH_NRANGE, false, "C", "E", 3), "1235" },
	{ "class", OP(SEARCH_EQ, false, "A"), "1" },
	{ "SN", MASK("39487*", "*"), "1" },
	{ "SN", MASK("%4%", "%"), "123" },
	{ "SN", MASK("*", "*"), "123" },
	{ "SN", MASK("394871", "*"), "1" },
	{ "SN", MASK("3948_1", "*"), "" },
	{ "ROOM", MASK("%_*'", "!"), "4" },
	{ "ROOM", OP(SEARCH_EQ, false, "%_*'"), "4" },
	{ "ROOM", OP(SEARCH_EQ, false, "' OR 1=1 --"), "" },
	{ "NOBODY", OP(SEARCH_NEQ, false, "1"), "" },
	{ "NOBODY", RANGE(SEARCH_NRANGE, true, "1", "2", 0), "" },
	{ "LAT", OP(SEARCH_GT, true, "55"), "1245" },
};
/* clang-format on */

static void
digits(const struct fix *f, const struct terms *t, struct way way, char *out)
{
	struct buf sql = { 0 };
	sqlite3_stmt *st;

	search_sql(t, way, &sql);
	assert_int_equal(db_query(f->db, sql.data, &st), OK);
	terms_bind(t, st, 100, 0);
	while (db_query_step(f->db, st) == OK)
		*out++ = (char)('0' + sqlite3_column_int(st, 0));
	*out = '\0';
	sqlite3_finalize(st);
	buf_fini(&sql);
}

static void
operators(void **state)
{
	const struct fix *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct search s = { .n = 0 };
		struct terms t;
		char got[16];

		print_message("  %s kind %d %s\n", cases[i].name,
		    (int)cases[i].op.kind, cases[i].op.value);
		assert_int_equal(
		    search_add(&s, cases[i].name, &cases[i].op, NULL), OK);
		terms_init(&t, &s);
		digits(f, &t, (struct way){ WAY_TAG, 0 }, got);
		assert_string_equal(got, cases[i].found);
		digits(f, &t, (struct way){ .kind = WAY_ALL }, got);
		assert_string_equal(got, cases[i].found);
		terms_fini(&t);
	}
}

static void
add(struct search *s, const char *name, struct search_op op)
{
	assert_int_equal(search_add(s, name, &op, NULL), OK);
}

static void
box(struct search *s, const char *lat0, const char *lat1, const char *lon0,
    const char *lon1)
{
	add(s, "LAT",
	    (struct search_op)RANGE(SEARCH_RANGE, true, lat0, lat1, 0));
	add(s, "LON", (struct search_op)OP(SEARCH_GTEQ, true, lon0));
	add(s, "LON", (struct search_op)OP(SEARCH_LT, true, lon1));
}

static void
boxes(void **state)
{
	static const struct {
		const char *lat0, *lat1, *lon0, *lon1, *found;
		bool boxed;
	} rows[] = {
		{ "55", "56", "12", "14", "12", true },
		{ "55.5", "55.5", "13", "13.1", "1", true },
		{ "55.5", "55.6", "13", "13.5", "1", true },
		{ "-34", "-33", "-72", "-70", "3", true },
		{ "0", "INF", "-180", "180", "125", false },
		{ "56", "55", "12", "14", "", true },
	};
	const struct fix *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct search s = { .n = 0 };
		struct terms t;
		char got[16];

		box(&s, rows[i].lat0, rows[i].lat1, rows[i].lon0, rows[i].lon1);
		terms_init(&t, &s);
		assert_int_equal(t.boxed, rows[i].boxed);
		for (size_t k = 0; k < s.n; k++) {
			digits(f, &t, (struct way){ WAY_TAG, k }, got);
			assert_string_equal(got, rows[i].found);
		}
		if (t.boxed) {
			digits(f, &t, (struct way){ .kind = WAY_PLACE }, got);
			assert_string_equal(got, rows[i].found);
		}
		digits(f, &t, (struct way){ .kind = WAY_ALL }, got);
		assert_string_equal(got, rows[i].found);
		terms_fini(&t);
	}
}

/* plan is what SQLite says that it will do. */
static void
plan(const struct fix *f, const char *sql, char *out, size_t size)
{
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *st;
	size_t n = 0;

	assert_int_equal(
	    sqlite3_prepare_v2(f->sql, explain, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		n += (size_t)snprintf(out + n, size - n, "%s\n",
		    (const char *)sqlite3_column_text(st, 3));
	sqlite3_finalize(st);
	sqlite3_free(explain);
}

static void
no_scan(const struct fix *f, const struct terms *t, struct way way,
    const char *uses, bool sorts)
{
	struct buf sql = { 0 };
	char text[8192];

	search_sql(t, way, &sql);
	plan(f, sql.data, text, sizeof(text));
	assert_non_null(strstr(text, uses));
	assert_null(strstr(text, "SCAN d"));
	assert_null(strstr(text, "SCAN x"));
	assert_int_equal(strstr(text, "TEMP B-TREE") != NULL, sorts);
	if (strstr(sql.data, "AS x"))
		assert_non_null(strstr(
		    text, "SEARCH x USING PRIMARY KEY (thing=? AND name=?)"));
	assert_null(strstr(sql.data, "secret"));
	buf_fini(&sql);
}

static void
plans(void **state)
{
	const struct fix *f = *state;
	struct search s = { .n = 0 };
	struct terms t;

	add(&s, "MODEL", (struct search_op)OP(SEARCH_EQ, false, "secret"));
	add(&s, "SN", (struct search_op)MASK("secret*", "*"));
	box(&s, "1", "2", "3", "4");
	terms_init(&t, &s);
	no_scan(f, &t, (struct way){ WAY_TAG, 0 },
	    "USING COVERING INDEX tag_str (name=? AND value=?)", false);
	no_scan(f, &t, (struct way){ WAY_TAG, 1 },
	    "USING COVERING INDEX tag_str (name=? AND value>? AND value<?)",
	    true);
	no_scan(f, &t, (struct way){ WAY_TAG, 2 },
	    "USING COVERING INDEX tag_num (name=? AND num>? AND num<?)", true);
	no_scan(f, &t, (struct way){ .kind = WAY_PLACE }, "VIRTUAL TABLE INDEX",
	    true);
	no_scan(f, &t, (struct way){ .kind = WAY_ALL },
	    "USING COVERING INDEX thing_public", false);
	terms_fini(&t);
}

/* pages asks again and again, by what was received. */
static void
pages(void **state)
{
	const struct fix *f = *state;
	struct search s = { .count = 2 };
	char got[16] = "";
	bool more = true;

	add(&s, "CLASS", (struct search_op)OP(SEARCH_GTEQ, false, "A"));
	while (more) {
		xmpp_stanza_t *el;
		struct found found;

		assert_int_equal(search_run(f->ss, f->ctx, &s, &el), OK);
		assert_int_equal(found_parse(el, &found, NULL), OK);
		assert_in_range(found.n, 1, 2);
		for (size_t i = 0; i < found.n; i++) {
			assert_null(tags_find(&found.v[i].tags, "KEY"));
			strncat(got, &found.v[i].jid[1], 1);
		}
		s.offset += (int64_t)found.n;
		more = found.more;
		found_fini(&found);
		xmpp_stanza_release(el);
	}
	assert_string_equal(got, "12345");
}

static size_t
run(const struct fix *f, const struct search *s, bool *more)
{
	xmpp_stanza_t *el;
	struct found found;
	size_t n;

	assert_int_equal(search_run(f->ss, f->ctx, s, &el), OK);
	assert_int_equal(found_parse(el, &found, NULL), OK);
	n = found.n;
	*more = found.more;
	found_fini(&found);
	xmpp_stanza_release(el);
	return n;
}

static void
caps(void **state)
{
	const struct fix *f = *state;
	struct search s = { .count = 1000000 };
	bool more;

	add(&s, "CLASS", (struct search_op)OP(SEARCH_GTEQ, false, "A"));
	assert_int_equal(run(f, &s, &more), 3); /* as searches_new has it */
	assert_true(more);
	s.offset = INT64_MAX / 10;
	assert_int_equal(run(f, &s, &more), 0);
	assert_false(more);
	s.offset = 0;
	add(&s, "kEy", (struct search_op)OP(SEARCH_NEQ, false, "1"));
	assert_int_equal(run(f, &s, &more), 0);
	assert_false(more);
}

static void
moves(void **state)
{
	struct fix *f = *state;
	const struct thing_key k = { "t1@x.org", { "", "", "" } };
	const struct thing_origin from = { k, "t1@x.org" };
	struct search s = { .n = 0 };
	struct tags t = { 0 };
	bool more;

	box(&s, "10", "11", "10", "11");
	assert_int_equal(run(f, &s, &more), 0);
	add_tags(&t, "#LAT=10.5 #LON=10.5");
	assert_int_equal(things_update(f->ts, &from, &t), OK);
	assert_int_equal(run(f, &s, &more), 1);
	tags_fini(&t);
	add_tags(&t, "LON=east");
	assert_int_equal(things_update(f->ts, &from, &t), OK);
	assert_int_equal(run(f, &s, &more), 0);
	tags_fini(&t);
	assert_int_equal(things_unregister(f->ts, &k), OK);
	assert_int_equal(run(f, &s, &more), 0);
}

/* Long searches are refused for a while, short ones never. */
static void
debt(void **state)
{
	struct fix *f = *state;
	struct search s = { .n = 0 };
	xmpp_stanza_t *el = NULL;
	enum err e = OK;
	int n = 0;
	bool more;

	add(&s, "CLASS", (struct search_op)OP(SEARCH_EQ, false, "A"));
	f->looks = 0;
	f->hurry = 15;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(run(f, &s, &more), 1);
	f->hurry = SEARCH_MS;
	for (; e == OK && n < 100; n++) {
		e = search_run(f->ss, f->ctx, &s, &el);
		if (e == OK)
			xmpp_stanza_release(el);
	}
	assert_int_equal(e, ERR_REFUSED);
	assert_in_range(n, 4, 12);
	f->hurry = 0;
	f->now += 60000;
	assert_int_equal(run(f, &s, &more), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(operators, setup, teardown),
		cmocka_unit_test_setup_teardown(boxes, setup, teardown),
		cmocka_unit_test_setup_teardown(plans, setup, teardown),
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(caps, setup, teardown),
		cmocka_unit_test_setup_teardown(moves, setup, teardown),
		cmocka_unit_test_setup_teardown(debt, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
