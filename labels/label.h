/* What one sticker says. */
#ifndef LABELS_LABEL_H
#define LABELS_LABEL_H

#include "common/err.h"

#include <stddef.h>

enum label_kind {
	LABEL_CLAIM, /* QR code and KEY: for the owner, off the thing */
	LABEL_ASSET, /* no KEY: stays on the thing; a code only of iotdisco: */
};

/* Texts are valid UTF-8 without control characters; "" when not given. */
struct label {
	enum label_kind kind;
	char *node, *name, *place, *maker, *model, *sn;
	char *bus, *address, *jid, *registry;
	char *text; /* of the QR code */
	char *key;
};

struct labels {
	struct label *v;
	size_t n;
};

enum {
	LABELS_MAX = 4096,           /* stickers in one call */
	LABELS_INPUT_MAX = 16 << 20, /* bytes of JSON */
};

/* labels_parse reads a JSON array of objects with the members of struct label
 * (kind: "claim", the default, or "asset"; null is as absent; others are
 * ignored).  eb never shows a value.
 * Owns:    *out is owned: labels_fini, also after an error.
 * Errors:  ERR_PROTO not such an array, no node, a claim without text;
 *          ERR_RANGE more than LABELS_MAX.
 * Thread:  any. */
enum err labels_parse(const char *json, size_t len, struct labels *out,
    struct errbuf *eb) MUST_USE;
void labels_fini(struct labels *l);

#endif
