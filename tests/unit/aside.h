/* Tests that mostly wait: some at a time, each in a process of its own. */
#ifndef TESTS_UNIT_ASIDE_H
#define TESTS_UNIT_ASIDE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ASIDE_AT_ONCE = 4, ASIDE_MAX_S = 60, ASIDE_LOOK_NS = 10000000 };

/* A test that runs. */
struct aside {
	const char *name;
	pid_t pid; /* 0: none */
	time_t end;
};

static inline time_t
aside_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* aside_take returns 1 when a has ended with a failure, or is ended because
 * its time is over: it may hang where only a signal gets it out. */
static inline int
aside_take(struct aside *a)
{
	int status = -1;
	pid_t got = waitpid(a->pid, &status, WNOHANG);

	if (got == 0 && aside_now() < a->end)
		return 0;
	if (got == 0) {
		fprintf(stderr, "[  FAILED  ] %s: not done after %d s\n",
		    a->name, ASIDE_MAX_S);
		kill(a->pid, SIGKILL);
		waitpid(a->pid, &status, 0);
	}
	a->pid = 0;
	return status != 0;
}

/* aside_wait returns how many have failed of those that ended, when less than
 * most are left. */
static inline int
aside_wait(struct aside *all, size_t most)
{
	const struct timespec look = { 0, ASIDE_LOOK_NS };
	int failed = 0;

	for (;;) {
		size_t left = 0;

		for (size_t i = 0; i < ASIDE_AT_ONCE; i++) {
			if (all[i].pid > 0)
				failed += aside_take(&all[i]);
			left += all[i].pid > 0;
		}
		if (left < most)
			return failed;
		nanosleep(&look, NULL);
	}
}

/* aside_run runs n tests and returns how many failed; call it before there is
 * any thread. */
static inline int
aside_run(const struct CMUnitTest *tests, size_t n)
{
	struct aside all[ASIDE_AT_ONCE] = { 0 };
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		struct aside *a = all;

		failed += aside_wait(all, ASIDE_AT_ONCE);
		while (a->pid > 0)
			a++;
		fflush(NULL);
		a->name = tests[i].name;
		a->end = aside_now() + ASIDE_MAX_S;
		a->pid = fork();
		if (a->pid == 0)
			exit(_cmocka_run_group_tests(
			    tests[i].name, &tests[i], 1, NULL, NULL));
		failed += a->pid < 0;
	}
	return failed + aside_wait(all, 1);
}

#endif
