#include "gateway/listing.h"

enum { PIECE_BYTES = 32768 };

bool
listing_piece(struct listing *l, struct buf *out)
{
	while (out->len < PIECE_BYTES)
		if (!l->ops->next(l, out))
			return false;
	return true;
}

void
listing_free(struct listing *l)
{
	if (l)
		l->ops->free(l);
}

static int
add(const char *text, size_t len, void *out)
{
	buf_add(out, text, len);
	return 0;
}

void
listing_put(struct buf *out, json_t *o)
{
	(void)json_dump_callback(o, add, out, JSON_COMPACT);
	json_decref(o);
}

void
listing_open(struct buf *out, json_t *o, const char *member)
{
	listing_put(out, o);
	out->data[--out->len] = '\0'; /* its closing brace */
	buf_printf(out, ",\"%s\":[", member);
}

/* Nodes are in the order of their handles, and leave at any time. */
const struct node *
node_walk(struct node_walk *w)
{
	const struct nodes *t = w->t;

	if (w->at > t->n)
		w->at = t->n;
	while (w->at > 0 && t->v[w->at - 1]->handle >= w->from)
		w->at--;
	while (w->at < t->n) {
		const struct node *n = t->v[w->at++];

		w->from = n->handle + 1;
		if (n->cfg)
			return n;
	}
	return NULL;
}
