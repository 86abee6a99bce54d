#include "canon.h"
#include "protocol/sensor_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NS " xmlns='" SENSOR_NS "'"

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
	{ "momentary", "<req momentary='true' seqnr='1'" NS "/>", OK, NULL },
	{ "all", "<req all='true' seqnr='2'" NS "/>", OK, NULL },
	{ "flags that make all",
	    "<req historical='1' seqnr='2' momentary='1' peak='1' status='1' "
	    "computed='1' identity='1'" NS "/>",
	    OK, "<req all='true' seqnr='2'" NS "/>" },
	{ "historical of a time",
	    "<req from='2013-03-07T16:24:30.000Z' historical='true' seqnr='-5' "
	    "to='2013-03-07T16:24:30.000Z'" NS "/>",
	    OK, NULL },
	{ "periods",
	    "<req historicalDay='true' historicalOther='true' seqnr='3'" NS
	    "/>",
	    OK, NULL },
	{ "tokens, nodes and fields",
	    "<req deviceToken='d e' seqnr='4' serviceToken='s' userToken='u' "
	    "when='2030-01-01T00:00:00.000Z'" NS "><node nodeId='a' "
	    "sourceId='S'/><node cacheType='c' nodeId='b'/><field "
	    "name='Power, L1'/></req>",
	    OK, NULL },
	{ "nothing is asked", "<req seqnr='5'" NS "/>", OK, NULL },
	{ "no seqnr", "<req momentary='true'" NS "/>", ERR_PROTO, NULL },
	{ "seqnr of 64 bits", "<req seqnr='4294967296'" NS "/>", ERR_PROTO,
	    NULL },
	{ "seqnr in words", "<req seqnr='one'" NS "/>", ERR_PROTO, NULL },
	{ "a flag in words", "<req seqnr='1' peak='yes'" NS "/>", ERR_PROTO,
	    NULL },
	{ "no time", "<req seqnr='1' from='yesterday'" NS "/>", ERR_PROTO,
	    NULL },
	{ "to before from",
	    "<req seqnr='1' from='2014-01-01T00:00:00Z' "
	    "to='2013-12-31T23:59:59Z'" NS "/>",
	    ERR_PROTO, NULL },
	{ "node without id", "<req seqnr='1'" NS "><node/></req>", ERR_PROTO,
	    NULL },
	{ "field without name", "<req seqnr='1'" NS "><field/></req>",
	    ERR_PROTO, NULL },
	{ "another namespace's children",
	    "<req seqnr='1'" NS "><x xmlns='urn:x'/><node xmlns='urn:x'/>"
	    "</req>",
	    OK, "<req seqnr='1'" NS "/>" },
};

static void
reads_and_writes_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reqs) / sizeof(reqs[0]); i++) {
		xmpp_stanza_t *in = el(reqs[i].xml);
		struct errbuf eb = { "" };
		struct sd_req r;
		enum err e = sd_req_parse(in, &r, &eb);

		if (e != reqs[i].want)
			fail_msg("%s: %d %s", reqs[i].name, e, eb.text);
		if (e == OK) {
			char *got = canon(sd_req_build(ctx, &r));
			char *want = canon(
			    el(reqs[i].again ? reqs[i].again : reqs[i].xml));

			assert_string_equal(got, want);
			free(got);
			free(want);
		} else {
			assert_true(*eb.text);
		}
		sd_req_fini(&r);
		xmpp_stanza_release(in);
	}
}

static void
caps_what_is_asked(void **state)
{
	struct buf b = { 0 };
	struct sd_req r;
	xmpp_stanza_t *in;

	(void)state;
	buf_puts(&b, "<req seqnr='1'" NS ">");
	for (int i = 0; i <= NODE_REFS_MAX; i++)
		buf_puts(&b, "<node nodeId='n'/>");
	buf_puts(&b, "</req>");
	in = el(b.data);
	assert_int_equal(sd_req_parse(in, &r, NULL), ERR_RANGE);
	sd_req_fini(&r);
	xmpp_stanza_release(in);
	buf_fini(&b);
}

#define AT 1362673470000

static void
groups_values_by_node_and_time(void **state)
{
	struct sd_writer w = { .ctx = ctx, .seqnr = 7 };
	const struct node_ref a = { "a", "S", "" }, b = { "b", "", "c" };
	const struct sd_value t = { SD_NUMERIC, "T", "23.40",
		"\xc2\xb0"
		"C",
		NULL, SD_MOMENTARY, SD_AUTOMATIC_READOUT, true, false };
	const struct sd_value mode = { SD_ENUM, "Mode", "auto", NULL, "Mode",
		SD_STATUS, 0, false, false };
	char *got;

	(void)state;
	assert_false(sd_put(&w, &a, AT, &t));
	assert_false(sd_put(&w, &a, AT, &mode));
	assert_false(sd_put(&w, &a, AT + 1, &mode));
	assert_false(sd_put(&w, &b, AT + 1, &mode));
	got = canon(sd_take(&w, true));
	assert_string_equal(got,
	    "<fields done='true' seqnr='7'" NS "><node nodeId='a' sourceId='S'>"
	    "<timestamp value='2013-03-07T16:24:30.000Z'>"
	    "<numeric automaticReadout='true' momentary='true' name='T' "
	    "unit='\xc2\xb0"
	    "C' value='23.40' writable='false'/>"
	    "<enum dataType='Mode' name='Mode' status='true' value='auto'/>"
	    "</timestamp><timestamp value='2013-03-07T16:24:30.001Z'>"
	    "<enum dataType='Mode' name='Mode' status='true' value='auto'/>"
	    "</timestamp></node><node cacheType='c' nodeId='b'>"
	    "<timestamp value='2013-03-07T16:24:30.001Z'>"
	    "<enum dataType='Mode' name='Mode' status='true' value='auto'/>"
	    "</timestamp></node></fields>");
	free(got);
	assert_null(sd_take(&w, false));
	got = canon(sd_take(&w, true));
	assert_string_equal(got, "<fields done='true' seqnr='7'" NS "/>");
	free(got);
}

/* However the values look, a message stays below 16 KiB. */
static void
fills_messages_below_16_kib(void **state)
{
	struct sd_writer w = { .ctx = ctx, .seqnr = INT32_MIN };
	char value[129];
	const struct sd_value v = { SD_NUMERIC, "<<<<<<<<<<<<<<<<<<<<<<<<",
		value, "&&&&", NULL, SD_ALL, 0x3fff, true, true };
	size_t put = 0;

	(void)state;
	memset(value, '"', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 500; i++) {
		char id[16];
		struct node_ref ref = { id, "source&", "cache'" };
		xmpp_stanza_t *message, *fields;
		char *text;
		size_t len;

		snprintf(id, sizeof(id), "n%d", i);
		put++;
		if (!sd_put(&w, &ref, AT + i, &v))
			continue;
		assert_true(put > 3);
		put = 0;
		fields = sd_take(&w, false);
		message = xmpp_message_new(ctx, NULL, "a@example.org/r", NULL);
		xmpp_stanza_add_child_ex(message, fields, 0);
		assert_int_equal(xmpp_stanza_to_text(message, &text, &len), 0);
		assert_in_range(len, SD_CHUNK / 2, 16384);
		xmpp_free(ctx, text);
		xmpp_stanza_release(message);
	}
	sd_drop(&w);
	sd_drop(&w);
}

static void
seen_value(
    void *arg, const struct node_ref *ref, int64_t at, const struct sd_value *v)
{
	buf_printf(arg, "%s/%s %lld %s %s=%s [%s%s] t%x q%x w%d%d\n", ref->node,
	    ref->source, (long long)(at - AT), sd_kind_name(v->kind), v->name,
	    v->value, v->unit, v->data_type, v->types, v->qualities,
	    v->has_writable, v->writable);
}

static void
seen_error(void *arg, const struct node_ref *ref, const char *text)
{
	buf_printf(arg, "%s/%s failed: %s\n", ref->node, ref->source, text);
}

static const struct {
	const char *xml;
	enum err want;
	bool done;
	const char *seen;
} answers[] = {
	{ "<fields seqnr='9' done='true'" NS "><node nodeId='a'><timestamp "
	  "value='2013-03-07T16:24:30Z'><numeric name='T' value='1.0' unit='C' "
	  "momentary='true' automaticReadout='true' writable='false'/><int "
	  "name='I' value='1'/><other name='X' value='1'/><int value='2'/>"
	  "<long name='bad' value='1' peak='x'/></timestamp><timestamp "
	  "value='never'><int name='I' value='3'/></timestamp></node></fields>",
	    OK, true,
	    "a/ 0 numeric T=1.0 [C] t1 q20 w10\n"
	    "a/ 0 int I=1 [] t0 q0 w00\n" },
	{ "<fields seqnr='9'" NS "/>", OK, false, "" },
	{ "<done seqnr='9'" NS "/>", OK, true, "" },
	{ "<failure seqnr='9'" NS "><error nodeId='a' sourceId='S' "
	  "timestamp='2013-03-07T16:24:30Z'>No &lt;answer></error><error "
	  "nodeId='b'/></failure>",
	    OK, false, "a/S failed: No <answer>\nb/ failed: \n" },
	{ "<fields" NS "/>", ERR_PROTO, false, "" },
	{ "<fields seqnr='9' done='perhaps'" NS "/>", ERR_PROTO, false, "" },
	{ "<started seqnr='9'" NS "/>", ERR_UNSUP, false, "" },
};

static void
reads_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		xmpp_stanza_t *in = el(answers[i].xml);
		struct buf b = { 0 };
		const struct sd_reader to = { seen_value, seen_error, &b };
		int32_t seqnr = 9;
		bool done = false;

		buf_puts(&b, "");
		assert_int_equal(
		    sd_each(in, &to, &seqnr, &done), answers[i].want);
		assert_int_equal(seqnr, 9);
		if (answers[i].want == OK) {
			assert_int_equal(done, answers[i].done);
			assert_string_equal(
			    b.data ? b.data : "", answers[i].seen);
		}
		buf_fini(&b);
		xmpp_stanza_release(in);
	}
}

static void
writes_failures(void **state)
{
	const struct node_ref ref = { "a", "S", "" };
	char *got = canon(
	    sd_failure(ctx, 3, &ref, AT, "the device does not answer", true));

	(void)state;
	assert_string_equal(got,
	    "<failure done='true' seqnr='3'" NS "><error nodeId='a' "
	    "sourceId='S' timestamp='2013-03-07T16:24:30.000Z'>the device does "
	    "not answer</error></failure>");
	free(got);
	got = canon(sd_accepted(ctx, 3, true));
	assert_string_equal(got, "<accepted queued='true' seqnr='3'" NS "/>");
	free(got);
}

static int
setup(void **state)
{
	(void)state;
	ctx = xmpp_ctx_new(NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	xmpp_ctx_free(ctx);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_requests),
		cmocka_unit_test(caps_what_is_asked),
		cmocka_unit_test(groups_values_by_node_and_time),
		cmocka_unit_test(fills_messages_below_16_kib),
		cmocka_unit_test(reads_answers),
		cmocka_unit_test(writes_failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
