#include "canon.h"
#include "protocol/concentrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NS " xmlns='" CONCENTRATOR_NS "'"

static xmpp_ctx_t *ctx;

static xmpp_stanza_t *
el(const char *xml)
{
	xmpp_stanza_t *out = xmpp_stanza_new_from_string(ctx, xml);

	assert_non_null(out);
	return out;
}

static const struct {
	const char *name, *xml;
	enum err want;
	const char *again; /* NULL: the same */
} reqs[] = {
	{ "getCapabilities", "<getCapabilities" NS "/>", OK, NULL },
	{ "getAllDataSources", "<getAllDataSources userToken='u'" NS "/>", OK,
	    NULL },
	{ "getChildDataSources", "<getChildDataSources sourceId='S'" NS "/>",
	    OK, NULL },
	{ "containsNode", "<containsNode nodeId='n' sourceId='S'" NS "/>", OK,
	    NULL },
	{ "containsNodes",
	    "<containsNodes" NS "><node nodeId='n' sourceId='S'/><node "
	    "nodeId='m' sourceId='S'/></containsNodes>",
	    OK, NULL },
	{ "getNode",
	    "<getNode cacheType='c' messages='true' nodeId='n' "
	    "parameters='true' sourceId='S'" NS "/>",
	    OK, NULL },
	{ "getAllNodes",
	    "<getAllNodes parameters='true' sourceId='S'" NS
	    "><onlyIfDerivedFrom>A</onlyIfDerivedFrom></getAllNodes>",
	    OK, NULL },
	{ "getChildNodes",
	    "<getChildNodes nodeId='n' sourceId='S'" NS "><sortOrder "
	    "parameterName='a'/><sortOrder ascending='false' "
	    "parameterName='b'/></getChildNodes>",
	    OK, NULL },
	{ "subscribe",
	    "<subscribe nodeAdded='true' nodeStatusChanged='1' "
	    "nodeMovedUp='false' parameters='true' sourceId='S'" NS "/>",
	    OK,
	    "<subscribe nodeAdded='true' nodeStatusChanged='true' "
	    "parameters='true' sourceId='S'" NS "/>" },
	{ "executeNodeCommand",
	    "<executeNodeCommand command='share' nodeId='n' sourceId='S'" NS
	    "><x type='submit' xmlns='" FORM_NS "'/></executeNodeCommand>",
	    OK, NULL },
	{ "one that is not served", "<getIndices sourceId='S'" NS "/>", OK,
	    "<getIndices" NS "/>" },
	{ "the last of them", "<startDatabaseReadout" NS "/>", OK, NULL },
	{ "unknown", "<getWeather" NS "/>", ERR_UNSUP, NULL },
	{ "another namespace", "<getNode xmlns='urn:x'/>", ERR_UNSUP, NULL },
	{ "no source", "<getNode nodeId='n'" NS "/>", ERR_PROTO, NULL },
	{ "no node", "<getAncestors sourceId='S'" NS "/>", ERR_PROTO, NULL },
	{ "no command", "<executeNodeCommand nodeId='n' sourceId='S'" NS "/>",
	    ERR_PROTO, NULL },
	{ "a flag in words",
	    "<getNode nodeId='n' sourceId='S' messages='x'" NS "/>", ERR_PROTO,
	    NULL },
	{ "an event in words", "<subscribe sourceId='S' nodeAdded='x'" NS "/>",
	    ERR_PROTO, NULL },
	{ "too many orders",
	    "<getChildNodes nodeId='n' sourceId='S'" NS
	    "><sortOrder/><sortOrder/><sortOrder/><sortOrder/><sortOrder/>"
	    "<sortOrder/><sortOrder/><sortOrder/><sortOrder/></getChildNodes>",
	    ERR_RANGE, NULL },
};

static void
reads_and_writes_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reqs) / sizeof(reqs[0]); i++) {
		xmpp_stanza_t *in = el(reqs[i].xml);
		struct errbuf eb = { "" };
		struct conc_req r;
		enum err e = conc_req_parse(in, &r, &eb);

		if (e != reqs[i].want)
			fail_msg("%s: %d %s", reqs[i].name, e, eb.text);
		if (e == OK) {
			char *got = canon(conc_req_build(ctx, &r));
			char *want = canon(
			    el(reqs[i].again ? reqs[i].again : reqs[i].xml));

			assert_string_equal(got, want);
			free(got);
			free(want);
		}
		conc_req_fini(&r);
		xmpp_stanza_release(in);
	}
}

/* Each of the 44 has a name, its response fits, and it can be read. */
static void
knows_all_requests(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CONC_CMDS; i++) {
		enum conc_result r = CONC_RESULTS;
		xmpp_stanza_t *out =
		    conc_response(ctx, (enum conc_cmd)i, CONC_LOCKED);
		const char *name = xmpp_stanza_get_name(out);
		size_t n = strlen(conc_cmd_name((enum conc_cmd)i));

		assert_memory_equal(name, conc_cmd_name((enum conc_cmd)i), n);
		assert_string_equal(name + n, "Response");
		assert_int_equal(conc_result_parse(out, &r), OK);
		assert_int_equal(r, CONC_LOCKED);
		xmpp_stanza_release(out);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(conc_cmd_name((enum conc_cmd)i),
			    conc_cmd_name((enum conc_cmd)j));
	}
}

static void
tells_of_a_node(void **state)
{
	const struct conc_param params[] = {
		{ CTL_STRING, "addr", "Address", "3" },
		{ CTL_LONG, "ok", "Answers", "12345678901" },
	};
	const struct conc_message messages[] = { { 1362673470000, CONC_WARNING,
	    "<late>" } };
	const struct conc_node n = { .ref = { "n", "S", "" },
		.display = "Main",
		.type = "Modbus.Unit",
		.parent = "rs485",
		.state = CONC_STATE_ERROR_UNSIGNED,
		.readable = true,
		.has_commands = true,
		.changed = 1362673470000,
		.params = params,
		.n_params = 2,
		.messages = messages,
		.n_messages = 1 };
	xmpp_stanza_t *event = conc_event_new(ctx, CONC_STATUS_CHANGED), *at;
	struct conc_param p;
	struct conc_node back;
	enum conc_event kind;
	enum conc_level level;
	int64_t when;
	char *text;

	(void)state;
	conc_node_build(ctx, event, &n);
	assert_true(conc_event_parse(event, &kind));
	assert_int_equal(kind, CONC_STATUS_CHANGED);
	assert_int_equal(conc_node_parse(event, &back), OK);
	assert_true(node_ref_same(&back.ref, &n.ref));
	assert_string_equal(back.display, "Main");
	assert_string_equal(back.parent, "rs485");
	assert_int_equal(back.state, n.state);
	assert_true(back.readable && back.has_commands);
	assert_false(back.has_children || back.controllable || back.ordered);
	assert_int_equal(back.changed, n.changed);
	at = conc_param_next(xmpp_stanza_get_children(event), &p);
	assert_string_equal(p.id, "addr");
	at = conc_param_next(xmpp_stanza_get_next(at), &p);
	assert_int_equal(p.type, CTL_LONG);
	assert_string_equal(p.value, "12345678901");
	assert_null(conc_param_next(xmpp_stanza_get_next(at), &p));
	at = conc_message_next(
	    xmpp_stanza_get_children(event), &when, &level, &text);
	assert_int_equal(when, 1362673470000);
	assert_int_equal(level, CONC_WARNING);
	assert_string_equal(text, "<late>");
	free(text);
	assert_null(
	    conc_message_next(xmpp_stanza_get_next(at), &when, &level, &text));
	text = canon(event);
	assert_string_equal(text,
	    "<nodeStatusChanged displayName='Main' hasChildren='false' "
	    "hasCommands='true' isReadable='true' "
	    "lastChanged='2013-03-07T16:24:30.000Z' nodeId='n' "
	    "nodeType='Modbus.Unit' parentId='rs485' sourceId='S' "
	    "state='ErrorUnsigned'" NS ">"
	    "<string id='addr' name='Address' value='3'/>"
	    "<long id='ok' name='Answers' value='12345678901'/>"
	    "<message timestamp='2013-03-07T16:24:30.000Z' type='Warning'>"
	    "<late></message></nodeStatusChanged>");
	free(text);
}

static void
refuses_half_nodes(void **state)
{
	static const char *const wrong[] = {
		"<node state='None' hasChildren='false'" NS "/>",
		"<node nodeId='n' hasChildren='false'" NS "/>",
		"<node nodeId='n' state='Fine'" NS "/>",
		"<node nodeId='n' state='None' isReadable='x'" NS "/>",
	};
	struct conc_node n;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		xmpp_stanza_t *in = el(wrong[i]);

		assert_int_equal(conc_node_parse(in, &n), ERR_PROTO);
		xmpp_stanza_release(in);
	}
}

static void
tells_of_sources_and_commands(void **state)
{
	xmpp_stanza_t *out =
	    conc_response(ctx, CONC_GET_ALL_DATA_SOURCES, CONC_OK);
	const struct conc_source s = { "S", "Meters", false, 1362673470000 };
	const struct conc_command c = { "reset", "Reset", CONC_SIMPLE,
		"Really?", NULL, "Done." };
	struct conc_source source;
	struct conc_command command;
	xmpp_stanza_t *at;

	(void)state;
	conc_source_build(ctx, out, &s);
	conc_command_build(ctx, out, &c);
	at = xmpp_stanza_get_children(out);
	assert_int_equal(conc_source_parse(at, &source), OK);
	assert_string_equal(source.id, "S");
	assert_string_equal(source.name, "Meters");
	assert_int_equal(source.changed, s.changed);
	assert_int_equal(conc_command_parse(at, &command), ERR_PROTO);
	at = xmpp_stanza_get_next(at);
	assert_int_equal(conc_command_parse(at, &command), OK);
	assert_string_equal(command.command, "reset");
	assert_string_equal(command.confirmation, "Really?");
	assert_string_equal(command.failure, "");
	assert_int_equal(command.type, CONC_SIMPLE);
	assert_int_equal(conc_source_parse(at, &source), ERR_PROTO);
	xmpp_stanza_release(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_requests),
		cmocka_unit_test(knows_all_requests),
		cmocka_unit_test(tells_of_a_node),
		cmocka_unit_test(refuses_half_nodes),
		cmocka_unit_test(tells_of_sources_and_commands),
	};
	int rc;

	ctx = xmpp_ctx_new(NULL, NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	return rc;
}
