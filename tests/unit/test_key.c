#include "common/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void
keys(void **state)
{
	char key[KEY_SIZE], before[KEY_SIZE] = "";

	(void)state;
	for (int i = 0; i < 1000; i++) {
		key_new(key);
		assert_int_equal(strlen(key), KEY_LEN);
		assert_int_equal(strspn(key, digits), KEY_LEN);
		assert_true(key[0] <= '7'); /* 128 bits fill no 26 digits */
		assert_string_not_equal(key, before);
		memcpy(before, key, sizeof(before));
	}
}

/* Every digit turns up at every place, or bits get lost on the way. */
static void
all_bits(void **state)
{
	bool seen[KEY_LEN][sizeof(digits) - 1] = { { false } };
	char key[KEY_SIZE];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		key_new(key);
		for (size_t k = 0; k < KEY_LEN; k++)
			seen[k][strchr(digits, key[k]) - digits] = true;
	}
	for (size_t k = 0; k < KEY_LEN; k++) {
		size_t n = k == 0 ? 8 : 32;

		for (size_t d = 0; d < n; d++)
			assert_true(seen[k][d]);
	}
}

static void
mask(void **state)
{
	char out[16];

	(void)state;
	key_mask("4857402340298342", out);
	assert_string_equal(out, "4857\xe2\x80\xa6");
	key_mask("", out);
	assert_string_equal(out, "\xe2\x80\xa6");
}

static void
below(void **state)
{
	bool seen[7] = { false };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint32_t r = random_below(7);

		assert_true(r < 7);
		seen[r] = true;
	}
	for (size_t i = 0; i < 7; i++)
		assert_true(seen[i]);
	assert_int_equal(random_below(1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(all_bits),
		cmocka_unit_test(mask),
		cmocka_unit_test(below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
