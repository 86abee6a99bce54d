#include "protocol/jid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
parse(void **state)
{
	static const struct {
		const char *in;
		enum err want;
		const char *local, *domain, *resource;
	} rows[] = {
		{ "owner@example.org/phone", OK, "owner", "example.org",
		    "phone" },
		{ "example.org", OK, "", "example.org", "" },
		{ "example.org/res", OK, "", "example.org", "res" },
		{ "Owner@Example.ORG/Phone", OK, "owner", "example.org",
		    "Phone" },
		{ "a@b/c@d/e", OK, "a", "b", "c@d/e" },
		{ "a@example.org.", OK, "a", "example.org", "" },
		{ "rack@127.0.0.1", OK, "rack", "127.0.0.1", "" },
		{ "rack@[::1]/x", OK, "rack", "[::1]", "x" },
		{ "\xc3\x84ger@B\xc3\x9c"
		  "CHER.example",
		    OK, "\xc3\xa4ger",
		    "b\xc3\xbc"
		    "cher.example",
		    "" },
		{ "a@b/\xf0\x9f\x98\x80", OK, "a", "b", "\xf0\x9f\x98\x80" },
		{ NULL, ERR_PROTO, NULL, NULL, NULL },
		{ "", ERR_PROTO, NULL, NULL, NULL },
		{ "@example.org", ERR_PROTO, NULL, NULL, NULL },
		{ "a@", ERR_PROTO, NULL, NULL, NULL },
		{ "a@b/", ERR_PROTO, NULL, NULL, NULL },
		{ "/res", ERR_PROTO, NULL, NULL, NULL },
		{ "a@b@c", ERR_PROTO, NULL, NULL, NULL },
		{ "a b@c", ERR_PROTO, NULL, NULL, NULL },
		{ "a@b c", ERR_PROTO, NULL, NULL, NULL },
		{ "a@b..c", ERR_PROTO, NULL, NULL, NULL },
		{ "a@.b", ERR_PROTO, NULL, NULL, NULL },
		{ "a@.", ERR_PROTO, NULL, NULL, NULL },
		{ "a@[::1", ERR_PROTO, NULL, NULL, NULL },
		{ "a@[]", ERR_PROTO, NULL, NULL, NULL },
		{ "a'b@c", ERR_PROTO, NULL, NULL, NULL },
		{ "a\xff@c", ERR_PROTO, NULL, NULL, NULL },
		{ "a@c/\x01", ERR_PROTO, NULL, NULL, NULL },
		/* A wide "@" becomes a plain one when it is prepared. */
		{ "a@b\xef\xbc\xa0"
		  "c",
		    ERR_PROTO, NULL, NULL, NULL },
		{ "a\xef\xbc\xa0"
		  "b@c",
		    ERR_PROTO, NULL, NULL, NULL },
		{ "b\xef\xbc\x8f"
		  "c",
		    ERR_PROTO, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jid j;

		print_message("  %s\n", rows[i].in ? rows[i].in : "NULL");
		assert_int_equal(jid_parse(rows[i].in, &j), rows[i].want);
		if (rows[i].want != OK)
			continue;
		assert_string_equal(j.local, rows[i].local);
		assert_string_equal(j.domain, rows[i].domain);
		assert_string_equal(j.resource, rows[i].resource);
	}
}

static void
joined(void **state)
{
	struct jid j;
	char bare[JID_SIZE];

	(void)state;
	assert_int_equal(jid_parse("Rack@Example.org/GW", &j), OK);
	assert_string_equal(j.bare, "rack@example.org");
	assert_string_equal(j.full, "rack@example.org/GW");
	assert_int_equal(jid_bare("Reg.Example.org/x", bare), OK);
	assert_string_equal(bare, "reg.example.org");
}

static void
too_long(void **state)
{
	char text[JID_SIZE + 8];
	struct jid j;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[JID_SIZE] = '\0';
	assert_int_equal(jid_parse(text, &j), ERR_RANGE);
	text[JID_SIZE - 1] = '\0';
	assert_int_equal(jid_parse(text, &j), OK);
	/* A ligature of three bytes that becomes eighteen letters. */
	for (size_t i = 0; i < 300; i++)
		text[i] = "\xef\xb7\xba"[i % 3];
	text[300] = '\0';
	assert_int_equal(jid_parse(text, &j), ERR_RANGE);
}

static void
same(void **state)
{
	static const struct {
		const char *a, *b;
		bool bare, full;
	} rows[] = {
		{ "a@b/c", "A@B/c", true, true },
		{ "a@b/c", "a@b/C", true, false },
		{ "a@b", "a@b/c", true, false },
		{ "a@b", "a@c", false, false },
		{ "b", "a@b", false, false },
		{ NULL, NULL, false, false },
		{ "a@b", NULL, false, false },
		{ "@", "@", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    jid_same_bare(rows[i].a, rows[i].b), rows[i].bare);
		assert_int_equal(jid_same(rows[i].a, rows[i].b), rows[i].full);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(joined),
		cmocka_unit_test(too_long),
		cmocka_unit_test(same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
