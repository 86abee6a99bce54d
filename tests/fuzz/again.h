/* A stanza codec under the fuzzer: what is read from any element, if it is
 * taken, is the same text again after it is written, read and written. */
#ifndef TESTS_FUZZ_AGAIN_H
#define TESTS_FUZZ_AGAIN_H

#include "common/mem.h"
#include "tests/unit/canon.h"

#include <stdint.h>

/* Reads el; returns it written anew, owned, or NULL when it was refused. */
typedef xmpp_stanza_t *(*again_fn)(xmpp_ctx_t *ctx, xmpp_stanza_t *el);

static inline void
again_check(xmpp_ctx_t *ctx, xmpp_stanza_t *el, again_fn again)
{
	xmpp_stanza_t *first = again(ctx, el), *second;
	char *a, *b;

	if (!first)
		return;
	second = again(ctx, first);
	if (!second)
		abort();
	a = canon(first);
	b = canon(second);
	if (strcmp(a, b) != 0)
		abort();
	free(a);
	free(b);
}

static inline int
again_run(const uint8_t *data, size_t size, again_fn again)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	char *text = mem_strndup((const char *)data, size);
	xmpp_stanza_t *el = xmpp_stanza_new_from_string(ctx, text);

	if (el) {
		again_check(ctx, el, again);
		xmpp_stanza_release(el);
	}
	free(text);
	xmpp_ctx_free(ctx);
	return 0;
}

#endif
