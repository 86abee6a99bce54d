/* The session and its IQ layer are played by this file. */
#include "registry-client/owner.h"

#include "protocol/stanza.h"
#include "xmpp/iq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct {
	xmpp_ctx_t *ctx;
	enum err answer; /* of iq_request */
	char type[8], to[64];
	xmpp_stanza_t *payload;
	iq_done done;
	void *arg;
} fake;

xmpp_ctx_t *
session_ctx(const struct session *s)
{
	(void)s;
	return fake.ctx;
}

enum err
/* NOLINTNEXTLINE(readability-function-size): as iq.h has it */
iq_request(struct session *s, const char *type, const char *to,
    xmpp_stanza_t *payload, int64_t timeout_ms, iq_done done, void *arg)
{
	(void)s;
	(void)timeout_ms;
	if (fake.answer != OK) {
		xmpp_stanza_release(payload);
		return fake.answer;
	}
	snprintf(fake.type, sizeof(fake.type), "%s", type);
	snprintf(fake.to, sizeof(fake.to), "%s", to);
	fake.payload = payload;
	fake.done = done;
	fake.arg = arg;
	return OK;
}

struct got {
	int calls;
	enum err err;
	char condition[64], text[256], jid[64], node[64];
};

static void
take(void *arg, const struct owner_reply *r)
{
	struct got *g = arg;

	g->calls++;
	g->err = r->err;
	snprintf(g->condition, sizeof(g->condition), "%s",
	    r->condition ? r->condition : "");
	snprintf(g->text, sizeof(g->text), "%s", r->text);
	snprintf(g->jid, sizeof(g->jid), "%s", r->jid ? r->jid : "");
	snprintf(g->node, sizeof(g->node), "%s,%s,%s", r->node.node,
	    r->node.source, r->node.cache);
}

static void
ask(enum disc_op op, struct got *g)
{
	struct disc_msg m = { .op = op, .jid = "rack@example.org" };

	memset(g, 0, sizeof(*g));
	if (op == DISC_MINE)
		assert_int_equal(
		    tags_add(&m.tags, "KEY", "secret", false, NULL), OK);
	assert_int_equal(
	    owner_request(NULL, "reg.example.org", &m, 1000, take, g), OK);
	discovery_fini(&m);
	assert_int_equal(g->calls, 0);
	assert_string_equal(fake.type, "set");
	assert_string_equal(fake.to, "reg.example.org");
	assert_string_equal(
	    xmpp_stanza_get_name(fake.payload), discovery_name(op));
	xmpp_stanza_release(fake.payload);
}

#define CLAIMED(attrs) \
	"<iq type='result'><claimed xmlns='" DISCOVERY_NS "' " attrs "/></iq>"
#define ERROR(condition)                                    \
	"<iq type='error'><error type='cancel'><" condition \
	" xmlns='" NS_STANZAS "'/></error></iq>"

static const struct {
	const char *name;
	enum disc_op op;
	enum iq_outcome outcome;
	const char *xml;
	enum err err;
	const char *condition, *jid, *node;
} cases[] = {
	{ "claimed", DISC_MINE, IQ_RESULT, CLAIMED("jid='Thing@example.org/x'"),
	    OK, "", "thing@example.org", ",," },
	{ "claimed behind a concentrator", DISC_MINE, IQ_RESULT,
	    CLAIMED("jid='rack@example.org' nodeId='imc1' sourceId='s'"), OK,
	    "", "rack@example.org", "imc1,s," },
	{ "mine answered by nothing", DISC_MINE, IQ_RESULT, "<iq/>", ERR_PROTO,
	    "", "", ",," },
	{ "mine answered without a jid", DISC_MINE, IQ_RESULT, CLAIMED(""),
	    ERR_PROTO, "", "", ",," },
	{ "mine answered by something else", DISC_MINE, IQ_RESULT,
	    "<iq><x xmlns='urn:x'/></iq>", ERR_PROTO, "", "", ",," },
	{ "not found or claimed", DISC_MINE, IQ_ERROR, ERROR("item-not-found"),
	    ERR_NOTFOUND, "item-not-found", "", ",," },
	{ "removed", DISC_REMOVE, IQ_RESULT, "<iq/>", OK, "", "", ",," },
	{ "remove: not found", DISC_REMOVE, IQ_ERROR, ERROR("item-not-found"),
	    ERR_NOTFOUND, "item-not-found", "", ",," },
	{ "disown: not allowed", DISC_DISOWN, IQ_ERROR, ERROR("not-allowed"),
	    ERR_REFUSED, "not-allowed", "", ",," },
	{ "update: bad request", DISC_UPDATE, IQ_ERROR, ERROR("bad-request"),
	    ERR_REFUSED, "bad-request", "", ",," },
	{ "no registry there", DISC_MINE, IQ_ERROR,
	    ERROR("service-unavailable"), ERR_OFFLINE, "service-unavailable",
	    "", ",," },
	{ "an error without a condition", DISC_MINE, IQ_ERROR, "<iq/>",
	    ERR_REFUSED, "undefined-condition", "", ",," },
	{ "no answer", DISC_MINE, IQ_TIMEOUT, NULL, ERR_TIMEOUT, "", "", ",," },
	{ "connection lost", DISC_DISOWN, IQ_LOST, NULL, ERR_OFFLINE, "", "",
	    ",," },
};

static void
replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *st = cases[i].xml
		    ? xmpp_stanza_new_from_string(fake.ctx, cases[i].xml)
		    : NULL;
		struct got g;

		print_message("  %s\n", cases[i].name);
		ask(cases[i].op, &g);
		fake.done(fake.arg, cases[i].outcome, st);
		assert_int_equal(g.calls, 1);
		assert_int_equal(g.err, cases[i].err);
		assert_string_equal(g.condition, cases[i].condition);
		assert_string_equal(g.jid, cases[i].jid);
		assert_string_equal(g.node, cases[i].node);
		assert_true(*g.text != '\0');
		assert_null(strstr(g.text, "secret"));
		if (st)
			xmpp_stanza_release(st);
	}
}

static void
not_sent(void **state)
{
	struct disc_msg m = { .op = DISC_REMOVE, .jid = "a@b" };
	struct got g = { 0 };

	(void)state;
	fake.answer = ERR_OFFLINE;
	assert_int_equal(
	    owner_request(NULL, "reg", &m, 1000, take, &g), ERR_OFFLINE);
	assert_int_equal(g.calls, 0);
	fake.answer = OK;
}

static int
setup(void **state)
{
	(void)state;
	fake.ctx = xmpp_ctx_new(NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	xmpp_ctx_free(fake.ctx);
	return 0;
}

#define FOUND(attrs, things)                                                  \
	"<iq type='result'><found xmlns='" DISCOVERY_NS "' " attrs ">" things \
	"</found></iq>"
#define THING(node) \
	"<thing owner='o@x.org' jid='rack@x.org' nodeId='" node "'/>"

static const struct {
	const char *name;
	enum iq_outcome outcome;
	const char *xml;
	enum err err;
	size_t n;
	bool more;
} searches[] = {
	{ "found", IQ_RESULT, FOUND("more='true'", THING("a") THING("b")), OK,
	    2, true },
	{ "nothing found", IQ_RESULT, FOUND("", ""), OK, 0, false },
	{ "an answer that is none", IQ_RESULT, "<iq/>", ERR_PROTO, 0, false },
	{ "a thing without address", IQ_RESULT, FOUND("", "<thing/>"),
	    ERR_PROTO, 0, false },
	{ "bad request", IQ_ERROR, ERROR("bad-request"), ERR_REFUSED, 0,
	    false },
	{ "no search there", IQ_ERROR, ERROR("feature-not-implemented"),
	    ERR_UNSUP, 0, false },
	{ "too much", IQ_ERROR, ERROR("resource-constraint"), ERR_REFUSED, 0,
	    false },
	{ "no answer", IQ_TIMEOUT, NULL, ERR_TIMEOUT, 0, false },
	{ "connection lost", IQ_LOST, NULL, ERR_OFFLINE, 0, false },
};

struct got_found {
	int calls;
	enum err err;
	size_t n;
	bool more;
	char text[256];
};

static void
take_found(void *arg, const struct owner_reply *r)
{
	struct got_found *g = arg;

	g->calls++;
	g->err = r->err;
	g->n = r->found ? r->found->n : 0;
	g->more = r->found && r->found->more;
	snprintf(g->text, sizeof(g->text), "%s", r->text);
}

static void
pages(void **state)
{
	const struct search_op op = { .kind = SEARCH_EQ, .value = "1" };
	struct search s = { .offset = 3 };

	(void)state;
	assert_int_equal(search_add(&s, "A", &op, NULL), OK);
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		xmpp_stanza_t *st = searches[i].xml
		    ? xmpp_stanza_new_from_string(fake.ctx, searches[i].xml)
		    : NULL;
		struct got_found g = { 0 };

		print_message("  %s\n", searches[i].name);
		assert_int_equal(owner_search(NULL, "reg.example.org", &s, 1000,
				     take_found, &g),
		    OK);
		assert_string_equal(fake.type, "get");
		assert_string_equal(
		    xmpp_stanza_get_attribute(fake.payload, "offset"), "3");
		xmpp_stanza_release(fake.payload);
		fake.done(fake.arg, searches[i].outcome, st);
		assert_int_equal(g.calls, 1);
		assert_int_equal(g.err, searches[i].err);
		assert_int_equal(g.n, searches[i].n);
		assert_int_equal(g.more, searches[i].more);
		assert_true(*g.text);
		if (st)
			xmpp_stanza_release(st);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies),
		cmocka_unit_test(pages),
		cmocka_unit_test(not_sent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
