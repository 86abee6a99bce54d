/* A stanza as one text whatever the order of its attributes, and whether a
 * child repeats its parent's namespace or inherits it. */
#ifndef TESTS_CANON_H
#define TESTS_CANON_H

#include "common/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strophe.h>

enum { CANON_ATTRS = 64 };

static inline int
canon_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void
canon_attrs(xmpp_stanza_t *el, const char *ns, struct buf *out)
{
	const char *pairs[2 * CANON_ATTRS], *names[CANON_ATTRS];
	int n = xmpp_stanza_get_attributes(el, pairs, 2 * CANON_ATTRS) / 2;

	for (int i = 0; i < n; i++)
		names[i] = pairs[2 * i];
	qsort(names, (size_t)n, sizeof(names[0]), canon_order);
	for (int i = 0; i < n; i++) {
		const char *value = xmpp_stanza_get_attribute(el, names[i]);

		if (strcmp(names[i], "xmlns") != 0 || strcmp(value, ns) != 0)
			buf_printf(out, " %s='%s'", names[i], value);
	}
}

static inline void
canon_add(xmpp_stanza_t *el, const char *ns, struct buf *out)
{
	const char *own = xmpp_stanza_get_ns(el);
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);

	if (xmpp_stanza_is_text(el)) {
		buf_puts(out, xmpp_stanza_get_text_ptr(el));
		return;
	}
	buf_printf(out, "<%s", xmpp_stanza_get_name(el));
	canon_attrs(el, ns, out);
	if (!c) {
		buf_puts(out, "/>");
		return;
	}
	buf_puts(out, ">");
	for (; c; c = xmpp_stanza_get_next(c))
		canon_add(c, own ? own : ns, out);
	buf_printf(out, "</%s>", xmpp_stanza_get_name(el));
}

/* Returns owned; gives up the caller's hold on el. */
static inline char *
canon(xmpp_stanza_t *el)
{
	struct buf b = { 0 };

	canon_add(el, "", &b);
	xmpp_stanza_release(el);
	return buf_take(&b);
}

#endif
