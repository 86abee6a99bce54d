/* Forms too, which control uses. */
#include "canon.h"
#include "protocol/control.h"
#include "protocol/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NS " xmlns='" CONTROL_NS "'"
#define X(inner) "<x type='submit' xmlns='" FORM_NS "'>" inner "</x>"
#define FIELD(var, value) \
	"<field var='" var "'><value>" value "</value></field>"

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
} sets[] = {
	{ "one", "<set" NS "><boolean name='Output' value='true'/></set>", OK,
	    NULL },
	{ "an older name of boolean",
	    "<set" NS "><bool name='Output' value='1'/></set>", OK,
	    "<set" NS "><boolean name='Output' value='1'/></set>" },
	{ "all types, in their order",
	    "<set serviceToken='t'" NS "><node nodeId='a' sourceId='S'/>"
	    "<time name='j' value='12:00:00'/><int name='a' value='1'/>"
	    "<long name='b' value='2'/><double name='c' value='1.5'/>"
	    "<string name='d' value=''/><date name='e' value='2013-01-01'/>"
	    "<dateTime name='f' value='2013-01-01T00:00:00Z'/>"
	    "<duration name='g' value='PT5S'/><color name='h' value='ff0000'/>"
	    "<boolean name='i' value='0'/></set>",
	    OK, NULL },
	{ "a form",
	    "<set" NS
	    "><node nodeId='a'/>" X(FIELD("b", "2") FIELD("a", "1")) "</set>",
	    OK, NULL },
	{ "a form with what is the dialogue's",
	    "<set" NS ">" X(FIELD("xdd session", "7")
		    FIELD("a", "1") "<field var='none'/>") "</set>",
	    OK, "<set" NS ">" X(FIELD("a", "1")) "</set>" },
	{ "what is not known is passed over",
	    "<set" NS "><colour name='x'/><int name='a' value='1'/></set>", OK,
	    "<set" NS "><int name='a' value='1'/></set>" },
	{ "nothing", "<set" NS "/>", ERR_PROTO, NULL },
	{ "an empty form", "<set" NS ">" X("") "</set>", ERR_PROTO, NULL },
	{ "no name", "<set" NS "><int value='1'/></set>", ERR_PROTO, NULL },
	{ "no value", "<set" NS "><int name='a'/></set>", ERR_PROTO, NULL },
	{ "twice the same",
	    "<set" NS "><int name='a' value='1'/><long name='a' value='1'/>"
	    "</set>",
	    ERR_PROTO, NULL },
	{ "twice in the form",
	    "<set" NS ">" X(FIELD("a", "1") FIELD("a", "2")) "</set>",
	    ERR_PROTO, NULL },
	{ "parameters and a form",
	    "<set" NS "><int name='a' value='1'/>" X(FIELD("b", "1")) "</set>",
	    ERR_PROTO, NULL },
	{ "a type that is not known",
	    "<set" NS "><int name='a' value='1'/><enum name='b' value='2'/>"
	    "</set>",
	    ERR_PROTO, NULL },
	{ "two values in the form",
	    "<set" NS ">" X("<field var='a'><value>1</value><value>2</value>"
			    "</field>") "</set>",
	    ERR_PROTO, NULL },
	{ "a form that was called off",
	    "<set" NS "><x type='cancel' xmlns='" FORM_NS
	    "'>" FIELD("a", "1") "</x></set>",
	    ERR_PROTO, NULL },
	{ "a node without id",
	    "<set" NS "><node/><int name='a' value='1'/></set>", ERR_PROTO,
	    NULL },
};

static void
reads_and_writes_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		xmpp_stanza_t *in = el(sets[i].xml);
		struct errbuf eb = { "" };
		struct ctl_set s;
		enum err e = ctl_set_parse(in, &s, &eb);

		if (e != sets[i].want)
			fail_msg("%s: %d %s", sets[i].name, e, eb.text);
		if (e == OK) {
			char *got = canon(ctl_set_build(ctx, &s));
			char *want = canon(
			    el(sets[i].again ? sets[i].again : sets[i].xml));

			assert_string_equal(got, want);
			free(got);
			free(want);
		} else {
			assert_true(*eb.text);
		}
		ctl_set_fini(&s);
		xmpp_stanza_release(in);
	}
}

static void
caps_the_parameters(void **state)
{
	struct buf b = { 0 };
	struct ctl_set s;
	xmpp_stanza_t *in;

	(void)state;
	buf_puts(&b, "<set" NS ">");
	for (int i = 0; i <= CTL_PARAMS_MAX; i++)
		buf_printf(&b, "<int name='%d' value='1'/>", i);
	buf_puts(&b, "</set>");
	in = el(b.data);
	assert_int_equal(ctl_set_parse(in, &s, NULL), ERR_RANGE);
	ctl_set_fini(&s);
	xmpp_stanza_release(in);
	buf_fini(&b);
}

static void
asks_for_a_form(void **state)
{
	xmpp_stanza_t *in = el("<getForm userToken='u'" NS "><node "
			       "nodeId='a' sourceId='S'/></getForm>");
	struct ctl_set s;
	char *got, *want;

	(void)state;
	assert_int_equal(ctl_form_parse(in, &s, NULL), OK);
	got = canon(ctl_form_build(ctx, &s));
	want = canon(in);
	assert_string_equal(got, want);
	free(got);
	free(want);
	ctl_set_fini(&s);
}

static void
tells_what_was_done(void **state)
{
	const char *asked[] = { "a" };
	struct names params = { asked, 1, 1 }, seen = { 0 };
	struct node_ref ref = { "n", "S", "" };
	struct node_refs nodes = { &ref, 1, 1 }, back = { 0 };
	xmpp_stanza_t *done = ctl_done(ctx, &nodes, &params);
	char *got;

	(void)state;
	assert_int_equal(ctl_done_parse(done, &back, &seen, NULL), OK);
	assert_int_equal(back.n, 1);
	assert_true(node_ref_same(&back.v[0], &ref));
	assert_true(names_has(&seen, "a"));
	assert_false(names_has(&seen, "b"));
	node_refs_fini(&back);
	names_fini(&seen);
	got = canon(done);
	assert_string_equal(got,
	    "<setResponse" NS "><node nodeId='n' sourceId='S'/>"
	    "<parameter name='a'/></setResponse>");
	free(got);
	got = canon(ctl_done(ctx, NULL, NULL));
	assert_string_equal(got, "<setResponse" NS "/>");
	free(got);
}

static void
tells_which_parameter_is_wrong(void **state)
{
	xmpp_stanza_t *iq = xmpp_iq_new(ctx, "error", "1");
	xmpp_stanza_t *error = stanza_error(ctx, "bad-request", "no");
	char *text = NULL;

	(void)state;
	assert_null(ctl_find_param_error(iq, &text));
	stanza_add(error, ctl_param_error(ctx, "T & U", "1 to 5 <only>"));
	stanza_add(iq, error);
	assert_string_equal(ctl_find_param_error(iq, &text), "T & U");
	assert_string_equal(text, "1 to 5 <only>");
	assert_string_equal(stanza_condition(iq), "bad-request");
	free(text);
	xmpp_stanza_release(iq);
}

static void
a_form_keeps_all_of_a_field(void **state)
{
	const struct form_option options[] = { { "An", "1" }, { NULL, "0" } };
	const struct form_field f = { .var = "Mode",
		.type = "list-single",
		.label = "Mode of <it>",
		.desc = "what it does",
		.value = "1",
		.datatype = "xs:int",
		.min = "0",
		.max = "1",
		.group = "g",
		.options = options,
		.n_options = 2,
		.not_same = true };
	xmpp_stanza_t *x = form_new(ctx, "form", "Boiler");
	struct form form;
	char *got;

	(void)state;
	form_put(ctx, x, &f);
	form_put(ctx, x, &(struct form_field){ .var = "b" });
	assert_int_equal(form_parse(x, &form, NULL), OK);
	assert_string_equal(form.title, "Boiler");
	assert_string_equal(form.type, "form");
	assert_int_equal(form.n, 2);
	assert_string_equal(form_value(&form, "Mode"), "1");
	assert_null(form_value(&form, "b"));
	assert_null(form_value(&form, "c"));
	assert_string_equal(form.v[0].min, "0");
	assert_string_equal(form.v[0].options[0].label, "An");
	assert_null(form.v[0].options[1].label);
	xmpp_stanza_release(x);
	x = form_new(ctx, "form", form.title);
	for (size_t i = 0; i < form.n; i++)
		form_put(ctx, x, &form.v[i]);
	got = canon(x);
	assert_string_equal(got,
	    "<x type='form' xmlns='" FORM_NS "'><title>Boiler</title>"
	    "<field label='Mode of <it>' type='list-single' var='Mode'>"
	    "<desc>what it does</desc><validate datatype='xs:int' "
	    "xmlns='" VALIDATE_NS "'><range max='1' min='0'/></validate>"
	    "<option label='An'><value>1</value></option><option><value>0"
	    "</value></option><value>1</value><notSame xmlns='" DYNAMIC_NS "'/>"
	    "<parameterGroup name='g'" NS "/></field><field var='b'/></x>");
	free(got);
	form_fini(&form);
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
		cmocka_unit_test(reads_and_writes_sets),
		cmocka_unit_test(caps_the_parameters),
		cmocka_unit_test(asks_for_a_form),
		cmocka_unit_test(tells_what_was_done),
		cmocka_unit_test(tells_which_parameter_is_wrong),
		cmocka_unit_test(a_form_keeps_all_of_a_field),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
