/* A search, or what one found, is the same after it is built again; no KEY is
 * ever built. */
#include "common/mem.h"
#include "protocol/search.h"

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
same_op(const struct search_op *a, const struct search_op *b)
{
	must(a->kind == b->kind && a->num == b->num);
	must(a->min_out == b->min_out && a->max_out == b->max_out);
	must(strcmp(a->name, b->name) == 0);
	must(same_text(a->value, b->value));
	must(same_text(a->max, b->max));
	must(same_text(a->wildcard, b->wildcard));
}

static void
check_search(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct search s, again;
	xmpp_stanza_t *built;

	if (search_parse(el, &s, NULL) != OK)
		return;
	must(s.n > 0 && s.n <= SEARCH_OPS_MAX);
	built = search_build(ctx, &s);
	must(search_parse(built, &again, NULL) == OK);
	must(s.n == again.n);
	must(s.offset == again.offset && s.count == again.count);
	for (size_t i = 0; i < s.n; i++)
		same_op(&s.ops[i], &again.ops[i]);
	xmpp_stanza_release(built);
}

static void
same_thing(const struct found_thing *a, const struct found_thing *b)
{
	size_t key = tags_find(&a->tags, "KEY") ? 1 : 0;

	must(same_text(a->owner, b->owner) && same_text(a->jid, b->jid));
	must(same_text(a->node.node, b->node.node));
	must(same_text(a->node.source, b->node.source));
	must(same_text(a->node.cache, b->node.cache));
	must(!tags_find(&b->tags, "KEY"));
	must(a->tags.n == b->tags.n + key);
}

static void
check_found(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct found f, again;
	xmpp_stanza_t *built;

	if (found_parse(el, &f, NULL) == OK) {
		built = found_build(ctx, f.more);
		for (size_t i = 0; i < f.n; i++)
			found_add(built, &f.v[i]);
		must(found_parse(built, &again, NULL) == OK);
		must(f.more == again.more && f.n == again.n);
		for (size_t i = 0; i < f.n; i++)
			same_thing(&f.v[i], &again.v[i]);
		found_fini(&again);
		xmpp_stanza_release(built);
	}
	found_fini(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	char *text = mem_strndup((const char *)data, size);
	xmpp_stanza_t *el = xmpp_stanza_new_from_string(ctx, text);

	if (el) {
		check_search(ctx, el);
		check_found(ctx, el);
		xmpp_stanza_release(el);
	}
	free(text);
	xmpp_ctx_free(ctx);
	return 0;
}
