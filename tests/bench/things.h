/* Things of ten tags for the benchmarks of the registry, and a clock for them.
 * tests/bench/registry.py makes the same. */
#ifndef BENCH_THINGS_H
#define BENCH_THINGS_H

enum { BENCH_TEXT = 256, BENCH_TAGS = 10 };

struct bench_thing {
	long i;
	char node[BENCH_TEXT], jid[BENCH_TEXT], owner[BENCH_TEXT];
	char canon[BENCH_TEXT * 4]; /* as the store has it, for bare SQLite */
	char value[BENCH_TAGS][BENCH_TEXT];
	double num[BENCH_TAGS];
};

extern const char *const bench_names[BENCH_TAGS];
extern const int bench_is_num[BENCH_TAGS];
enum { BENCH_LAT = 3, BENCH_LON = 4, BENCH_V = 9 };

/* bench_make fills thing i; version is the value of its tag V. */
void bench_make(struct bench_thing *t, long i, const char *version);

/* One round: each thing is made and given to act; begin and end stand around
 * each batch.  Prints "NAME RATE". */
struct bench_round {
	const char *name, *version;
	void (*act)(struct bench_thing *);
};
struct bench_job {
	long first, count, batch;
	void (*begin)(void);
	void (*end)(void);
};
void bench_run(const struct bench_round *round, const struct bench_job *job);

/* bench_args reads FILE FIRST COUNT BATCH; returns FILE, or ends with 2. */
const char *bench_args(int argc, char **argv, struct bench_job *job);

#endif
