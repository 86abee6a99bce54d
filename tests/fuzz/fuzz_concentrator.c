#include "again.h"
#include "protocol/concentrator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever stands in an answer is read without harm. */
static void
read_all(xmpp_stanza_t *el)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(el), *at;
	struct conc_command command;
	struct conc_source source;
	struct conc_param p;
	struct conc_node n;
	enum conc_result r;
	enum conc_level level;
	int64_t when;
	char *text;

	(void)!conc_result_parse(el, &r);
	for (at = c; (at = conc_param_next(at, &p));
	     at = xmpp_stanza_get_next(at)) {
	}
	for (at = c; (at = conc_message_next(at, &when, &level, &text));
	     at = xmpp_stanza_get_next(at))
		free(text);
	for (; c; c = xmpp_stanza_get_next(c)) {
		if (!xmpp_stanza_is_tag(c))
			continue;
		(void)!conc_node_parse(c, &n);
		(void)!conc_source_parse(c, &source);
		(void)!conc_command_parse(c, &command);
	}
}

static xmpp_stanza_t *
again(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	enum conc_event kind;
	struct conc_req r;
	struct conc_node n;
	xmpp_stanza_t *out = NULL;

	read_all(el);
	if (conc_event_parse(el, &kind) && conc_node_parse(el, &n) == OK) {
		out = conc_event_new(ctx, kind);
		conc_node_build(ctx, out, &n);
		return out;
	}
	if (conc_req_parse(el, &r, NULL) == OK)
		out = conc_req_build(ctx, &r);
	conc_req_fini(&r);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return again_run(data, size, again);
}
