#include "fake_session.h"

#include "protocol/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NS "urn:example:test"
#define OWN "gw@example.org"
#define FULL "gw@example.org/tb"

enum { IQ_MS = 5000 };

struct seen {
	int calls;
	enum iq_outcome outcome;
	char condition[64];
};

static void
on_done(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->outcome = outcome;
	if (outcome == IQ_ERROR)
		snprintf(seen->condition, sizeof(seen->condition), "%s",
		    stanza_condition(stanza));
	assert_true(
	    (stanza != NULL) == (outcome == IQ_RESULT || outcome == IQ_ERROR));
}

static int
setup(void **state)
{
	struct session *s = calloc(1, sizeof(*s));

	fake_session_init(s, FULL, OWN);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	fake_session_fini(*state);
	free(*state);
	return 0;
}

/* The value of an attribute of the last stanza sent, or "". */
static const char *
attr(struct session *s, const char *name)
{
	static char out[256];
	xmpp_stanza_t *st = xmpp_stanza_new_from_string(s->ctx, s->last);
	const char *v;

	assert_non_null(st);
	v = xmpp_stanza_get_attribute(st, name);
	snprintf(out, sizeof(out), "%s", v ? v : "");
	xmpp_stanza_release(st);
	return out;
}

static void
ask(struct session *s, const char *to, struct seen *seen)
{
	assert_int_equal(iq_request(s, "get", to, stanza_el(s->ctx, "x", NS),
			     IQ_MS, on_done, seen),
	    OK);
}

static void
answer(struct session *s, const char *type, const char *from)
{
	char xml[512], id[64];

	snprintf(id, sizeof(id), "%s", attr(s, "id"));
	snprintf(xml, sizeof(xml), "<iq type='%s' id='%s'%s%s%s/>", type, id,
	    from ? " from='" : "", from ? from : "", from ? "'" : "");
	fake_session_receive(s, xml);
}

static const struct {
	const char *name, *to, *type, *from;
	bool counts;
} answers[] = {
	{ "the one asked", "reg.example.org", "result", "reg.example.org",
	    true },
	{ "its error", "reg.example.org", "error", "reg.example.org", true },
	{ "in another case", "a@b.org/R", "result", "A@B.org/R", true },
	{ "another resource", "a@b.org/R", "result", "a@b.org/S", false },
	{ "bare for full", "a@b.org/R", "result", "a@b.org", false },
	{ "a stranger", "reg.example.org", "result", "evil.org/x", false },
	{ "a stranger's error", "reg.example.org", "error", "evil.org", false },
	{ "nobody for another", "reg.example.org", "result", NULL, false },
	{ "a request with that id", "reg.example.org", "get", "reg.example.org",
	    false },
	{ "own account, absent", NULL, "result", NULL, true },
	{ "own account, bare", NULL, "result", OWN, true },
	{ "own account, full", NULL, "result", FULL, true },
	{ "own account, server", NULL, "result", "example.org", true },
	{ "own account, stranger", NULL, "result", "evil.org", false },
	{ "own account, neighbour", NULL, "result", "x@example.org", false },
	{ "own server, absent", "example.org", "result", NULL, true },
	{ "own server", "example.org", "result", "example.org", true },
	{ "own server, account", "example.org", "result", OWN, false },
	{ "not a JID", "reg.example.org", "result", "@@", false },
	{ "no known type", "reg.example.org", "done", "reg.example.org",
	    false },
};

static void
only_the_asked_answers(void **state)
{
	struct session *s = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct seen seen = { 0 };

		print_message("  %s\n", answers[i].name);
		ask(s, answers[i].to, &seen);
		assert_string_equal(attr(s, "type"), "get");
		answer(s, answers[i].type, answers[i].from);
		assert_int_equal(seen.calls, answers[i].counts ? 1 : 0);
		iq_forget(s, &seen);
	}
}

static void
an_answer_counts_once(void **state)
{
	struct session *s = *state;
	struct seen seen = { 0 };

	ask(s, "reg.example.org", &seen);
	answer(s, "result", "reg.example.org");
	answer(s, "result", "reg.example.org");
	assert_int_equal(seen.calls, 1);
	assert_int_equal(s->iq->unasked, 1);
	s->clock.mono += 2 * (int64_t)IQ_MS;
	iq_table_expire(s->iq);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(s->sent, 1); /* nothing is said about it */
}

static void
time_runs_out(void **state)
{
	struct session *s = *state;
	struct seen early = { 0 }, late = { 0 };

	ask(s, "a.org", &early);
	s->clock.mono += 1000;
	ask(s, "b.org", &late);
	s->clock.mono += IQ_MS - 1001;
	iq_table_expire(s->iq);
	assert_int_equal(early.calls, 0);
	s->clock.mono += 1;
	iq_table_expire(s->iq);
	assert_int_equal(early.calls, 1);
	assert_int_equal(early.outcome, IQ_TIMEOUT);
	assert_int_equal(late.calls, 0);
	answer(s, "result", "b.org");
	assert_int_equal(late.outcome, IQ_RESULT);
}

static void
the_real_timer_fires(void **state)
{
	struct session *s = *state;
	struct seen seen = { 0 };

	assert_int_equal(
	    iq_request(s, "get", "a.org", NULL, 0, on_done, &seen), OK);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(seen.outcome, IQ_TIMEOUT);
}

static void
the_end_of_the_session_ends_all(void **state)
{
	struct session *s = *state;
	struct seen a = { 0 }, b = { 0 };

	ask(s, "a.org", &a);
	ask(s, "b.org", &b);
	s->online = false;
	iq_table_lost(s->iq);
	assert_int_equal(a.calls + b.calls, 2);
	assert_int_equal(a.outcome, IQ_LOST);
	assert_int_equal(iq_request(s, "get", "a.org",
			     stanza_el(s->ctx, "x", NS), IQ_MS, on_done, &a),
	    ERR_OFFLINE);
	assert_int_equal(a.calls, 1);
}

static void
a_forgotten_request_is_silent(void **state)
{
	struct session *s = *state;
	struct seen gone = { 0 }, kept = { 0 };

	for (int i = 0; i < 20; i++) {
		ask(s, "a.org", &gone);
		ask(s, "b.org", &kept);
	}
	iq_forget(s, &gone);
	s->clock.mono += IQ_MS;
	iq_table_expire(s->iq);
	assert_int_equal(gone.calls, 0);
	assert_int_equal(kept.calls, 20);
}

/* As many as may wait, answered in another order than asked, some never. */
static void
many_wait(void **state)
{
	struct session *s = *state;
	static char ids[IQ_PENDING_MAX][64];
	static struct seen seen[IQ_PENDING_MAX];
	struct seen extra = { 0 };
	int timeouts = 0;

	for (int i = 0; i < IQ_PENDING_MAX; i++) {
		assert_int_equal(iq_request(s, "set", "a.org", NULL,
				     1 + (i * 7919) % 1000, on_done, &seen[i]),
		    OK);
		snprintf(ids[i], sizeof(ids[i]), "%s", attr(s, "id"));
	}
	assert_int_equal(iq_request(s, "set", "a.org",
			     stanza_el(s->ctx, "x", NS), 1, on_done, &extra),
	    ERR_BUSY);
	for (int i = 0; i < IQ_PENDING_MAX; i++) {
		int k = (i * 1237) % IQ_PENDING_MAX;
		char xml[256];

		snprintf(xml, sizeof(xml),
		    "<iq type='result' from='a.org' id='%s'/>", ids[k]);
		if (k % 3 != 0)
			fake_session_receive(s, xml);
	}
	for (int ms = 1; ms <= 1000; ms++) {
		s->clock.mono++;
		iq_table_expire(s->iq);
		for (int i = 0; i < IQ_PENDING_MAX; i += 3)
			assert_int_equal(
			    seen[i].calls, 1 + (i * 7919) % 1000 <= ms);
	}
	for (int i = 0; i < IQ_PENDING_MAX; i++) {
		assert_int_equal(seen[i].calls, 1);
		timeouts += seen[i].outcome == IQ_TIMEOUT;
	}
	assert_int_equal(timeouts, (IQ_PENDING_MAX + 2) / 3);
	assert_int_equal(extra.calls, 0);
}

static void
ids_cannot_be_guessed(void **state)
{
	struct session *s = *state;
	struct session other;
	struct seen seen = { 0 };
	char id[64];

	ask(s, "a.org", &seen);
	snprintf(id, sizeof(id), "%s", attr(s, "id"));
	fake_session_init(&other, FULL, OWN);
	ask(&other, "a.org", &seen);
	assert_string_not_equal(id, attr(&other, "id"));
	fake_session_fini(&other);
	assert_true(strlen(id) >= 16);
}

/* ------------------------------------------------- requests of others */

static struct iq_in *kept;

static void
reply_now(void *arg, struct iq_in *rq)
{
	struct session *s = arg;

	iq_reply(rq,
	    stanza_el(s->ctx, iq_in_is_set(rq) ? "was-set" : "was-get", NS));
}

static void
reply_other(void *arg, struct iq_in *rq)
{
	(void)arg;
	iq_reply_error(rq, "item-not-found", "other");
}

static void
keep(void *arg, struct iq_in *rq)
{
	(void)arg;
	kept = rq;
}

static const struct iq_route routes[] = {
	{ NS, "now", IQ_GET | IQ_SET, reply_now },
	{ NS, "later", IQ_GET, keep },
	{ NS ":open", NULL, IQ_GET, reply_other },
	{ NS ":open", "now", IQ_GET, reply_now },
	{ NULL, NULL, 0, NULL },
};

#define DISCO "xmlns='" NS_DISCO_INFO "'"

static const struct {
	const char *name, *type, *payload;
	const char *want; /* in what is sent; NULL: nothing is */
} requests[] = {
	{ "get", "get", "<now xmlns='" NS "'/>", "<was-get" },
	{ "set", "set", "<now xmlns='" NS "'/>", "<was-set" },
	{ "set where only get is", "set", "<later xmlns='" NS "'/>",
	    "<bad-request" },
	{ "unknown element", "get", "<what xmlns='" NS "'/>",
	    "<feature-not-implemented" },
	{ "unknown namespace", "get", "<now xmlns='urn:x'/>",
	    "<service-unavailable" },
	{ "any element", "get", "<what xmlns='" NS ":open'/>",
	    "<item-not-found" },
	{ "named before any", "get", "<now xmlns='" NS ":open'/>", "<was-get" },
	{ "no payload", "get", "", "<bad-request" },
	{ "two payloads", "get", "<now xmlns='" NS "'/><now xmlns='" NS "'/>",
	    "<bad-request" },
	{ "ping", "get", "<ping xmlns='" NS_PING "'/>", "type=\"result\"" },
	{ "disco", "get", "<query " DISCO "/>", "category=\"client\"" },
	{ "disco feature", "get", "<query " DISCO "/>", "var=\"urn:f\"" },
	{ "disco node", "get", "<query " DISCO " node='n#1'/>",
	    "node=\"n#1\"" },
	{ "disco set", "set", "<query " DISCO "/>", "<bad-request" },
	{ "disco items", "get", "<query xmlns='" NS_DISCO_ITEMS "'/>",
	    "type=\"result\"" },
	{ "a forged roster push", "set", "<query xmlns='" NS_ROSTER "'/>",
	    "<service-unavailable" },
	{ "a result", "result", "<now xmlns='" NS "'/>", NULL },
	{ "an error", "error", "<now xmlns='" NS "'/>", NULL },
	{ "an unknown type", "do", "<now xmlns='" NS "'/>", NULL },
};

static const struct disco_identity identity = { "client", "bot", "test" };
static const char *const features[] = { "urn:f", NULL };

static void
every_request_is_answered_once(void **state)
{
	struct session *s = *state;

	iq_routes(s, routes, s);
	iq_disco(s, &identity, features);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		char xml[1024];

		print_message("  %s\n", requests[i].name);
		s->sent = 0;
		snprintf(xml, sizeof(xml),
		    "<iq type='%s' id='i%zu' from='a@b.org/c' to='" FULL
		    "'>%s</iq>",
		    requests[i].type, i, requests[i].payload);
		fake_session_receive(s, xml);
		assert_int_equal(s->sent, requests[i].want ? 1 : 0);
		if (!requests[i].want)
			continue;
		assert_non_null(strstr(s->last, requests[i].want));
		assert_string_equal(attr(s, "to"), "a@b.org/c");
		assert_string_equal(attr(s, "from"), "");
		snprintf(xml, sizeof(xml), "i%zu", i);
		assert_string_equal(attr(s, "id"), xml);
	}
}

static void
odd_requests(void **state)
{
	struct session *s = *state;
	char *xml = malloc(10000);
	char filler[3000];

	iq_routes(s, routes, s);
	fake_session_receive(s, "<iq type='get' from='a@b.org'/>");
	fake_session_receive(s, "<iq id='x' from='a@b.org'/>");
	assert_int_equal(s->sent, 0);
	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	snprintf(xml, 10000,
	    "<iq type='get' id='%s'><now xmlns='" NS "'/></iq>", filler);
	fake_session_receive(s, xml);
	assert_non_null(strstr(s->last, "<bad-request"));
	snprintf(xml, 10000,
	    "<iq type='get' id='1' from='%s'><now xmlns='" NS "'/></iq>",
	    filler);
	fake_session_receive(s, xml);
	assert_int_equal(s->sent, 2);
	assert_non_null(strstr(s->last, "<bad-request"));
	free(xml);
}

static void
a_roster_push_is_taken_from_the_server(void **state)
{
	struct session *s = *state;

	fake_session_receive(
	    s, "<iq type='set' id='1'><query xmlns='" NS_ROSTER "'/></iq>");
	assert_string_equal(attr(s, "type"), "result");
}

static void
ask_later(struct session *s, const char *from)
{
	char xml[256];

	kept = NULL;
	snprintf(xml, sizeof(xml),
	    "<iq type='get' id='7' from='%s' to='" FULL "'><later xmlns='" NS
	    "'/></iq>",
	    from);
	fake_session_receive(s, xml);
}

static void
an_answer_may_come_later(void **state)
{
	struct session *s = *state;

	iq_routes(s, routes, s);
	ask_later(s, "a@b.org/c");
	assert_int_equal(s->sent, 0);
	assert_string_equal(iq_in_from(kept), "a@b.org/c");
	assert_string_equal(xmpp_stanza_get_name(iq_in_payload(kept)), "later");
	iq_reply_error(kept, "conflict", NULL);
	assert_int_equal(s->sent, 1);
	assert_string_equal(attr(s, "id"), "7");
}

static void
an_answer_to_a_past_connection_is_not_sent(void **state)
{
	struct session *s = *state;

	iq_routes(s, routes, s);
	ask_later(s, "a@b.org/c");
	s->online = false;
	iq_table_lost(s->iq);
	s->online = true;
	iq_reply(kept, stanza_el(s->ctx, "x", NS));
	assert_int_equal(s->sent, 0);
}

static void
an_answer_after_the_end_is_safe(void **state)
{
	struct session own;

	(void)state;
	fake_session_init(&own, FULL, OWN);
	iq_routes(&own, routes, &own);
	ask_later(&own, "a@b.org/c");
	fake_session_fini(&own);
	assert_null(iq_in_payload(kept));
	assert_false(iq_in_is_set(kept));
	assert_string_equal(iq_in_from(kept), "a@b.org/c");
	iq_reply(kept, NULL);
}

static void
those_that_wait_are_limited(void **state)
{
	struct session *s = *state;
	static struct iq_in *all[IQ_DEFERRED_MAX];

	iq_routes(s, routes, s);
	for (int i = 0; i < IQ_DEFERRED_MAX; i++) {
		ask_later(s, "a@b.org/c");
		all[i] = kept;
	}
	ask_later(s, "a@b.org/c");
	assert_null(kept);
	assert_non_null(strstr(s->last, "<resource-constraint"));
	for (int i = 0; i < IQ_DEFERRED_MAX; i++)
		iq_reply(all[(i * 5) % IQ_DEFERRED_MAX], NULL);
	ask_later(s, "a@b.org/c");
	assert_non_null(kept);
	iq_reply(kept, NULL);
}

static void
a_component_answers_from_the_address_asked(void **state)
{
	struct session c;

	(void)state;
	fake_session_init(&c, "reg.org", "reg.org");
	fake_session_receive(&c,
	    "<iq type='get' id='1' from='a@b.org/c' "
	    "to='x@reg.org'><ping xmlns='" NS_PING "'/></iq>");
	assert_string_equal(attr(&c, "from"), "x@reg.org");
	assert_string_equal(attr(&c, "to"), "a@b.org/c");
	fake_session_fini(&c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    only_the_asked_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_answer_counts_once, setup, teardown),
		cmocka_unit_test_setup_teardown(time_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_real_timer_fires, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_end_of_the_session_ends_all, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_forgotten_request_is_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(many_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    ids_cannot_be_guessed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    every_request_is_answered_once, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_roster_push_is_taken_from_the_server, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_answer_may_come_later, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_answer_to_a_past_connection_is_not_sent, setup,
		    teardown),
		cmocka_unit_test(an_answer_after_the_end_is_safe),
		cmocka_unit_test_setup_teardown(
		    those_that_wait_are_limited, setup, teardown),
		cmocka_unit_test(a_component_answers_from_the_address_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
