#include "common/mailbox.h"

#include "common/clock.h"
#include "common/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
count(void *arg)
{
	++*(int *)arg;
}

/* Negative numbers never give way. */
static bool
gives_way(const void *old, const void *msg)
{
	(void)msg;
	return *(const int *)old >= 0;
}

static void
keeps_what_counts(void **state)
{
	int n[] = { -1, 2, -3, 4, -5, -6 };
	struct mailbox *mb = mailbox_new(3, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_null(mailbox_push_newest(mb, &n[i], gives_way));
	assert_ptr_equal(mailbox_push_newest(mb, &n[3], gives_way), &n[1]);
	assert_ptr_equal(mailbox_push_newest(mb, &n[4], gives_way), &n[3]);
	assert_int_equal(mailbox_dropped(mb), 2);
	assert_null(mailbox_push_newest(mb, &n[5], gives_way)); /* it grows */
	assert_int_equal(mailbox_dropped(mb), 2);
	assert_ptr_equal(mailbox_pop(mb), &n[0]);
	assert_ptr_equal(mailbox_pop(mb), &n[2]);
	assert_ptr_equal(mailbox_pop(mb), &n[4]);
	assert_ptr_equal(mailbox_pop(mb), &n[5]);
	assert_null(mailbox_pop(mb));
	mailbox_free(mb, free);
}

static void
bounded(void **state)
{
	int a = 1, b = 2, c = 3, wakes = 0;
	struct mailbox *mb = mailbox_new(2, count, &wakes);

	(void)state;
	assert_null(mailbox_pop(mb));
	assert_true(mailbox_push(mb, &a));
	assert_true(mailbox_push(mb, &b));
	assert_false(mailbox_push(mb, &c));
	assert_int_equal(wakes, 1); /* only the push into an empty box */
	assert_int_equal(mailbox_dropped(mb), 0);
	assert_ptr_equal(mailbox_push_newest(mb, &c, gives_way), &a);
	assert_int_equal(mailbox_dropped(mb), 1);
	assert_ptr_equal(mailbox_pop(mb), &b);
	assert_null(mailbox_push_newest(mb, &a, gives_way));
	assert_ptr_equal(mailbox_pop(mb), &c);
	assert_ptr_equal(mailbox_pop(mb), &a);
	assert_null(mailbox_pop(mb));
	assert_int_equal(wakes, 1);
	assert_true(mailbox_push(mb, &a));
	assert_int_equal(wakes, 2);
	assert_ptr_equal(mailbox_pop(mb), &a);
	mailbox_free(mb, free);
	mailbox_free(NULL, free);
}

static void
left_messages_are_dropped(void **state)
{
	struct mailbox *mb = mailbox_new(4, NULL, NULL);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(mailbox_push(mb, mem_zalloc(8)));
	mailbox_free(mb, free);
}

static void
waits_no_longer_than_told(void **state)
{
	struct mailbox *mb = mailbox_new(1, NULL, NULL);
	int64_t from = clock_mono(&clock_system);
	int a = 1;

	(void)state;
	assert_null(mailbox_wait(mb, 30));
	assert_true(clock_mono(&clock_system) - from >= 29);
	assert_true(mailbox_push(mb, &a));
	assert_ptr_equal(mailbox_wait(mb, 60000), &a);
	mailbox_free(mb, free);
}

enum { MESSAGES = 20000 };

struct sender {
	struct mailbox *mb;
	int numbers[MESSAGES];
};

static void *
send_all(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < MESSAGES; i++) {
		s->numbers[i] = i;
		while (!mailbox_push(s->mb, &s->numbers[i]))
			;
	}
	return NULL;
}

static void
between_threads(void **state)
{
	struct sender *s = mem_zalloc(sizeof(*s));
	pthread_t thread;

	(void)state;
	s->mb = mailbox_new(8, NULL, NULL);
	assert_int_equal(pthread_create(&thread, NULL, send_all, s), 0);
	for (int i = 0; i < MESSAGES; i++) {
		const int *n = mailbox_wait(s->mb, 10000);

		assert_non_null(n);
		assert_int_equal(*n, i);
	}
	pthread_join(thread, NULL);
	mailbox_free(s->mb, free);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_counts),
		cmocka_unit_test(bounded),
		cmocka_unit_test(left_messages_are_dropped),
		cmocka_unit_test(waits_no_longer_than_told),
		cmocka_unit_test(between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
