/* Searches among the claimed public things: the cheapest way to a page of them,
 * with bounds on what one search may cost.
 *
 * Thread: loop.  Spec: XEP-0347 3.13. */
#ifndef REGISTRY_SEARCH_H
#define REGISTRY_SEARCH_H

#include "common/clock.h"
#include "protocol/search.h"
#include "registry/things.h"

struct searches;

enum {
	SEARCH_MS = 500,           /* of the loop's time, for one search */
	SEARCH_BYTES = 128 * 1024, /* of one answer, but at least one thing */
};

/* searches_new: max_count caps the things of one answer.
 * Owns: *out is owned; db, things and clock are borrowed.  Errors: ERR_IO. */
enum err searches_new(struct db *db, struct things *things,
    const struct clock *clock, size_t max_count, struct searches **out,
    struct errbuf *eb) MUST_USE;
void searches_free(struct searches *ss);

/* search_run makes the answer, things in the order of their first registration.
 * Owns: *out is owned, on OK.  Errors: ERR_TIMEOUT it took too long;
 * ERR_REFUSED there were many long ones just now; ERR_IO. */
enum err search_run(struct searches *ss, xmpp_ctx_t *ctx,
    const struct search *s, xmpp_stanza_t **out) MUST_USE;

#endif
