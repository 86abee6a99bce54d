/* A discovery element that is taken is the same after it is built again. */
#include "common/mem.h"
#include "protocol/discovery.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static void
check_same(const struct disc_msg *a, const struct disc_msg *b)
{
	must(a->op == b->op);
	must(same_text(a->jid, b->jid));
	must(same_text(a->node.node, b->node.node));
	must(same_text(a->node.source, b->node.source));
	must(same_text(a->node.cache, b->node.cache));
	must(a->is_public == b->is_public);
	must(a->self_owned == b->self_owned);
	must(a->tags.n == b->tags.n);
	for (size_t i = 0; i < a->tags.n; i++)
		must(tag_equal(&a->tags.v[i], &b->tags.v[i]));
}

static void
check(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct disc_msg m, again;
	xmpp_stanza_t *built;

	if (discovery_parse(el, &m, NULL) == OK) {
		built = discovery_build(ctx, &m);
		must(discovery_parse(built, &again, NULL) == OK);
		check_same(&m, &again);
		discovery_fini(&again);
		xmpp_stanza_release(built);
	}
	discovery_fini(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	char *text = mem_strndup((const char *)data, size);
	xmpp_stanza_t *el = xmpp_stanza_new_from_string(ctx, text);

	if (el) {
		check(ctx, el);
		xmpp_stanza_release(el);
	}
	free(text);
	xmpp_ctx_free(ctx);
	return 0;
}
