/* A long answer, written a piece at a time as its client takes it, so that many
 * nodes cost little memory and no long turn of the loop.
 *
 * Pieces are of different turns: a node that is added or removed meanwhile may
 * be missing or be there, none is there twice.  Thread: loop. */
#ifndef GATEWAY_LISTING_H
#define GATEWAY_LISTING_H

#include "common/buf.h"
#include "gateway/node.h"

#include <jansson.h>

struct listing;

struct listing_ops {
	/* Appends what comes next of the JSON text; false: that was all. */
	bool (*next)(struct listing *l, struct buf *out);
	void (*free)(struct listing *l);
};

/* First member of what it is part of. */
struct listing {
	const struct listing_ops *ops;
};

/* listing_piece appends a piece; false: it was the last. */
bool listing_piece(struct listing *l, struct buf *out);
void listing_free(struct listing *l);

/* listing_put appends o; listing_open appends an object of which member, an
 * array, is still open: "]}" ends it.  Both take o. */
void listing_put(struct buf *out, json_t *o);
void listing_open(struct buf *out, json_t *o, const char *member);

/* The nodes that are configured, one after the other; zero but for t. */
struct node_walk {
	const struct nodes *t;
	size_t at;
	uint32_t from; /* handles before are done */
};
const struct node *node_walk(struct node_walk *w); /* NULL: no more */

#endif
