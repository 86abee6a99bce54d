#include "again.h"
#include "protocol/adhoc.h"
#include "protocol/form.h"
#include "protocol/node_ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The forms of peers are read too, and the rows of a table. */
static void
read_form(xmpp_stanza_t *x)
{
	xmpp_stanza_t *c = x ? xmpp_stanza_get_children(x) : NULL;
	struct form f;

	if (x && form_parse(x, &f, NULL) == OK)
		(void)form_value(&f, "who");
	if (x)
		form_fini(&f);
	for (; (c = child_next(c, "item", FORM_NS));
	     c = xmpp_stanza_get_next(c)) {
		if (form_parse_row(c, &f, NULL) == OK)
			(void)form_field(&f, "rule");
		form_fini(&f);
	}
}

static xmpp_stanza_t *
again_req(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct adhoc_req r;

	if (adhoc_req_parse(el, &r, NULL) != OK)
		return NULL;
	read_form(r.form);
	return adhoc_req_build(ctx, &r);
}

static xmpp_stanza_t *
again_answer(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct adhoc_answer a;
	xmpp_stanza_t *out = NULL;

	if (adhoc_answer_parse(el, &a, NULL) == OK) {
		read_form(a.form);
		out = adhoc_answer_build(ctx, &a);
	}
	adhoc_answer_fini(&a);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	again_run(data, size, again_req);
	return again_run(data, size, again_answer);
}
