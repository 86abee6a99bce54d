/* What others ask of the registry: parse, check, act, answer.
 *
 * Thread: loop.  Spec: XEP-0347 3.5 to 3.14. */
#ifndef REGISTRY_REQUESTS_H
#define REGISTRY_REQUESTS_H

#include "registry/disown.h"
#include "registry/rule_commands.h"
#include "registry/search.h"

#include <stdbool.h>
#include <stddef.h>

struct requests;

struct request_rules {
	size_t max_tags;     /* of one thing */
	size_t max_things;   /* of one account */
	bool require_key;    /* no registration without KEY */
	bool lenient;        /* requests may come as iq get */
	char *allow_tags;    /* as allow_check's list */
	int64_t rate, burst; /* as pace_new's */
	bool provisions;     /* owners' rules are set, and asked about */
};

/* requests_new adds the routes to the session.
 * Owns: returns owned; *use, *commands and *rules are copied, what the first
 * two point to is borrowed. */
struct requests *requests_new(const struct disown_uses *use,
    struct searches *searches, const struct rule_commands *commands,
    const struct request_rules *rules);
void requests_free(struct requests *r);

/* requests_run does what waited for the end of the turn. */
void requests_run(struct requests *r, bool kept);

#endif
