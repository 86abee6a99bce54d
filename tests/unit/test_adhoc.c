#include "canon.h"
#include "protocol/adhoc.h"
#include "protocol/form.h"
#include "protocol/node_ref.h"
#include "protocol/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NS " xmlns='" ADHOC_NS "'"
#define FORM(inner) "<x type='submit' xmlns='" FORM_NS "'>" inner "</x>"

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
	bool answer;
	enum err want;
	const char *again; /* NULL: the same */
} cases[] = {
	{ "execute", "<command action='execute' node='list'" NS "/>", false, OK,
	    NULL },
	{ "nothing said is execute", "<command node='list'" NS "/>", false, OK,
	    "<command action='execute' node='list'" NS "/>" },
	{ "a form filled in",
	    "<command action='complete' node='n' sessionid='s'" NS
	    ">" FORM("<field var='a'><value>1</value></field>") "</command>",
	    false, OK, NULL },
	{ "canceled by the requester",
	    "<command action='cancel' node='n' sessionid='s'" NS "/>", false,
	    OK, NULL },
	{ "another action", "<command action='x' node='n'" NS "/>", false,
	    ERR_PROTO, NULL },
	{ "no node", "<command action='execute'" NS "/>", false, ERR_PROTO,
	    NULL },
	{ "another element", "<order node='n'" NS "/>", false, ERR_UNSUP,
	    NULL },
	{ "another namespace", "<command node='n' xmlns='urn:x'/>", false,
	    ERR_UNSUP, NULL },
	{ "a form is asked for",
	    "<command node='n' sessionid='s' status='executing'" NS
	    "><actions execute='complete'><complete/></actions>" FORM(
		"") "</command>",
	    true, OK, NULL },
	{ "done, with a note",
	    "<command node='n' sessionid='s' status='completed'" NS
	    "><note type='info'>well</note></command>",
	    true, OK, NULL },
	{ "a note that warns is a note",
	    "<command node='n' status='canceled'" NS
	    "><note type='warn'>well</note></command>",
	    true, OK,
	    "<command node='n' status='canceled'" NS
	    "><note type='info'>well</note></command>" },
	{ "no status", "<command node='n'" NS "/>", true, ERR_PROTO, NULL },
};

static xmpp_stanza_t *
again(xmpp_stanza_t *in, bool answer, enum err *e)
{
	struct adhoc_req r;
	struct adhoc_answer a = { 0 };
	xmpp_stanza_t *out = NULL;
	struct errbuf eb = { "" };

	*e = answer ? adhoc_answer_parse(in, &a, &eb)
		    : adhoc_req_parse(in, &r, &eb);
	assert_true((*e == OK) == (*eb.text == '\0'));
	if (*e == OK)
		out = answer ? adhoc_answer_build(ctx, &a)
			     : adhoc_req_build(ctx, &r);
	adhoc_answer_fini(&a);
	return out;
}

static void
reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *in = el(cases[i].xml), *out;
		const char *want =
		    cases[i].again ? cases[i].again : cases[i].xml;
		enum err e;

		print_message("  %s\n", cases[i].name);
		out = again(in, cases[i].answer, &e);
		assert_string_equal(err_str(e), err_str(cases[i].want));
		if (out) {
			char *a = canon(out), *b = canon(el(want));

			assert_string_equal(a, b);
			free(a);
			free(b);
		}
		xmpp_stanza_release(in);
	}
}

static void
ids_that_are_too_long(void **state)
{
	char id[ADHOC_ID_MAX + 2];
	xmpp_stanza_t *in = el("<command node='n'" NS "/>");
	struct adhoc_req r;

	(void)state;
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	xmpp_stanza_set_attribute(in, "sessionid", id);
	assert_int_equal(adhoc_req_parse(in, &r, NULL), ERR_RANGE);
	id[ADHOC_ID_MAX] = '\0';
	xmpp_stanza_set_attribute(in, "sessionid", id);
	assert_int_equal(adhoc_req_parse(in, &r, NULL), OK);
	xmpp_stanza_release(in);
}

static void
all_values_of_a_field(void **state)
{
	static const char *const more[] = { "b", "c" };
	xmpp_stanza_t *x = form_new(ctx, "submit", NULL);
	const struct form_field *field;
	struct form f;

	(void)state;
	form_put(ctx, x,
	    &(struct form_field){
		.var = "names", .value = "a", .more = more, .n_more = 2 });
	assert_int_equal(form_parse(x, &f, NULL), OK);
	assert_string_equal(form_value(&f, "names"), "a");
	field = form_field(&f, "names");
	assert_int_equal(field->n_more, 2);
	assert_string_equal(field->more[1], "c");
	assert_null(form_field(&f, "name"));
	form_fini(&f);
	xmpp_stanza_release(x);
}

static void
rows_of_a_table(void **state)
{
	xmpp_stanza_t *x = form_new(ctx, "result", NULL), *row;
	struct form f;

	(void)state;
	form_submit(ctx, form_row(ctx, x, "item"), "a", "1");
	form_submit(ctx, form_row(ctx, x, "item"), "a", "2");
	row = child_next(xmpp_stanza_get_children(x), "item", FORM_NS);
	row = child_next(xmpp_stanza_get_next(row), "item", FORM_NS);
	assert_int_equal(form_parse_row(row, &f, NULL), OK);
	assert_string_equal(form_value(&f, "a"), "2");
	form_fini(&f);
	xmpp_stanza_release(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(ids_that_are_too_long),
		cmocka_unit_test(all_values_of_a_field),
		cmocka_unit_test(rows_of_a_table),
	};
	int failed;

	ctx = xmpp_ctx_new(NULL, NULL);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	return failed;
}
