#include "protocol/search.h"

#include "protocol/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NS "xmlns='" DISCOVERY_NS "'"
#define SEARCH(attrs, ops) "<search " NS " " attrs ">" ops "</search>"
#define EQ "<strEq name='A' value='1'/>"
#define LONG_32 "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"

static const struct {
	const char *name, *xml;
	enum err want;
	const char *is; /* as describe writes it */
} cases[] = {
	{ "the XEP's example",
	    SEARCH("offset='0' maxCount='20'",
		"<strEq name='MODEL' value='IMC'/>"
		"<strMask name='SN' value='39487*' wildcard='*'/>"
		"<numRange name='V' min='1' minIncluded='true' max='2' "
		"maxIncluded='false'/>"
		"<numRange name='LON' min='-72' minIncluded='true' "
		"max='-70' maxIncluded='true'/>"),
	    OK,
	    "0+20 s0 MODEL IMC;s8 SN 39487* /*;n6 V 1..2);n6 LON -72..-70" },
	{ "names are folded, counts are optional",
	    SEARCH("", "<numGt name='lat' value='1'/>"), OK, "0+0 n2 LAT 1" },
	{ "every operator of strings",
	    SEARCH("",
		EQ "<strNEq name='A' value='1'/><strGt name='A' value='1'/>"
		   "<strGtEq name='A' value='1'/><strLt name='A' value='1'/>"
		   "<strLtEq name='A' value='1'/>"
		   "<strRange name='A' min='1' max='2'/>"
		   "<strNRange name='A' min='1' max='2' minIncluded='0'/>"),
	    OK,
	    "0+0 s0 A 1;s1 A 1;s2 A 1;s3 A 1;s4 A 1;s5 A 1;s6 A 1..2;"
	    "s7 A (1..2" },
	{ "every operator of numbers",
	    SEARCH("",
		"<numEq name='A' value='1'/><numNEq name='A' value='1'/>"
		"<numGtEq name='A' value='1'/><numLt name='A' value='1'/>"
		"<numLtEq name='A' value='1'/>"
		"<numNRange name='A' min='1' max='2'/>"),
	    OK, "0+0 n0 A 1;n1 A 1;n3 A 1;n4 A 1;n5 A 1;n7 A 1..2" },
	{ "a wildcard of several characters",
	    SEARCH("", "<strMask name='A' value='x**' wildcard='**'/>"), OK,
	    "0+0 s8 A x** /**" },
	{ "an offset beyond all numbers",
	    SEARCH("offset='99999999999999999999'", EQ), OK, "big s0 A 1" },
	{ "another namespace within is nobody's business",
	    SEARCH("", EQ "<x xmlns='urn:x'/>"), OK, "0+0 s0 A 1" },
	{ "no operator", SEARCH("", ""), ERR_PROTO, "" },
	{ "an unknown operator", SEARCH("", EQ "<strLike name='A' value='1'/>"),
	    ERR_PROTO, "" },
	{ "numbers have no mask",
	    SEARCH("", "<numMask name='A' value='1' wildcard='*'/>"), ERR_PROTO,
	    "" },
	{ "maxCount 0", SEARCH("maxCount='0'", EQ), ERR_PROTO, "" },
	{ "maxCount -1", SEARCH("maxCount='-1'", EQ), ERR_PROTO, "" },
	{ "maxCount x", SEARCH("maxCount='x'", EQ), ERR_PROTO, "" },
	{ "maxCount empty", SEARCH("maxCount=''", EQ), ERR_PROTO, "" },
	{ "offset -1", SEARCH("offset='-1'", EQ), ERR_PROTO, "" },
	{ "not a number", SEARCH("", "<numEq name='A' value='abc'/>"),
	    ERR_PROTO, "" },
	{ "the end of a range is not a number",
	    SEARCH("", "<numRange name='A' min='1' max=''/>"), ERR_PROTO, "" },
	{ "NaN", SEARCH("", "<numNEq name='A' value='NaN'/>"), ERR_PROTO, "" },
	{ "a mask without wildcard",
	    SEARCH("", "<strMask name='A' value='x'/>"), ERR_PROTO, "" },
	{ "an empty wildcard",
	    SEARCH("", "<strMask name='A' value='x' wildcard=''/>"), ERR_PROTO,
	    "" },
	{ "no value", SEARCH("", "<strEq name='A'/>"), ERR_PROTO, "" },
	{ "no name", SEARCH("", "<strEq value='A'/>"), ERR_PROTO, "" },
	{ "a range with value", SEARCH("", "<strRange name='A' value='1'/>"),
	    ERR_PROTO, "" },
	{ "a bad flag",
	    SEARCH(
		"", "<strRange name='A' min='1' max='2' minIncluded='yes'/>"),
	    ERR_PROTO, "" },
	{ "a name with a colon", SEARCH("", "<strEq name='A:' value='1'/>"),
	    ERR_PROTO, "" },
	{ "a name of 32 characters",
	    SEARCH("", "<strEq name='" LONG_32 "' value='1'/>"), OK,
	    "0+0 s0 " LONG_32 " 1" },
	{ "a name of 33 characters",
	    SEARCH("", "<strEq name='" LONG_32 "N' value='1'/>"), ERR_RANGE,
	    "" },
	{ "another element", "<found " NS "/>", ERR_UNSUP, "" },
	{ "another namespace", "<search xmlns='urn:x'>" EQ "</search>",
	    ERR_UNSUP, "" },
};

static void
describe(const struct search *s, char *out, size_t size)
{
	size_t n = s->offset > 1000000 ? (size_t)snprintf(out, size, "big")
				       : (size_t)snprintf(out, size, "%d+%d",
					     (int)s->offset, (int)s->count);

	for (size_t i = 0; i < s->n; i++) {
		const struct search_op *o = &s->ops[i];

		n += (size_t)snprintf(out + n, size - n, "%s%c%d %s %s%s%s%s%s",
		    i ? ";" : " ", o->num ? 'n' : 's', (int)o->kind, o->name,
		    o->min_out ? "(" : "", o->value, o->max ? ".." : "",
		    o->max ? o->max : "", o->max_out ? ")" : "");
		if (o->wildcard)
			n += (size_t)snprintf(
			    out + n, size - n, " /%s", o->wildcard);
	}
}

static int
setup(void **state)
{
	*state = xmpp_ctx_new(NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	xmpp_ctx_free(*state);
	return 0;
}

static void
requests(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *el =
		    xmpp_stanza_new_from_string(*state, cases[i].xml);
		xmpp_stanza_t *built;
		struct errbuf eb = { "" };
		struct search s;
		char text[512] = "";
		enum err e;

		print_message("  %s\n", cases[i].name);
		assert_non_null(el);
		e = search_parse(el, &s, &eb);
		assert_string_equal(err_str(e), err_str(cases[i].want));
		if (e == OK) {
			describe(&s, text, sizeof(text));
			assert_string_equal(text, cases[i].is);
			built = search_build(*state, &s);
			assert_int_equal(search_parse(built, &s, NULL), OK);
			describe(&s, text, sizeof(text));
			assert_string_equal(text, cases[i].is);
			xmpp_stanza_release(built);
		} else {
			assert_true(*eb.text);
		}
		xmpp_stanza_release(el);
	}
}

static void
too_many(void **state)
{
	const struct search_op op = { .kind = SEARCH_EQ, .value = "1" };
	struct search s = { .n = 0 };
	char wide[SEARCH_TEXT_MAX + 2];

	(void)state;
	for (int i = 0; i < SEARCH_OPS_MAX; i++)
		assert_int_equal(search_add(&s, "A", &op, NULL), OK);
	assert_int_equal(search_add(&s, "A", &op, NULL), ERR_RANGE);
	s.n = 0;
	memset(wide, 'x', sizeof(wide));
	wide[SEARCH_TEXT_MAX + 1] = '\0';
	assert_int_equal(
	    search_add(&s, "A", &(struct search_op){ .value = wide }, NULL),
	    ERR_RANGE);
	wide[SEARCH_TEXT_MAX] = '\0';
	assert_int_equal(
	    search_add(&s, "A", &(struct search_op){ .value = wide }, NULL),
	    OK);
}

#define FOUND(attrs, things) "<found " NS " " attrs ">" things "</found>"
#define PLAIN "<thing owner='o@example.org' jid='t@example.org'/>"

static const struct {
	const char *name, *xml;
	enum err want;
	size_t n;
	bool more;
} answers[] = {
	{ "nothing", FOUND("more='false'", ""), OK, 0, false },
	{ "more is optional", FOUND("", PLAIN), OK, 1, false },
	{ "more", FOUND("more='1'", PLAIN PLAIN), OK, 2, true },
	{ "no owner", FOUND("", "<thing jid='t@example.org'/>"), ERR_PROTO, 0,
	    false },
	{ "no jid", FOUND("", "<thing owner='t@example.org'/>"), ERR_PROTO, 0,
	    false },
	{ "a bad jid", FOUND("", "<thing owner='o@example.org' jid='@'/>"),
	    ERR_PROTO, 0, false },
	{ "a bad tag",
	    FOUND("",
		"<thing owner='o@example.org' jid='t@example.org'>"
		"<num name='A' value='x'/></thing>"),
	    ERR_PROTO, 0, false },
	{ "more is no boolean", FOUND("more='yes'", ""), ERR_PROTO, 0, false },
	{ "another element", SEARCH("", EQ), ERR_UNSUP, 0, false },
};

static void
found(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		xmpp_stanza_t *el =
		    xmpp_stanza_new_from_string(*state, answers[i].xml);
		struct found f;
		enum err e;

		print_message("  %s\n", answers[i].name);
		assert_non_null(el);
		e = found_parse(el, &f, NULL);
		assert_string_equal(err_str(e), err_str(answers[i].want));
		if (e == OK) {
			assert_int_equal(f.n, answers[i].n);
			assert_int_equal(f.more, answers[i].more);
		}
		found_fini(&f);
		xmpp_stanza_release(el);
	}
}

static void
found_hides_key(void **state)
{
	struct found_thing t = { "o@example.org", "rack@example.org",
		{ "n<1>", "s", "" }, { 0 } };
	xmpp_stanza_t *el = found_build(*state, true);
	struct found f;

	assert_int_equal(tags_add(&t.tags, "SN", "'&\"", false, NULL), OK);
	assert_int_equal(tags_add(&t.tags, "Key", "secret", false, NULL), OK);
	assert_int_equal(tags_add(&t.tags, "V", "1.20", true, NULL), OK);
	found_add(el, &t);
	assert_int_equal(found_parse(el, &f, NULL), OK);
	assert_true(f.more);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.v[0].owner, t.owner);
	assert_string_equal(f.v[0].jid, t.jid);
	assert_string_equal(f.v[0].node.node, "n<1>");
	assert_string_equal(f.v[0].node.cache, "");
	assert_int_equal(f.v[0].tags.n, 2);
	assert_string_equal(f.v[0].tags.v[0].value, "'&\"");
	assert_true(f.v[0].tags.v[1].num);
	assert_null(tags_find(&f.v[0].tags, "KEY"));
	found_fini(&f);
	xmpp_stanza_release(el);
	tags_fini(&t.tags);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(too_many),
		cmocka_unit_test(found),
		cmocka_unit_test(found_hides_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
