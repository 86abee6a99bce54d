#include "common/mem.h"
#include "gateway/history.h"
#include "gateway/pack.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define T0 INT64_C(1767225600000) /* 2026-01-01T00:00:00Z, a Thursday */
enum { MINUTE = 60000, HOUR = 3600000, DAY = 86400000 };

static const struct history_of node = { { "meter1", "S", "" }, "a@x" };
static const struct history_of other = { { "meter2", "S", "" }, "a@x" };
static const struct history_of later = { { "meter1", "S", "" }, "b@x" };

/* A history in a folder of its own, on a clock that is set by hand. */
struct rig {
	char dir[64], path[96];
	struct clock_fake clock;
	struct history *h;
	struct series *s;
};

static struct series *
series(struct history *h, const struct history_of *of, const char *field,
    int64_t keep_ms, int64_t every_ms)
{
	return history_series(
	    h, of, &(struct history_field){ field, "W", keep_ms, every_ms });
}

static void
reopen(struct rig *r)
{
	const struct history_config c = { r->path, 5 * MINUTE, 64 << 20 };

	assert_int_equal(history_open(&c, &r->clock.clock, &r->h, NULL), OK);
	r->s = series(r->h, &node, "Power", 30 * (int64_t)DAY, 0);
}

static int
setup(void **state)
{
	struct rig *r = mem_zalloc(sizeof(*r));

	strcpy(r->dir, "/tmp/tb-history-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/history.db", r->dir);
	clock_fake_init(&r->clock, 1000, T0);
	reopen(r);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".broken" };
	struct rig *r = *state;

	history_close(r->h);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", r->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

static struct value
number(int64_t mant, uint8_t dec)
{
	return (struct value){ .type = VALUE_NUM, .num = { mant, dec } };
}

static void
note(struct rig *r, int64_t at, int64_t mant)
{
	struct value v = number(mant, 1);

	history_note(r->h, r->s, at, &v);
}

static void
pass(struct rig *r, int64_t ms)
{
	r->clock.mono += ms;
	r->clock.utc += ms;
	history_tick(r->h);
}

struct seen {
	size_t n, most;
	int64_t at[4096];
	int64_t mant[4096];
};

static bool
see(void *arg, int64_t at, const struct value *v)
{
	struct seen *s = arg;

	assert_in_range(s->n, 0, 4095);
	s->at[s->n] = at;
	s->mant[s->n++] = v->num.mant;
	return s->n != s->most;
}

static struct seen
look(struct rig *r, int64_t from, int64_t to)
{
	struct seen s = { 0 };

	assert_int_equal(history_read(r->h, r->s, from, to, see, &s), OK);
	return s;
}

/* --- packing --- */

struct pairs {
	struct value v[600];
	int64_t at[600];
	size_t n, seen;
};

static bool
same(void *arg, int64_t at, const struct value *v)
{
	struct pairs *p = arg;
	const struct value *w = &p->v[p->seen];

	assert_true(p->seen < p->n);
	assert_int_equal(at, p->at[p->seen++]);
	assert_int_equal(v->type, w->type);
	if (v->type == VALUE_NUM) {
		assert_int_equal(v->num.mant, w->num.mant);
		assert_int_equal(v->num.dec, w->num.dec);
	} else if (v->type == VALUE_BOOL) {
		assert_int_equal(v->on, w->on);
	} else {
		assert_string_equal(v->text, w->text);
	}
	return true;
}

static void
packs_what_it_unpacks(void **state)
{
	static const int64_t extremes[] = { 0, 1, -1, 63, 64, -64, -65,
		INT64_MAX, INT64_MIN, 1000000 };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct pairs p = { .n = 0 };
		struct pack k = { 0 };
		int64_t at = T0;

		while (p.n < 600) {
			struct value v = { .type =
					       (enum value_type)(round % 4) };

			v.num.dec = (uint8_t)(round % 19);
			v.num.mant = rand_r(&seed) % 3
			    ? rand_r(&seed) % 100000
			    : extremes[rand_r(&seed) % 10];
			v.on = rand_r(&seed) % 2;
			snprintf(v.text, sizeof(v.text), "%.*s",
			    rand_r(&seed) % 20, "\xc3\xa4 long name of a mode");
			at += rand_r(&seed) % 2 ? 0 : rand_r(&seed) % 10000;
			if (!pack_add(&k, at, &v))
				break;
			p.v[p.n] = v;
			p.at[p.n++] = at;
		}
		assert_int_equal(k.n, p.n);
		assert_int_equal(
		    unpack(k.bytes.data, k.bytes.len, k.first, same, &p), OK);
		assert_int_equal(p.seen, p.n);
		pack_clear(&k);
	}
}

static void
packs_only_what_goes_together(void **state)
{
	struct pack k = { 0 };
	struct value v = number(1, 1), w = number(1, 2);
	struct value flag = { .type = VALUE_BOOL };

	(void)state;
	assert_true(pack_add(&k, T0, &v));
	assert_false(pack_add(&k, T0, &w));
	assert_false(pack_add(&k, T0, &flag));
	assert_false(pack_add(&k, T0 - 1, &v));
	assert_true(pack_add(&k, T0 + PACK_SPAN_MS, &v));
	assert_false(pack_add(&k, T0 + PACK_SPAN_MS + 1, &v));
	pack_clear(&k);
}

/* --- the file --- */

static void
keeps_across_a_restart(void **state)
{
	struct rig *r = *state;
	struct seen s;
	struct stat st;

	for (int i = 0; i < 100; i++)
		note(r, T0 + i * 10000, 200 + i);
	s = look(r, T0, T0 + DAY);
	assert_int_equal(s.n, 100);
	history_close(r->h);
	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	reopen(r);
	note(r, T0 + 100 * 10000, 300);
	s = look(r, T0, T0 + DAY);
	assert_int_equal(s.n, 101);
	for (int i = 0; i <= 100; i++) {
		assert_int_equal(s.at[i], T0 + i * 10000);
		assert_int_equal(s.mant[i], 200 + i);
	}
	s = look(r, T0 + 10000, T0 + 20000);
	assert_int_equal(s.n, 2);
	assert_int_equal(look(r, T0 + 10001, T0 + 19999).n, 0);
	assert_int_equal(look(r, T0 + DAY, T0).n, 0);
	s = (struct seen){ .most = 3 };
	assert_int_equal(history_read(r->h, r->s, T0, T0 + DAY, see, &s), OK);
	assert_int_equal(s.n, 3);
}

/* A killed daemon loses at most what had not been written. */
static void
is_written_in_time(void **state)
{
	struct rig *r = *state, again = *r;

	note(r, T0, 1);
	pass(r, 5 * MINUTE - 1);
	reopen(&again);
	assert_int_equal(look(&again, T0, T0 + DAY).n, 0);
	history_close(again.h);
	pass(r, 1);
	reopen(&again);
	assert_int_equal(look(&again, T0, T0 + DAY).n, 1);
	history_close(again.h);
}

static void
keeps_at_most_every(void **state)
{
	struct rig *r = *state;
	struct seen s;

	r->s = series(r->h, &node, "Power", DAY, MINUTE);
	for (int i = 0; i < 180; i++)
		note(r, T0 + i * 1000, i);
	s = look(r, T0, T0 + DAY);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.mant[1], 60);
}

static void
keeps_as_long_as_it_should(void **state)
{
	struct rig *r = *state;
	int64_t now = T0;
	struct seen s;

	r->s = series(r->h, &node, "Power", DAY, 0);
	for (int i = 0; i < 100; i++) {
		note(r, now, i);
		pass(r, HOUR);
		now += HOUR;
	}
	s = look(r, T0, now);
	/* a day, the hour a row may last, the hour between two looks */
	assert_in_range(s.n, 24, 27);
	assert_int_equal(s.mant[s.n - 1], 99);
}

/* Until the time was fetched. */
static void
a_clock_that_starts_ahead_deletes_nothing(void **state)
{
	struct rig *r = *state;

	note(r, T0, 1);
	history_close(r->h);
	r->clock.utc = T0 + 3000 * (int64_t)DAY;
	reopen(r);
	pass(r, MINUTE);
	pass(r, MINUTE);
	r->clock.utc = T0 + 3 * MINUTE;
	pass(r, HOUR);
	assert_int_equal(look(r, T0, T0 + DAY).n, 1);
}

static bool
is_not_meter1(void *arg, const struct history_of *of)
{
	(void)arg;
	return strcmp(of->node.node, "meter1") != 0;
}

static bool
is_of_b(void *arg, const struct history_of *of)
{
	(void)arg;
	return strcmp(of->owner, "b@x") == 0;
}

static void
the_next_owner_begins_anew(void **state)
{
	struct rig *r = *state;
	struct series *of_a = r->s;

	note(r, T0, 1);
	pass(r, 5 * MINUTE);
	note(r, T0 + 1, 2);
	r->s = series(r->h, &later, "Power", DAY, 0);
	assert_ptr_not_equal(r->s, of_a);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	note(r, T0 + 2, 3);
	assert_true(history_sweep(r->h, is_of_b, NULL));
	assert_int_equal(look(r, 0, T0 + DAY).n, 1);
	history_close(r->h);
	reopen(r); /* as the first owner, whose readings are gone */
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	r->s = series(r->h, &later, "Power", DAY, 0);
	assert_int_equal(look(r, 0, T0 + DAY).mant[0], 3);
}

/* The field is read in another unit since a reload. */
static void
another_unit_is_another_field(void **state)
{
	struct rig *r = *state;
	const struct history_field kilo = { "Power", "kW", DAY, 0 };

	note(r, T0, 5000);
	pass(r, 5 * MINUTE);
	r->s = history_series(r->h, &node, &kilo);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	assert_false(history_today(r->h, r->s, T0 + HOUR, &(struct sum){ 0 }));
	note(r, T0 + 6 * MINUTE, 5);
	history_close(r->h);
	reopen(r);
	assert_int_equal(look(r, 0, T0 + DAY).n, 1);
	assert_int_equal(look(r, 0, T0 + DAY).mant[0], 5000);
	r->s = history_series(r->h, &node, &kilo);
	assert_int_equal(look(r, 0, T0 + DAY).mant[0], 5);
}

static void
forgets_one_node(void **state)
{
	struct rig *r = *state;
	struct series *s2 = series(r->h, &other, "Power", DAY, 0);
	struct series *s3 = series(r->h, &node, "Mode", DAY, 0);
	struct value v = number(1, 0);

	note(r, T0, 1);
	history_note(r->h, s2, T0, &v);
	history_note(r->h, s3, T0, &v);
	pass(r, 5 * MINUTE);
	note(r, T0 + 1, 2);
	assert_true(history_sweep(r->h, is_not_meter1, NULL));
	r->s = series(r->h, &node, "Power", DAY, 0);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	assert_false(history_today(r->h, r->s, T0, &(struct sum){ 0 }));
	s3 = r->s = series(r->h, &node, "Mode", DAY, 0);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	r->s = s2;
	assert_int_equal(look(r, 0, T0 + DAY).n, 1);
	r->s = s3;
	note(r, T0 + 5, 7);
	history_close(r->h);
	reopen(r);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	r->s = series(r->h, &node, "Mode", DAY, 0);
	assert_int_equal(look(r, 0, T0 + DAY).n, 1);
}

static void
without_a_clock_nothing_is_kept(void **state)
{
	struct rig *r = *state;

	note(r, 5000, 1);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
}

static void
a_clock_set_back_loses_nothing(void **state)
{
	struct rig *r = *state;
	struct seen s;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 10; i++)
			note(r, T0 + i * 1000, round * 10 + i);
		pass(r, 5 * MINUTE);
	}
	s = look(r, T0, T0 + DAY);
	assert_int_equal(s.n, 30);
}

static void
a_broken_file_is_set_aside(void **state)
{
	struct rig *r = *state;
	char path[128];
	FILE *f;

	note(r, T0, 1);
	history_close(r->h);
	f = fopen(r->path, "r+");
	assert_non_null(f);
	for (int i = 0; i < 3000; i++)
		fputs("broken", f);
	fclose(f);
	reopen(r);
	assert_int_equal(look(r, 0, T0 + DAY).n, 0);
	note(r, T0, 2);
	history_close(r->h);
	reopen(r);
	assert_int_equal(look(r, 0, T0 + DAY).n, 1);
	snprintf(path, sizeof(path), "%s.broken", r->path);
	assert_int_equal(access(path, F_OK), 0);
}

static void
alter(const struct rig *r, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A bit of a stored reading has changed, and the file does not know. */
static void
a_changed_bit_is_no_reading(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 10; i++)
		note(r, T0 + i * 1000, 200);
	pass(r, 5 * MINUTE);
	note(r, T0 + HOUR, 201);
	pass(r, 5 * MINUTE);
	alter(r,
	    "UPDATE reading SET data=CAST(substr(data,1,2)||x'9902'||"
	    "substr(data,5) AS BLOB) WHERE id=(SELECT min(id) FROM reading)");
	assert_int_equal(look(r, T0, T0 + DAY).n, 1);
	assert_int_equal(look(r, T0, T0 + DAY).mant[0], 201);
}

static void
a_changed_bit_is_no_least_or_most(void **state)
{
	static const char *const changes[] = {
		"UPDATE series SET max_mant=max_mant|1048576",
		"UPDATE series SET min_mant=-min_mant",
		"UPDATE series SET max_dec=max_dec-1",
		"UPDATE series SET max_at=max_at+1",
		"UPDATE series SET sum=NULL",
	};
	struct rig *r = *state;
	struct sum t;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		print_message("  %s\n", changes[i]);
		note(r, T0 + (int64_t)i, 1234);
		note(r, T0 + (int64_t)i, 1250);
		history_close(r->h);
		reopen(r);
		assert_true(history_today(r->h, r->s, T0, &t));
		assert_int_equal(t.max.mant, 1250);
		history_close(r->h);
		alter(r, changes[i]);
		reopen(r);
		assert_false(history_today(r->h, r->s, T0, &t));
	}
}

/* As it was before today's least and most had a checksum. */
static void
a_file_of_the_first_version_is_kept(void **state)
{
	struct rig *r = *state;
	char path[128];
	struct sum t;

	note(r, T0, 1234);
	history_close(r->h);
	alter(r, "ALTER TABLE series DROP COLUMN sum; PRAGMA user_version=1");
	reopen(r);
	snprintf(path, sizeof(path), "%s.broken", r->path);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(look(r, T0, T0 + DAY).n, 1);
	assert_false(history_today(r->h, r->s, T0, &t));
	note(r, T0 + 1, 1250);
	history_close(r->h);
	reopen(r);
	assert_int_equal(look(r, T0, T0 + DAY).n, 2);
	assert_true(history_today(r->h, r->s, T0, &t));
	assert_int_equal(t.max.mant, 1250);
}

/* Found out while it is read: the next that is written begins a new file. */
static void
break_pages(struct rig *r)
{
	FILE *f;

	for (int i = 0; i < 4000; i++)
		note(r, T0 + i * 1000, i * 7919 % 1000);
	history_close(r->h);
	reopen(r);
	f = fopen(r->path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 4096, SEEK_SET), 0);
	for (int i = 0; i < 6000; i++)
		fputs("broken", f);
	fclose(f);
}

static void
what_breaks_later_is_set_aside(void **state)
{
	struct rig *r = *state;
	struct seen s = { 0 };

	break_pages(r);
	assert_int_equal(
	    history_read(r->h, r->s, T0, T0 + DAY, see, &s), ERR_IO);
	pass(r, 1000);
	assert_int_equal(look(r, T0, T0 + DAY).n, 0);
	note(r, T0 + DAY, 1);
	pass(r, 5 * MINUTE);
	assert_int_equal(look(r, T0, T0 + 2 * (int64_t)DAY).n, 1);
}

static void
what_breaks_on_a_full_disk_begins_anew(void **state)
{
	struct rig *r = *state;
	struct rlimit none = { 0, 0 }, was;
	struct history_state hs;

	signal(SIGXFSZ, SIG_IGN);
	break_pages(r);
	getrlimit(RLIMIT_FSIZE, &was);
	none.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	(void)!history_read(r->h, r->s, T0, T0 + DAY, see, &(struct seen){ 0 });
	note(r, T0 + DAY, 1);
	pass(r, 5 * MINUTE);
	pass(r, 5 * MINUTE);
	setrlimit(RLIMIT_FSIZE, &was);
	pass(r, MINUTE);
	history_state(r->h, &hs);
	assert_string_equal(hs.trouble, "");
	history_close(r->h);
	reopen(r);
	assert_int_equal(look(r, T0, T0 + 2 * (int64_t)DAY).n, 1);
}

static void
a_full_disk_is_waited_for(void **state)
{
	struct rig *r = *state;
	struct rlimit none = { 0, 0 }, was;
	struct history_state hs;

	signal(SIGXFSZ, SIG_IGN);
	note(r, T0, 1);
	getrlimit(RLIMIT_FSIZE, &was);
	none.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	pass(r, 5 * MINUTE);
	history_state(r->h, &hs);
	assert_true(*hs.trouble);
	assert_int_equal(hs.waiting, 1);
	note(r, T0 + 1000, 2);
	pass(r, MINUTE);
	setrlimit(RLIMIT_FSIZE, &was);
	pass(r, MINUTE);
	history_state(r->h, &hs);
	assert_string_equal(hs.trouble, "");
	assert_int_equal(hs.waiting, 0);
	assert_int_equal(look(r, T0, T0 + DAY).n, 2);
	history_close(r->h);
	reopen(r);
	assert_int_equal(look(r, T0, T0 + DAY).n, 2);
}

/* Of 2000 fields with 30 long texts each: 6 MB. */
static void
note_much(struct rig *r)
{
	struct value v = { .type = VALUE_TEXT };

	memset(v.text, 'x', 100);
	for (int f = 0; f < 2000; f++) {
		char name[16];

		snprintf(name, sizeof(name), "Field %d", f);
		r->s = series(r->h, &node, name, DAY, 0);
		for (int i = 0; i < 30; i++)
			history_note(r->h, r->s, T0 + i * 1000, &v);
	}
}

static void
what_waits_is_bounded(void **state)
{
	struct rig *r = *state;
	struct rlimit none = { 0, 0 }, was;
	struct history_state hs;

	note_much(r);
	history_state(r->h, &hs);
	assert_in_range(hs.waiting, 1, 41000);
	assert_int_equal(hs.dropped, 0);
	assert_int_equal(look(r, T0, T0 + DAY).n, 30);
	pass(r, 5 * MINUTE);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	none.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	note_much(r);
	setrlimit(RLIMIT_FSIZE, &was);
	history_state(r->h, &hs);
	assert_in_range(hs.waiting, 35000, 41000);
	assert_int_equal(hs.dropped, 60000 - hs.waiting);
}

static void
the_file_stays_within_its_bound(void **state)
{
	struct rig *r = *state;
	const struct history_config c = { r->path, MINUTE, 1 << 20 };
	struct history_state hs;
	int64_t at = T0;
	struct value v = { .type = VALUE_TEXT };

	history_close(r->h);
	assert_int_equal(history_open(&c, &r->clock.clock, &r->h, NULL), OK);
	r->s = series(r->h, &node, "Power", 300 * (int64_t)DAY, 0);
	memset(v.text, 'x', sizeof(v.text) - 1);
	for (int i = 0; i < 40000; i++, at += 10000) {
		v.text[i % 100] = (char)('a' + i % 26);
		history_note(r->h, r->s, at, &v);
		r->clock.utc = at;
		r->clock.mono += 10000;
		if (i % 30 == 0)
			history_tick(r->h);
	}
	history_state(r->h, &hs);
	assert_in_range(hs.bytes, 500000, 1 << 20);
	assert_int_equal(hs.dropped, 0);
	assert_int_equal(look(r, at - HOUR, at).n, 360);
}

/* --- sums --- */

struct summing {
	struct sums sums;
	struct sum v[40];
	size_t n;
};

static bool
sum_up(void *arg, int64_t at, const struct value *v)
{
	struct summing *s = arg;

	s->n += sums_add(&s->sums, at, v, &s->v[s->n]);
	return true;
}

static struct summing
sum(struct rig *r, int64_t from, int64_t to, enum period p)
{
	struct summing s = { .sums.period = p };

	assert_int_equal(history_read(r->h, r->s, from, to, sum_up, &s), OK);
	s.n += sums_end(&s.sums, &s.v[s.n]);
	return s;
}

static void
sums_by_hour_and_day(void **state)
{
	struct rig *r = *state;
	struct summing s;

	for (int i = 0; i < 48 * 4; i++)
		note(r, T0 + i * 15 * MINUTE, i * 10);
	s = sum(r, T0 + HOUR, T0 + 3 * HOUR - 1, PERIOD_HOUR);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].from, T0 + HOUR);
	assert_int_equal(s.v[0].n, 4);
	assert_int_equal(s.v[0].min.mant, 40);
	assert_int_equal(s.v[0].max.mant, 70);
	assert_int_equal(s.v[0].max_at, T0 + HOUR + 45 * MINUTE);
	assert_int_equal(s.v[0].mean.mant, 55);
	assert_int_equal(s.v[0].mean.dec, 1);
	s = sum(r, 0, T0 + 9 * DAY, PERIOD_DAY);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[1].from, T0 + DAY);
	assert_int_equal(s.v[1].n, 96);
	s = sum(r, 0, T0 + 9 * DAY, PERIOD_YEAR);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].n, 192);
}

static void
today_counts_what_is_not_kept(void **state)
{
	struct rig *r = *state;
	struct sum t;

	r->s = series(r->h, &node, "Power", DAY, HOUR);
	note(r, T0 + HOUR, 50);
	note(r, T0 + HOUR + 1, 90);
	note(r, T0 + HOUR + 2, 10);
	history_close(r->h);
	reopen(r);
	assert_true(history_today(r->h, r->s, T0 + 2 * HOUR, &t));
	assert_int_equal(t.min.mant, 10);
	assert_int_equal(t.max.mant, 90);
	assert_int_equal(t.max_at, T0 + HOUR + 1);
	note(r, T0 + 3 * HOUR, 95);
	assert_true(history_today(r->h, r->s, T0 + 4 * HOUR, &t));
	assert_int_equal(t.max.mant, 95);
	assert_false(history_today(r->h, r->s, T0 + 25 * HOUR, &t));
	note(r, T0 + 26 * HOUR, 1);
	assert_true(history_today(r->h, r->s, T0 + 27 * HOUR, &t));
	assert_int_equal(t.max.mant, 1);
}

/* The hours that were told are not told again. */
static void
a_clock_set_back_sums_once(void **state)
{
	struct rig *r = *state;
	struct summing s;

	for (int i = 0; i < 20; i++)
		note(r, T0 + 55 * MINUTE + i * 30000, 10);
	for (int i = 0; i < 20; i++)
		note(r, T0 + 58 * MINUTE + i * 30000, 20);
	s = sum(r, T0, T0 + DAY, PERIOD_HOUR);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].from, T0);
	assert_int_equal(s.v[1].from, T0 + HOUR);
	assert_int_equal(s.v[1].max.mant, 20);
}

static void
a_clock_that_was_ahead_spoils_no_day(void **state)
{
	struct rig *r = *state;
	struct sum t;

	note(r, T0 + 700 * (int64_t)DAY, 50);
	note(r, T0 + HOUR, 7);
	assert_true(history_today(r->h, r->s, T0 + 2 * HOUR, &t));
	assert_int_equal(t.max.mant, 7);
	/* but a moment before midnight again is no day */
	note(r, T0 + DAY + 100, 9);
	note(r, T0 + DAY - 100, 1);
	assert_true(history_today(r->h, r->s, T0 + DAY + HOUR, &t));
	assert_int_equal(t.min.mant, 9);
}

/* 2026-03-29T02:00 is left out in Berlin, 2026-10-25T02:00 is there twice. */
static void
periods_follow_local_time(void **state)
{
	const int64_t spring = INT64_C(1774742400000); /* 2026-03-29T00:00Z */
	const int64_t autumn = INT64_C(1792886400000); /* 2026-10-25T00:00Z */

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(
	    period_begin(spring + 12 * HOUR, PERIOD_DAY), spring - HOUR);
	assert_int_equal(
	    period_begin(spring + 23 * HOUR, PERIOD_DAY), spring + 22 * HOUR);
	assert_int_equal(
	    period_begin(autumn + 12 * HOUR, PERIOD_DAY), autumn - 2 * HOUR);
	assert_int_equal(period_begin(autumn + HOUR / 2, PERIOD_HOUR), autumn);
	assert_int_equal(
	    period_begin(autumn + HOUR + HOUR / 2, PERIOD_HOUR), autumn + HOUR);
	assert_int_equal(period_begin(T0 + 5 * HOUR, PERIOD_WEEK),
	    T0 - HOUR - 3 * (int64_t)DAY);
	assert_int_equal(period_begin(T0 + 45 * (int64_t)DAY, PERIOD_MONTH),
	    T0 - HOUR + 31 * (int64_t)DAY);
	assert_int_equal(
	    period_begin(T0 + 80 * (int64_t)DAY, PERIOD_QUARTER), T0 - HOUR);
	assert_int_equal(
	    period_begin(T0 + 300 * (int64_t)DAY, PERIOD_YEAR), T0 - HOUR);
	setenv("TZ", "IST-5:30", 1);
	tzset();
	assert_int_equal(
	    period_begin(T0, PERIOD_HOUR), T0 - 30 * (int64_t)MINUTE);
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(
	    period_begin(T0 + 1234567, PERIOD_MINUTE), T0 + 1200000);
	assert_int_equal(
	    period_begin(T0 + 1234567, PERIOD_SECOND), T0 + 1234000);
}

/* Havana turns its clocks at midnight: 2026-03-08T00:00 is left out, and
 * 2026-11-01T00:00 is there twice; Lord Howe turns them by half an hour. */
static void
days_begin_where_midnight_is_odd(void **state)
{
	const int64_t spring = INT64_C(1772946000000); /* 2026-03-08T05:00Z */
	const int64_t autumn = INT64_C(1793505600000); /* 2026-11-01T04:00Z */
	static const char *const zones[] = { "CST5CDT,M3.2.0/0,M11.1.0/1",
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" };

	(void)state;
	setenv("TZ", zones[0], 1);
	tzset();
	assert_int_equal(period_begin(spring + 5 * HOUR, PERIOD_DAY), spring);
	assert_int_equal(period_begin(spring - 1, PERIOD_DAY), spring - DAY);
	assert_int_equal(period_begin(autumn, PERIOD_DAY), autumn);
	assert_int_equal(
	    period_begin(autumn + 30 * MINUTE, PERIOD_DAY), autumn);
	assert_int_equal(
	    period_begin(autumn + 90 * MINUTE, PERIOD_DAY), autumn);
	assert_int_equal(period_begin(autumn + 9 * HOUR, PERIOD_DAY), autumn);
	for (size_t z = 0; z < 2; z++) {
		setenv("TZ", zones[z], 1);
		tzset();
		for (int p = PERIOD_HOUR; p < PERIODS; p++) {
			struct summing s = { .sums.period = (enum period)p };
			int64_t last = 0, year = 366 * (int64_t)DAY;
			struct value v = number(1, 0);

			for (int64_t t = T0; t < T0 + year; t += 10 * MINUTE) {
				int64_t b = period_begin(t, (enum period)p);

				assert_in_range(b, last, t);
				last = b;
				if (sums_add(&s.sums, t, &v, &s.v[0]))
					s.n++;
			}
			assert_in_range(s.n, 0, (size_t)(366 * 24 + 1));
			if (p == PERIOD_DAY)
				assert_int_equal(s.n, 366);
		}
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

#define IN_RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_what_it_unpacks),
		cmocka_unit_test(packs_only_what_goes_together),
		IN_RIG(keeps_across_a_restart),
		IN_RIG(is_written_in_time),
		IN_RIG(keeps_at_most_every),
		IN_RIG(keeps_as_long_as_it_should),
		IN_RIG(a_clock_that_starts_ahead_deletes_nothing),
		IN_RIG(another_unit_is_another_field),
		IN_RIG(forgets_one_node),
		IN_RIG(the_next_owner_begins_anew),
		IN_RIG(without_a_clock_nothing_is_kept),
		IN_RIG(a_clock_set_back_loses_nothing),
		IN_RIG(a_broken_file_is_set_aside),
		IN_RIG(a_changed_bit_is_no_reading),
		IN_RIG(a_changed_bit_is_no_least_or_most),
		IN_RIG(a_file_of_the_first_version_is_kept),
		IN_RIG(what_breaks_later_is_set_aside),
		IN_RIG(what_breaks_on_a_full_disk_begins_anew),
		IN_RIG(a_full_disk_is_waited_for),
		IN_RIG(what_waits_is_bounded),
		IN_RIG(the_file_stays_within_its_bound),
		IN_RIG(sums_by_hour_and_day),
		IN_RIG(today_counts_what_is_not_kept),
		IN_RIG(a_clock_set_back_sums_once),
		IN_RIG(a_clock_that_was_ahead_spoils_no_day),
		cmocka_unit_test(periods_follow_local_time),
		cmocka_unit_test(days_begin_where_midnight_is_odd),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
