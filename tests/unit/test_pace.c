#include "registry/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RATE = 2, BURST = 10 };

static int
passed(struct pace *p, const char *who, int tries)
{
	int n = 0;

	while (tries-- > 0)
		n += pace_take(p, who);
	return n;
}

static void
burst_then_rate(void **state)
{
	struct clock_fake c;
	struct pace *p;

	(void)state;
	clock_fake_init(&c, 1000, 0);
	p = pace_new(&c.clock, RATE, BURST);
	assert_int_equal(passed(p, "a@x", 20), BURST);
	assert_int_equal(passed(p, "b@x", 20), BURST); /* another account */
	c.mono += 499;
	assert_int_equal(passed(p, "a@x", 20), 0);
	c.mono += 1;
	assert_int_equal(passed(p, "a@x", 20), 1);
	c.mono += 2000;
	assert_int_equal(passed(p, "a@x", 20), 2 * RATE);
	c.mono += 1000000000; /* no more than full */
	assert_int_equal(passed(p, "a@x", 20), BURST);
	pace_free(p);
}

static void
no_limit(void **state)
{
	struct clock_fake c;
	struct pace *p;

	(void)state;
	clock_fake_init(&c, 0, 0);
	p = pace_new(&c.clock, 0, 1);
	assert_int_equal(passed(p, "a@x", 1000), 1000);
	pace_free(p);
}

/* Those who come when there are too many pass; those who were counted go on
 * being counted, and who rests is forgotten. */
static void
many_accounts(void **state)
{
	struct clock_fake c;
	struct pace *p;
	char jid[32];

	(void)state;
	clock_fake_init(&c, 0, 0);
	p = pace_new(&c.clock, 1, 1);
	for (int i = 0; i < PACE_ACCOUNTS; i++) {
		snprintf(jid, sizeof(jid), "a%d@x", i);
		assert_true(pace_take(p, jid));
	}
	assert_int_equal(passed(p, "late@x", 5), 5);
	assert_false(pace_take(p, "a0@x"));
	assert_false(pace_take(p, jid));
	c.mono += 1000;
	assert_int_equal(passed(p, "late@x", 5), 1);
	assert_int_equal(passed(p, "a0@x", 5), 1);
	pace_free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(no_limit),
		cmocka_unit_test(many_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
