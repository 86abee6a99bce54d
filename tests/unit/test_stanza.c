#include "protocol/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
payload(void **state)
{
	static const struct {
		const char *xml, *name;
		size_t n;
	} rows[] = {
		{ "<iq/>", NULL, 0 },
		{ "<iq>text</iq>", NULL, 0 },
		{ "<iq><a xmlns='urn:x'/></iq>", "a", 1 },
		{ "<iq> <a/> </iq>", "a", 1 },
		{ "<iq><a/><b/></iq>", NULL, 2 },
	};
	xmpp_ctx_t *ctx = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		xmpp_stanza_t *iq =
		    xmpp_stanza_new_from_string(ctx, rows[i].xml);
		xmpp_stanza_t *el;
		size_t n = 99;

		print_message("  %s\n", rows[i].xml);
		el = stanza_payload(iq, &n);
		assert_int_equal(n, rows[i].n);
		assert_ptr_equal(el, stanza_payload(iq, NULL));
		assert_int_equal(el != NULL, rows[i].name != NULL);
		if (el)
			assert_string_equal(
			    xmpp_stanza_get_name(el), rows[i].name);
		xmpp_stanza_release(iq);
	}
}

#define ERROR(kids) "<iq type='error'><a/><error>" kids "</error></iq>"
#define ST "xmlns='" NS_STANZAS "'"

static void
condition(void **state)
{
	static const struct {
		const char *xml, *want;
	} rows[] = {
		{ ERROR("<item-not-found " ST "/>"), "item-not-found" },
		{ ERROR("<text " ST ">no</text><not-allowed " ST "/>"),
		    "not-allowed" },
		{ ERROR("<own xmlns='urn:x'/><forbidden " ST "/>"),
		    "forbidden" },
		{ ERROR("<forbidden xmlns='urn:x'/>"), "undefined-condition" },
		{ ERROR("<text " ST ">no</text>"), "undefined-condition" },
		{ ERROR(""), "undefined-condition" },
		{ "<iq type='error'/>", "undefined-condition" },
	};
	xmpp_ctx_t *ctx = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		xmpp_stanza_t *iq =
		    xmpp_stanza_new_from_string(ctx, rows[i].xml);

		print_message("  %s\n", rows[i].xml);
		assert_string_equal(stanza_condition(iq), rows[i].want);
		xmpp_stanza_release(iq);
	}
}

static void
error(void **state)
{
	static const struct {
		const char *condition, *text, *type;
	} rows[] = {
		{ "item-not-found", NULL, "cancel" },
		{ "bad-request", "a <tag> & more", "modify" },
		{ "forbidden", NULL, "auth" },
		{ "recipient-unavailable", NULL, "wait" },
		{ "service-unavailable", NULL, "cancel" },
		{ "of-our-own", NULL, "cancel" },
		{ "conflict", NULL, "cancel" },
		{ "conflict/wait", "later", "wait" },
	};
	xmpp_ctx_t *ctx = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		xmpp_stanza_t *iq = stanza_el(ctx, "iq", NULL);
		xmpp_stanza_t *el, *text;
		char *got;

		stanza_add(
		    iq, stanza_error(ctx, rows[i].condition, rows[i].text));
		el = stanza_payload(iq, NULL);
		assert_string_equal(xmpp_stanza_get_name(el), "error");
		assert_string_equal(xmpp_stanza_get_type(el), rows[i].type);
		got =
		    strndup(rows[i].condition, strcspn(rows[i].condition, "/"));
		assert_string_equal(stanza_condition(iq), got);
		free(got);
		text = xmpp_stanza_get_child_by_name(el, "text");
		assert_int_equal(text != NULL, rows[i].text != NULL);
		if (text) {
			got = xmpp_stanza_get_text(text);
			assert_string_equal(got, rows[i].text);
			xmpp_free(ctx, got);
		}
		xmpp_stanza_release(iq);
	}
}

static void
disco_info(void **state)
{
	static const struct disco_identity id = { "store", "x", "Registry" };
	static const char *const features[] = { NS_DISCO_INFO, NS_PING, NULL };
	xmpp_stanza_t *query = stanza_disco_info(*state, &id, features), *c;
	size_t n;

	assert_null(stanza_payload(query, &n));
	assert_int_equal(n, 3);
	assert_string_equal(xmpp_stanza_get_ns(query), NS_DISCO_INFO);
	c = xmpp_stanza_get_children(query);
	assert_string_equal(xmpp_stanza_get_attribute(c, "category"), "store");
	assert_string_equal(xmpp_stanza_get_attribute(c, "name"), "Registry");
	c = xmpp_stanza_get_next(c);
	assert_string_equal(xmpp_stanza_get_attribute(c, "var"), NS_DISCO_INFO);
	c = xmpp_stanza_get_next(c);
	assert_string_equal(xmpp_stanza_get_attribute(c, "var"), NS_PING);
	xmpp_stanza_release(query);
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
		cmocka_unit_test(payload),
		cmocka_unit_test(condition),
		cmocka_unit_test(error),
		cmocka_unit_test(disco_info),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
