/* History of 1 000 000 readings: bytes on disk, how long a day of one field
 * takes, beside a plain SQLite table with the same readings, written in the
 * same batches; and the memory of many fields.
 *
 * usage: history_bench FOLDER */
#include "gateway/history.h"
#include "common/mem.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define T0 INT64_C(1767225600000)
enum { FIELDS = 23, READINGS = 1000000, EVERY_MS = 2000, FLUSH_MS = 300000 };
enum { DAY_MS = 86400000, MANY = 4000, MANY_S = 600 };

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double
cpu_ms(void)
{
	return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static long
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* A meter's value: it wanders. */
static int64_t
wander(unsigned *seed, int64_t v)
{
	return v + rand_r(seed) % 41 - 20;
}

static bool
count(void *arg, int64_t at, const struct value *v)
{
	int64_t *sum = arg;

	(void)at;
	sum[0]++;
	sum[1] += v->num.mant;
	return true;
}

struct summing {
	struct sums sums;
	long long n;
};

static bool
sum_up(void *arg, int64_t at, const struct value *v)
{
	struct summing *s = arg;
	struct sum out;

	s->n += sums_add(&s->sums, at, v, &out);
	return true;
}

static void
fill(struct history *h, struct series **s, struct clock_fake *c)
{
	int64_t v[FIELDS] = { 0 };
	unsigned seed = 1;

	for (int i = 0; i < READINGS; i++) {
		int f = i % FIELDS;
		struct value value = { .type = VALUE_NUM };

		v[f] = wander(&seed, v[f]);
		value.num = (struct num){ 230000 + v[f], 2 };
		history_note(h, s[f], c->utc + f, &value);
		if (f == FIELDS - 1) {
			c->utc += EVERY_MS;
			c->mono += EVERY_MS;
			history_tick(h);
		}
	}
}

static void
report_reads(struct history *h, struct series *s, int64_t end)
{
	double worst = 0;
	int64_t sum[2] = { 0 };

	for (int i = 0; i < 20; i++) {
		double t = now_ms();

		sum[0] = sum[1] = 0;
		if (history_read(h, s, end - DAY_MS, end, count, sum) != OK)
			exit(1);
		t = now_ms() - t;
		worst = t > worst ? t : worst;
	}
	printf("a day of one field: %lld readings in at most %.1f ms\n",
	    (long long)sum[0], worst);
	for (int p = PERIOD_MINUTE; p <= PERIOD_DAY; p++) {
		static const char *const names[] = { "", "minute", "hour",
			"day" };
		struct summing sums = { .sums.period = (enum period)p };
		double t = now_ms();

		if (history_read(h, s, end - DAY_MS, end, sum_up, &sums) != OK)
			exit(1);
		printf("the same by %s: %lld sums in %.1f ms\n", names[p],
		    sums.n, now_ms() - t);
	}
}

static long
resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	char line[128], *second;

	if (!f || !fgets(line, sizeof(line), f) ||
	    !(second = strchr(line, ' ')))
		exit(1);
	fclose(f);
	return strtol(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static struct series *
series_of(struct history *h, int f)
{
	char name[16];

	snprintf(name, sizeof(name), "Field %d", f);
	return history_series(h, &(struct history_of){ { "n", "S", "" }, "" },
	    &(struct history_field){ name, "V", 3650 * (int64_t)DAY_MS, 0 });
}

/* Every second a reading of each field, and nobody writes before he must. */
static void
memory(const char *path)
{
	const struct history_config config = { path, DAY_MS, INT64_C(1) << 40 };
	static struct series *s[MANY];
	struct history_state hs;
	struct history *h;
	struct clock_fake c;
	long none, empty, most = 0;
	size_t waiting = 0;

	clock_fake_init(&c, 1000, T0);
	if (history_open(&config, &c.clock, &h, NULL) != OK)
		exit(1);
	none = resident_kib();
	for (int f = 0; f < MANY; f++)
		s[f] = series_of(h, f);
	empty = resident_kib();
	for (int i = 0; i < MANY_S; i++, c.utc += 1000) {
		struct value v = { .type = VALUE_NUM };

		v.num = (struct num){ 230000 + i * 7919 % 100, 2 };
		for (int f = 0; f < MANY; f++)
			history_note(h, s[f], c.utc, &v);
		history_state(h, &hs);
		waiting = hs.waiting > waiting ? hs.waiting : waiting;
		most = resident_kib() > most ? resident_kib() : most;
	}
	history_close(h);
	printf("memory of %d fields: %ld KiB, and %ld KiB for the %zu readings "
	       "that wait at most\n",
	    MANY, empty - none, most - empty, waiting);
}

static void
ours(const char *path)
{
	const struct history_config config = { path, FLUSH_MS,
		INT64_C(1) << 40 };
	struct series *s[FIELDS];
	struct history *h;
	struct clock_fake c;
	double t = cpu_ms();

	clock_fake_init(&c, 1000, T0);
	if (history_open(&config, &c.clock, &h, NULL) != OK)
		exit(1);
	for (int f = 0; f < FIELDS; f++)
		s[f] = series_of(h, f);
	fill(h, s, &c);
	printf("%d readings of %d fields, one each %d s: %.0f ms of CPU\n",
	    READINGS, FIELDS, EVERY_MS / 1000, cpu_ms() - t);
	report_reads(h, s[3], c.utc);
	history_close(h);
	printf("bytes a reading on disk: %.1f\n",
	    (double)size_of(path) / READINGS);
}

static void
must(sqlite3 *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static void
plain_day(sqlite3 *db, int64_t end)
{
	sqlite3_stmt *st;
	double t = now_ms();
	int64_t n = 0, sum = 0;

	must(db,
	    sqlite3_prepare_v2(db,
		"SELECT at, v FROM r WHERE f=3 AND at BETWEEN ?1 AND ?2", -1,
		&st, NULL));
	sqlite3_bind_int64(st, 1, end - DAY_MS);
	sqlite3_bind_int64(st, 2, end);
	while (sqlite3_step(st) == SQLITE_ROW) {
		n++;
		sum += sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	printf("  plain table: a day of one field: %lld readings in %.1f ms\n",
	    (long long)n, now_ms() - t);
}

static void
plain_fill(sqlite3 *db, int64_t *end)
{
	sqlite3_stmt *st;
	int64_t v[FIELDS] = { 0 }, at = T0, flushed = T0;
	unsigned seed = 1;

	must(db,
	    sqlite3_prepare_v2(
		db, "INSERT INTO r VALUES(?1,?2,?3)", -1, &st, NULL));
	must(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
	for (int i = 0; i < READINGS; i++) {
		int f = i % FIELDS;

		v[f] = wander(&seed, v[f]);
		sqlite3_bind_int(st, 1, f);
		sqlite3_bind_int64(st, 2, at + f);
		sqlite3_bind_int64(st, 3, 230000 + v[f]);
		must(db, sqlite3_step(st));
		sqlite3_reset(st);
		if (f == FIELDS - 1)
			at += EVERY_MS;
		if (at - flushed >= FLUSH_MS) {
			must(db,
			    sqlite3_exec(
				db, "COMMIT; BEGIN", NULL, NULL, NULL));
			flushed = at;
		}
	}
	must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	sqlite3_finalize(st);
	*end = at;
}

static void
plain(const char *path)
{
	sqlite3 *db;
	int64_t end;
	double t = cpu_ms();

	must(NULL, sqlite3_open(path, &db));
	must(db,
	    sqlite3_exec(db,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
		"CREATE TABLE r(f INT, at INT, v INT, PRIMARY KEY(f, at))"
		" WITHOUT ROWID",
		NULL, NULL, NULL));
	plain_fill(db, &end);
	printf("  plain table: %.0f ms of CPU\n", cpu_ms() - t);
	plain_day(db, end);
	sqlite3_close(db);
	printf("  plain table: bytes a reading on disk: %.1f\n",
	    (double)size_of(path) / READINGS);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *path);
	} parts[] = { { "many.db", memory }, { "history.db", ours },
		{ "plain.db", plain } };

	if (argc != 2) {
		fputs("usage: history_bench FOLDER\n", stderr);
		return 2;
	}
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *path = mem_printf("%s/%s", argv[1], parts[i].name);

		(void)unlink(path);
		parts[i].run(path);
		(void)unlink(path);
		free(path);
	}
	return 0;
}
