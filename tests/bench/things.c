#include "tests/bench/things.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const bench_names[BENCH_TAGS] = { "CLASS", "COUNTRY", "KEY", "LAT",
	"LON", "MAN", "MODEL", "ROOM", "SN", "V" };
const int bench_is_num[BENCH_TAGS] = {
	[BENCH_LAT] = 1,
	[BENCH_LON] = 1,
	[BENCH_V] = 1,
};

/* A number's text as tags_canonical writes it, for those that occur here. */
static size_t
put_canon(char *out, size_t size, const struct bench_thing *t, int k)
{
	const char *n = bench_names[k];

	if (bench_is_num[k])
		return (size_t)snprintf(
		    out, size, "%s\x1fn\x1f%.9g\x1e", n, t->num[k]);
	return (size_t)snprintf(out, size, "%s\x1fs\x1f%s\x1e", n, t->value[k]);
}

void
bench_make(struct bench_thing *t, long i, const char *version)
{
	enum { SIZE = BENCH_TEXT };
	size_t n = 0;

	t->i = i;
	snprintf(t->node, SIZE, "n%ld", i);
	snprintf(t->jid, SIZE, "rack%ld@bench.localhost", i / 1000);
	snprintf(t->owner, SIZE, "owner%ld@bench.localhost", i % 5000);
	snprintf(t->value[0], SIZE, "class %ld", i % 5);
	snprintf(t->value[1], SIZE, "C%02ld", i * 7 % 30);
	snprintf(t->value[2], SIZE, "%032ld", i * 7919);
	snprintf(t->value[BENCH_LAT], SIZE, "%.5f",
	    35 + (double)(i * 7919 % 3500000) / 100000);
	snprintf(t->value[BENCH_LON], SIZE, "%.5f",
	    -10 + (double)(i * 104729 % 4000000) / 100000);
	snprintf(t->value[5], SIZE, "www.maker%02ld.example", i % 40);
	snprintf(t->value[6], SIZE, "M-%03ld", i * 13 % 500);
	snprintf(t->value[7], SIZE, "room %ld", i * 17 % 1000);
	snprintf(t->value[8], SIZE, "%012ld", i * 7919);
	snprintf(t->value[BENCH_V], SIZE, "%s", version);
	for (int k = 0; k < BENCH_TAGS; k++) {
		t->num[k] = strtod(t->value[k], NULL);
		n += put_canon(t->canon + n, sizeof(t->canon) - n, t, k);
	}
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
bench_run(const struct bench_round *round, const struct bench_job *job)
{
	struct bench_thing t;
	double at = now();

	for (long i = 0; i < job->count; i++) {
		if (i % job->batch == 0)
			job->begin();
		bench_make(&t, job->first + i, round->version);
		round->act(&t);
		if ((i + 1) % job->batch == 0 || i + 1 == job->count)
			job->end();
	}
	printf("%s %.1f\n", round->name, (double)job->count / (now() - at));
	fflush(stdout);
}

const char *
bench_args(int argc, char **argv, struct bench_job *job)
{
	if (argc != 5) {
		fprintf(stderr, "usage: %s FILE FIRST COUNT BATCH\n", argv[0]);
		exit(2);
	}
	job->first = strtol(argv[2], NULL, 10);
	job->count = strtol(argv[3], NULL, 10);
	job->batch = strtol(argv[4], NULL, 10);
	if (job->batch < 1)
		exit(2);
	return argv[1];
}
