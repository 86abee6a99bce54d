#include "again.h"
#include "protocol/provisioning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static xmpp_stanza_t *
again(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	xmpp_stanza_t *out = NULL;
	struct prov_msg m;

	if (prov_parse(el, &m, NULL) == OK)
		out = prov_build(ctx, &m);
	prov_fini(&m);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return again_run(data, size, again);
}
