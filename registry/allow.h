/* Which tag names the registry stores: those that XEP-0347 defines always.
 *
 * Thread: any.  Spec: XEP-0347 3.4, and its section on tag name spam. */
#ifndef REGISTRY_ALLOW_H
#define REGISTRY_ALLOW_H

#include "common/err.h"
#include "protocol/tag.h"

/* allow_check looks each name up in list: names between commas, their case
 * ignored; "*" is any name, NULL none.  A tag with an empty value, which only
 * deletes, is allowed.
 * Errors: ERR_RANGE, eb says which is not in it. */
enum err allow_check(
    const char *list, const struct tags *tags, struct errbuf *eb) MUST_USE;

#endif
