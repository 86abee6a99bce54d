#include "protocol/discovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EL(name, attrs, kids) \
	"<" name " xmlns='" DISCOVERY_NS "' " attrs ">" kids "</" name ">"
#define K1                                                                    \
	"<str name='SN' value='394872348732948723'/>"                         \
	"<str name='MAN' value='www.ktc.se'/><str name='MODEL' value='IMC'/>" \
	"<num name='V' value='1.2'/>"                                         \
	"<str name='KEY' value='4857402340298342'/>"
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X32 X32 X32 X32

/* A message as one line of text. */
static char *
shown(const struct disc_msg *m)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s", discovery_name(m->op));
	if (m->jid)
		buf_printf(&b, " jid=%s", m->jid);
	if (*m->node.node || *m->node.source || *m->node.cache)
		buf_printf(&b, " node=%s,%s,%s", m->node.node, m->node.source,
		    m->node.cache);
	if (m->has_public || !m->is_public)
		buf_printf(&b, " public=%d", m->is_public);
	if (m->self_owned)
		buf_puts(&b, " self");
	for (size_t i = 0; i < m->tags.n; i++)
		buf_printf(&b, " %s%s=%s", m->tags.v[i].num ? "#" : "",
		    m->tags.v[i].name, m->tags.v[i].value);
	return buf_take(&b);
}

#define K1_SHOWN                                                  \
	" SN=394872348732948723 MAN=www.ktc.se MODEL=IMC #V=1.2 " \
	"KEY=4857402340298342"

static const struct {
	const char *name, *xml;
	enum err want;
	const char *shown;
} cases[] = {
	{ "register (3.5)", EL("register", "", K1), OK, "register" K1_SHOWN },
	{ "register self-owned (3.6)", EL("register", "selfOwned='true'", K1),
	    OK, "register self" K1_SHOWN },
	{ "register a node (3.7)",
	    EL("register", "nodeId='imc1' sourceId='MeteringTopology'", K1), OK,
	    "register node=imc1,MeteringTopology," K1_SHOWN },
	{ "mine (3.8)", EL("mine", "", K1), OK, "mine" K1_SHOWN },
	{ "mine, private", EL("mine", "public='false'", K1), OK,
	    "mine public=0" K1_SHOWN },
	{ "claimed", EL("claimed", "jid='owner@example.org'", ""), OK,
	    "claimed jid=owner@example.org" },
	{ "claimed, public said",
	    EL("claimed", "jid='owner@example.org' public='1'", ""), OK,
	    "claimed jid=owner@example.org public=1" },
	{ "claimed, private",
	    EL("claimed", "jid='a@b' nodeId='n' public='false'", ""), OK,
	    "claimed jid=a@b node=n,, public=0" },
	{ "remove (3.9)", EL("remove", "jid='a@b' cacheType='c'", ""), OK,
	    "remove jid=a@b node=,,c" },
	{ "removed", EL("removed", "nodeId='imc1'", ""), OK,
	    "removed node=imc1,," },
	{ "update (3.11)",
	    EL("update", "",
		"<str name='KEY' value=''/><num name='LON' value='-71.5'/>"),
	    OK, "update KEY= #LON=-71.5" },
	{ "update by the owner (3.12)",
	    EL("update", "jid='a@b' nodeId='n' sourceId='s'",
		"<str name='ROOM' value='12'/>"),
	    OK, "update jid=a@b node=n,s, ROOM=12" },
	{ "unregister (3.14)", EL("unregister", "", ""), OK, "unregister" },
	{ "disown (3.15)", EL("disown", "jid='a@b'", ""), OK,
	    "disown jid=a@b" },
	{ "disowned", EL("disowned", "", ""), OK, "disowned" },
	{ "empty attributes are absent",
	    EL("removed", "nodeId='' sourceId='' cacheType=''", ""), OK,
	    "removed" },
	{ "unknown attributes and elements",
	    EL("register", "colour='red' jid='no jid'",
		"text<x/><str xmlns='urn:x' name='A' value='1'/>"
		"<str name='b' value='2'/>"),
	    OK, "register B=2" },
	{ "tags where none belong", EL("removed", "", "<str name='A'/>"), OK,
	    "removed" },
	{ "markup and more in values",
	    EL("mine", "",
		"<str name='A' value='&lt;&amp;&apos;&quot; "
		"\xf0\x9f\x98\x80'/>"),
	    OK, "mine A=<&'\" \xf0\x9f\x98\x80" },
	{ "nodeId of 128", EL("removed", "nodeId='" X128 "'", ""), OK,
	    "removed node=" X128 ",," },

	{ "another namespace", "<register xmlns='urn:x'/>", ERR_UNSUP, NULL },
	{ "another element", EL("search", "", ""), ERR_UNSUP, NULL },
	{ "claimed without jid", EL("claimed", "", ""), ERR_PROTO, NULL },
	{ "remove without jid", EL("remove", "", ""), ERR_PROTO, NULL },
	{ "disown without jid", EL("disown", "", ""), ERR_PROTO, NULL },
	{ "jid empty", EL("update", "jid=''", ""), ERR_PROTO, NULL },
	{ "jid malformed", EL("claimed", "jid='a@@b'", ""), ERR_PROTO, NULL },
	{ "jid too long", EL("claimed", "jid='" X128 X128 X128 X128 "'", ""),
	    ERR_RANGE, NULL },
	{ "bad boolean", EL("mine", "public='no'", K1), ERR_PROTO, NULL },
	{ "bad selfOwned", EL("register", "selfOwned='yes'", K1), ERR_PROTO,
	    NULL },
	{ "nodeId with a line break", EL("removed", "nodeId='a&#10;b'", ""),
	    ERR_PROTO, NULL },
	{ "cacheType with a tab", EL("removed", "cacheType='&#9;'", ""),
	    ERR_PROTO, NULL },
	{ "nodeId of 129", EL("removed", "nodeId='x" X128 "'", ""), ERR_RANGE,
	    NULL },
	{ "cacheType of 129", EL("register", "cacheType='x" X128 "'", K1),
	    ERR_RANGE, NULL },
	{ "tag without name", EL("mine", "", "<str value='1'/>"), ERR_PROTO,
	    NULL },
	{ "tag without value", EL("mine", "", "<str name='A'/>"), ERR_PROTO,
	    NULL },
	{ "name with a colon", EL("mine", "", "<str name='A:' value=''/>"),
	    ERR_PROTO, NULL },
	{ "name of 33", EL("mine", "", "<str name='x" X32 "' value='1'/>"),
	    ERR_RANGE, NULL },
	{ "value of 129", EL("mine", "", "<str name='A' value='x" X128 "'/>"),
	    ERR_RANGE, NULL },
	{ "NaN", EL("register", "", "<num name='V' value='NaN'/>"), ERR_PROTO,
	    NULL },
	{ "duplicate",
	    EL("register", "",
		"<str name='SN' value='1'/><num name='sn' value='1'/>"),
	    ERR_PROTO, NULL },
};

static void
parse(void **state)
{
	xmpp_ctx_t *ctx = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *el =
		    xmpp_stanza_new_from_string(ctx, cases[i].xml);
		struct errbuf eb = { "" };
		struct disc_msg m;
		char *got;

		print_message("  %s\n", cases[i].name);
		assert_non_null(el);
		assert_int_equal(discovery_parse(el, &m, &eb), cases[i].want);
		assert_int_equal(*eb.text != '\0' && cases[i].want == OK, 0);
		if (cases[i].want == OK) {
			got = shown(&m);
			assert_string_equal(got, cases[i].shown);
			free(got);
		} else {
			assert_true(*eb.text != '\0');
		}
		discovery_fini(&m);
		xmpp_stanza_release(el);
	}
}

/* What is built reads back as the same message, also after the wire. */
static void
build(void **state)
{
	xmpp_ctx_t *ctx = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *el, *built, *wire;
		struct disc_msg m, again;
		char *text, *got;
		size_t len;

		if (cases[i].want != OK)
			continue;
		print_message("  %s\n", cases[i].name);
		el = xmpp_stanza_new_from_string(ctx, cases[i].xml);
		assert_int_equal(discovery_parse(el, &m, NULL), OK);
		built = discovery_build(ctx, &m);
		assert_int_equal(xmpp_stanza_to_text(built, &text, &len), 0);
		wire = xmpp_stanza_new_from_string(ctx, text);
		assert_int_equal(discovery_parse(built, &again, NULL), OK);
		discovery_fini(&again);
		assert_int_equal(discovery_parse(wire, &again, NULL), OK);
		got = shown(&again);
		assert_string_equal(got, cases[i].shown);
		free(got);
		xmpp_free(ctx, text);
		discovery_fini(&m);
		discovery_fini(&again);
		xmpp_stanza_release(el);
		xmpp_stanza_release(built);
		xmpp_stanza_release(wire);
	}
}

static void
check_public(xmpp_ctx_t *ctx, const struct disc_msg *m, const char *want)
{
	xmpp_stanza_t *el = discovery_build(ctx, m);
	const char *got = xmpp_stanza_get_attribute(el, "public");

	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
	xmpp_stanza_release(el);
}

static void
public_is_written(void **state)
{
	xmpp_ctx_t *ctx = *state;
	struct disc_msg mine = { .op = DISC_MINE };
	struct disc_msg claimed = { .op = DISC_CLAIMED, .jid = "a@b" };

	check_public(ctx, &mine, NULL);
	check_public(ctx, &claimed, NULL);
	mine.has_public = claimed.has_public = true;
	check_public(ctx, &mine, "false");
	check_public(ctx, &claimed, "false");
	mine.is_public = claimed.is_public = true;
	check_public(ctx, &mine, NULL);
	check_public(ctx, &claimed, "true");
}

static void
too_many_tags(void **state)
{
	xmpp_ctx_t *ctx = *state;
	struct buf b = { 0 };
	xmpp_stanza_t *el;
	struct disc_msg m;

	buf_puts(&b, "<register xmlns='" DISCOVERY_NS "'>");
	for (int i = 0; i <= TAGS_MAX; i++)
		buf_printf(&b, "<str name='T%d' value=''/>", i);
	buf_puts(&b, "</register>");
	el = xmpp_stanza_new_from_string(ctx, b.data);
	assert_int_equal(discovery_parse(el, &m, NULL), ERR_RANGE);
	discovery_fini(&m);
	xmpp_stanza_release(el);
	buf_fini(&b);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(build),
		cmocka_unit_test(public_is_written),
		cmocka_unit_test(too_many_tags),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
