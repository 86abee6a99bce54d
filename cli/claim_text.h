/* The text of a sticker, from standard input or the operand. */
#ifndef CLI_CLAIM_TEXT_H
#define CLI_CLAIM_TEXT_H

#include "cli/verb.h"
#include "protocol/tag.h"

/* claim_text reads one into the empty set tags; registry receives the one that
 * it names (owned by the caller) or NULL.  Returns an exit code; what is wrong
 * was said, the KEY never. */
int claim_text(const struct call *c, struct tags *tags, char **registry);

#endif
