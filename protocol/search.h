/* XEP-0347 search: the request with its 17 operators, and what was found. */
#ifndef PROTOCOL_SEARCH_H
#define PROTOCOL_SEARCH_H

#include "common/err.h"
#include "protocol/discovery.h"
#include "protocol/tag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strophe.h>

enum search_kind {
	SEARCH_EQ,
	SEARCH_NEQ,
	SEARCH_GT,
	SEARCH_GTEQ,
	SEARCH_LT,
	SEARCH_LTEQ,
	SEARCH_RANGE,
	SEARCH_NRANGE, /* outside of the range */
	SEARCH_MASK,   /* strings only */
	SEARCH_KINDS
};

enum {
	SEARCH_OPS_MAX = 32,   /* operators of one search */
	SEARCH_TEXT_MAX = 256, /* code points of a value, mask or wildcard */
	SEARCH_NAME_SIZE = 4 * TAG_NAME_MAX + 1,
	FOUND_MAX = 10000, /* things of one answer */
};

/* One operator.  Texts are borrowed; those of numbers are xs:double. */
struct search_op {
	enum search_kind kind;
	bool num;
	char name[SEARCH_NAME_SIZE]; /* ASCII letters in upper case */
	const char *value;           /* of a range its min; or the mask */
	const char *max;             /* of a range, else NULL */
	bool min_out, max_out;       /* that end is not in the range */
	const char *wildcard;        /* of a mask, else NULL; never "" */
};

/* All operators must hold.  Zero-initialised is empty. */
struct search {
	struct search_op ops[SEARCH_OPS_MAX];
	size_t n;
	int64_t offset; /* things to skip */
	int64_t count;  /* at most so many; 0: as the registry likes */
};

/* search_add checks op and appends it; the name is given apart and folded.
 * Errors: ERR_RANGE too many, or a text too long; ERR_PROTO what the tag rules
 * forbid, a number that is none, an empty wildcard; eb says which. */
enum err search_add(struct search *s, const char *name,
    const struct search_op *op, struct errbuf *eb) MUST_USE;

/* search_parse reads <search/>; *out borrows from el.
 * Errors: as search_add; ERR_UNSUP not a search; ERR_PROTO also no operator, an
 * unknown one (leaving it out would find too much), or a bad count.
 * Thread: loop.  Spec: XEP-0347 3.13, schema. */
enum err search_parse(
    xmpp_stanza_t *el, struct search *out, struct errbuf *eb) MUST_USE;

/* search_build makes <search/>.  Owns: returns owned. */
xmpp_stanza_t *search_build(xmpp_ctx_t *ctx, const struct search *s);

struct found_thing {
	const char *owner, *jid;
	struct node_ref node;
	struct tags tags;
};

/* What was found.  Zero-initialised is empty. */
struct found {
	struct found_thing *v;
	size_t n, cap;
	bool more;
};

/* found_parse reads <found/>; texts but those of tags are borrowed from el.
 * Call found_fini, also after an error.
 * Errors: ERR_UNSUP another element; ERR_PROTO an owner or jid that is none, a
 * tag that breaks the tag rules; ERR_RANGE more than FOUND_MAX. */
enum err found_parse(
    xmpp_stanza_t *el, struct found *out, struct errbuf *eb) MUST_USE;
void found_fini(struct found *f);

/* found_build makes an empty <found/>, found_add adds a thing to one; KEY is
 * never among its tags.  Owns: returns owned; a thing is not kept. */
xmpp_stanza_t *found_build(xmpp_ctx_t *ctx, bool more);
void found_add(xmpp_stanza_t *found, const struct found_thing *t);

#endif
