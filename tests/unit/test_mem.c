#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
zeroed(void **state)
{
	unsigned char *p = mem_zalloc(100);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	free(p);
	p = mem_array(25, 4);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	p = mem_resize(p, 50, 4);
	assert_int_equal(p[99], 0);
	free(p);
	free(mem_zalloc(0));
	free(mem_array(0, 8));
}

static void
strings(void **state)
{
	char *s = mem_strdup("abc");

	(void)state;
	assert_string_equal(s, "abc");
	mem_set(&s, "defg");
	assert_string_equal(s, "defg");
	mem_set(&s, s);
	assert_string_equal(s, "defg");
	mem_set(&s, NULL);
	assert_null(s);
	assert_null(mem_strdup(NULL));
	s = mem_strndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	s = mem_printf("%d-%s", 7, "x");
	assert_string_equal(s, "7-x");
	mem_free_secret(s);
	mem_free_secret(NULL);
}

static void
grows(void **state)
{
	size_t cap = 0;
	int *v = NULL;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		v = mem_grow(v, n, &cap, sizeof(*v));
		assert_true(cap > n);
		v[n] = (int)n;
	}
	assert_int_equal(v[999], 999);
	assert_int_equal(cap, 1024);
	free(v);
}

/* A product that does not fit ends the process, it does not wrap round. */
static void
overflow_aborts(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		free(mem_resize(NULL, SIZE_MAX / 2, 4));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed),
		cmocka_unit_test(strings),
		cmocka_unit_test(grows),
		cmocka_unit_test(overflow_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
