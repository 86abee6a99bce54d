/* A request, and what a reader makes of any answer. */
#include "again.h"
#include "protocol/sensor_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
value(
    void *arg, const struct node_ref *ref, int64_t at, const struct sd_value *v)
{
	(void)sd_put(arg, ref, at, v);
}

static void
error(void *arg, const struct node_ref *ref, const char *text)
{
	(void)arg;
	(void)ref;
	(void)text;
}

static xmpp_stanza_t *
fields_again(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct sd_writer w = { .ctx = ctx };
	const struct sd_reader to = { value, error, &w };
	bool done;

	if (sd_each(el, &to, &w.seqnr, &done) != OK ||
	    strcmp(xmpp_stanza_get_name(el), "fields") != 0) {
		sd_drop(&w);
		return NULL;
	}
	return sd_take(&w, true);
}

static xmpp_stanza_t *
again(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	xmpp_stanza_t *out = fields_again(ctx, el);
	struct sd_req r;

	if (out)
		return out;
	if (sd_req_parse(el, &r, NULL) == OK)
		out = sd_req_build(ctx, &r);
	sd_req_fini(&r);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return again_run(data, size, again);
}
