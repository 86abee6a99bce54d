#include "registry/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *mask, *wildcard;
	bool want;
} cases[] = {
	{ "394871", "39487*", "*", true },
	{ "394882", "39487*", "*", false },
	{ "xx39487", "39487*", "*", false },
	{ "39487", "39487*", "*", true },
	{ "394871", "%4%", "%", true },
	{ "x", "%4%", "%", false },
	{ "a*b", "a*b", "%", true },
	{ "axb", "a*b", "%", false },
	{ "a%b", "a%b", "*", true },
	{ "axb", "a%b", "*", false },
	{ "a_b", "a_b", "*", true },
	{ "axb", "a_b", "*", false },
	{ "a?[b]", "a?[b]*", "*", true },
	{ "ab", "a**b", "**", true },
	{ "axxb", "a**b", "**", true },
	{ "a*b", "a*b", "**", true },
	{ "axb", "a*b", "**", false },
	{ "ab", "a***b", "**", false },
	{ "ax*b", "a***b", "**", true },
	{ "IMC", "imc", "*", false },
	{ "IMC", "IM*", "*", true },
	{ "", "", "*", true },
	{ "", "*", "*", true },
	{ "x", "", "*", false },
	{ "anything", "*", "*", true },
	{ "anything", "****", "*", true },
	{ "abcabc", "*abc", "*", true },
	{ "abcab", "*abc", "*", false },
	{ "aba", "ab*ba", "*", false },
	{ "abba", "ab*ba", "*", true },
	{ "mississippi", "m*iss*ip*i", "*", true },
	{ "mississippi", "m*iss*ss*p", "*", false },
	{ "Malm\xc3\xb6", "Malm*", "*", true },
	{ "Malm\xc3\xb6", "*\xc3\xb6", "*", true },
	{ "a\xc3\xb6z", "a\xc3\xb6z", "\xc3\xb6", true },
	{ "a12z", "a\xc3\xb6z", "\xc3\xb6", true },
	{ "starred", "WILDred", "WILD", true },
};

static void
rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s ~ %s by %s\n", cases[i].text, cases[i].mask,
		    cases[i].wildcard);
		assert_int_equal(
		    mask_match(cases[i].text, cases[i].mask, cases[i].wildcard),
		    cases[i].want);
	}
}

/* Slow and plain: the wildcard is nothing, or one more character. */
static bool
plain(const char *text, const char *mask, const char *wildcard)
{
	size_t n = strlen(wildcard);

	if (strncmp(mask, wildcard, n) == 0)
		return plain(text, mask + n, wildcard) ||
		    (*text && plain(text + 1, mask, wildcard));
	if (!*mask || *mask != *text)
		return *mask == *text;
	return plain(text + 1, mask + 1, wildcard);
}

static void
fill(char *s, size_t max, const char *letters)
{
	size_t n = (size_t)rand() % (max + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = letters[(size_t)rand() % strlen(letters)];
	s[n] = '\0';
}

static void
as_the_plain_way(void **state)
{
	static const char *const wildcards[] = { "*", "**", "b" };

	(void)state;
	srand(347);
	for (int i = 0; i < 200000; i++) {
		const char *w = wildcards[i % 3];
		char text[12] = "", mask[8] = "";

		fill(text, sizeof(text) - 1, "aab*");
		fill(mask, sizeof(mask) - 1, "ab**");
		if (mask_match(text, mask, w) != plain(text, mask, w))
			fail_msg("%s ~ %s by %s", text, mask, w);
	}
}

/* A peer chooses both: it must not choose the time. */
static void
worst(void **state)
{
	char text[513], mask[1025];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[512] = '\0';
	for (size_t i = 0; i < sizeof(mask); i++)
		mask[i] = i % 2 ? '*' : 'a';
	mask[1022] = 'b';
	mask[1023] = '\0';
	for (int i = 0; i < 1000; i++)
		assert_false(mask_match(text, mask, "*"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(as_the_plain_way),
		cmocka_unit_test(worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
