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

/* sticker_printed notes that the present KEY stands on paper, which freezes
 * the claim tags.  False when there is nothing to print yet. */
bool sticker_printed(struct gateway *gw, struct node *n);

#endif
