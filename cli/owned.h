/* What this tool has claimed: a JSON file beside the account file, without any
 * KEY.  The registry tells nobody what he owns, so the tool remembers. */
#ifndef CLI_OWNED_H
#define CLI_OWNED_H

#include "common/err.h"
#include "protocol/discovery.h"
#include "protocol/tag.h"

#include <jansson.h>

/* owned_path is "<account file>.things.json".  Returns owned. */
char *owned_path(const char *account);

/* owned_load reads {"schema":1,"things":[...]}; a file that is not there is
 * an empty list.
 * Owns:    *out is owned, NULL on error.
 * Errors:  ERR_IO, ERR_CONFIG not such a file; eb says what. */
enum err owned_load(const char *path, json_t **out, struct errbuf *eb) MUST_USE;

/* A change of the list, during which no other run of the tool changes it: what
 * was claimed there stands in no other place. */
struct owned_edit {
	json_t *things;
	char *path, *tmp;
	int fd;
};

/* owned_begin reads the list to change it; owned_end must follow, at once, and
 * replaces the file (mode 0600) or leaves it.
 * Errors: ERR_IO, and of owned_begin as owned_load; nothing follows it then. */
enum err owned_begin(
    const char *path, struct owned_edit *ed, struct errbuf *eb) MUST_USE;
enum err owned_end(
    struct owned_edit *ed, bool save, struct errbuf *eb) MUST_USE;

/* One thing, as the registry names it. */
struct thing_name {
	const char *jid;
	struct node_ref node;
};

/* owned_tags is {"NAME": "value", "#NAME": "1.5"}, without KEY.  Returns owned.
 */
json_t *owned_tags(const struct tags *tags);

/* owned_put adds a thing, or replaces what was known of it; KEY is left out of
 * tags.  when is UTC in ms. */
void owned_put(json_t *things, const struct thing_name *name,
    const struct tags *tags, bool is_public, const char *registry,
    int64_t when);

/* owned_find returns the entry of a thing, or NULL.  Borrowed. */
json_t *owned_find(const json_t *things, const struct thing_name *name);

/* owned_same returns the entry that was claimed with these tags at that
 * registry, the KEY aside, or NULL.  Borrowed. */
json_t *owned_same(
    const json_t *things, const struct tags *tags, const char *registry);
bool owned_drop(json_t *things, const struct thing_name *name);

/* owned_resolve understands JID | JID NODE | JID NODE SOURCE [CACHE], or the
 * NODE alone when one thing of the list has it; JID NODE takes source and cache
 * from the list where it knows them.
 * Owns:    *out borrows from argv and things.
 * Errors:  ERR_NOTFOUND, ERR_RANGE ambiguous or not a JID; eb says which. */
enum err owned_resolve(const json_t *things, int argc, char *const *argv,
    struct thing_name *out, struct errbuf *eb) MUST_USE;

#endif
