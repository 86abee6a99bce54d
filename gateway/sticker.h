/* Stickers: the claim text of a node and the facts beside it.  Thread: loop. */
#ifndef GATEWAY_STICKER_H
#define GATEWAY_STICKER_H

#include "gateway/gateway.h"

#include <jansson.h>

/* sticker_json describes one node's label.  secrets: with KEY and claim text,
 * if the node can be claimed now; "why" says why not otherwise.
 * Errors: none.  Owns: returns owned. */
json_t *sticker_json(
    struct gateway *gw, struct node *n, bool secrets, bool asset);

/* sticker_note adds "sticker", "printed_at" (UTC or null) and "copies", both of
 * the sticker that was printed last. */
void sticker_note(const struct node *n, json_t *o);

/* sticker_printed notes that the KEY of that generation stands on paper once
 * more, which freezes the claim tags.  False when it is not the KEY now, or
 * nobody can claim with it: that paper is void. */
bool sticker_printed(struct gateway *gw, struct node *n, int64_t key_gen);

/* sticker_due: the KEY is new since the sticker was printed, and the node waits
 * for an owner. */
bool sticker_due(const struct node *n);

/* sticker_idle_days is how long a sticker has been about with no claim, in
 * whole days; 0 while that is no longer than it should. */
int sticker_idle_days(const struct node *n, int64_t utc_ms);

#endif
