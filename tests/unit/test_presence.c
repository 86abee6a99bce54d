#include "fake_session.h"

#include "xmpp/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *type;
	enum presence_type want;
	bool sent;
} types[] = {
	{ NULL, PRESENCE_AVAILABLE, true },
	{ "unavailable", PRESENCE_UNAVAILABLE, true },
	{ "subscribe", PRESENCE_SUBSCRIBE, true },
	{ "subscribed", PRESENCE_SUBSCRIBED, true },
	{ "unsubscribe", PRESENCE_UNSUBSCRIBE, true },
	{ "unsubscribed", PRESENCE_UNSUBSCRIBED, true },
	{ "probe", PRESENCE_PROBE, true },
	{ "error", PRESENCE_ERROR, false },
	{ "invisible", PRESENCE_OTHER, false },
};

static void
types_are_named(void **state)
{
	struct session s;

	(void)state;
	fake_session_init(&s, "a@b.org/c", "a@b.org");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		xmpp_stanza_t *p = xmpp_presence_new(s.ctx);
		char want[64] = "to=\"x@y.org\"";

		print_message("  %s\n", types[i].type ? types[i].type : "-");
		if (types[i].type)
			xmpp_stanza_set_type(p, types[i].type);
		assert_int_equal(presence_type(p), types[i].want);
		xmpp_stanza_release(p);
		s.sent = 0;
		presence_send(&s, types[i].want, "x@y.org");
		assert_int_equal(s.sent, types[i].sent ? 1 : 0);
		if (!types[i].sent)
			continue;
		assert_non_null(strstr(s.last, want));
		if (types[i].type)
			snprintf(
			    want, sizeof(want), "type=\"%s\"", types[i].type);
		assert_non_null(strstr(s.last, want));
	}
	s.online = false;
	s.sent = 0;
	presence_send(&s, PRESENCE_AVAILABLE, NULL);
	roster_remove(&s, "x@y.org");
	assert_int_equal(s.sent, 0);
	fake_session_fini(&s);
}

struct seen {
	char items[256];
	int done;
	bool ok;
};

static void
each(void *arg, const char *bare, const char *subscription)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->items);

	snprintf(seen->items + n, sizeof(seen->items) - n, "%s=%s;", bare,
	    subscription);
}

static void
done(void *arg, bool ok)
{
	struct seen *seen = arg;

	seen->done++;
	seen->ok = ok;
}

/* Answers the last request with a payload. */
static void
answer(struct session *s, const char *type, const char *payload)
{
	xmpp_stanza_t *st = xmpp_stanza_new_from_string(s->ctx, s->last);
	char xml[1024];

	assert_non_null(st);
	snprintf(xml, sizeof(xml), "<iq type='%s' id='%s'>%s</iq>", type,
	    xmpp_stanza_get_id(st), payload);
	xmpp_stanza_release(st);
	fake_session_receive(s, xml);
}

static void
the_roster_is_read(void **state)
{
	struct session s;
	struct seen seen = { "", 0, false };

	(void)state;
	fake_session_init(&s, "a@b.org/c", "a@b.org");
	roster_get(&s, each, done, &seen);
	answer(&s, "result",
	    "<query xmlns='jabber:iq:roster'>"
	    "<item jid='x@y.org' subscription='both'/><other/>"
	    "<item jid='z.org'/><item subscription='to'/></query>");
	assert_string_equal(seen.items, "x@y.org=both;z.org=none;");
	assert_true(seen.ok);

	roster_get(&s, each, done, &seen);
	answer(&s, "error", "<error type='cancel'/>");
	assert_false(seen.ok);
	assert_int_equal(seen.done, 2);

	roster_get(&s, each, done, &seen);
	iq_forget(&s, &seen);
	iq_table_lost(s.iq);
	assert_int_equal(seen.done, 2);

	s.online = false;
	roster_get(&s, each, done, &seen);
	assert_int_equal(seen.done, 3);
	assert_false(seen.ok);
	fake_session_fini(&s);
}

static void
an_item_is_removed(void **state)
{
	struct session s;

	(void)state;
	fake_session_init(&s, "a@b.org/c", "a@b.org");
	roster_remove(&s, "x@y.org");
	assert_non_null(strstr(s.last, "jid=\"x@y.org\""));
	assert_non_null(strstr(s.last, "subscription=\"remove\""));
	answer(&s, "error",
	    "<error type='cancel'><item-not-found "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
	fake_session_fini(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_named),
		cmocka_unit_test(the_roster_is_read),
		cmocka_unit_test(an_item_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
