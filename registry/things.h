/* The records of the registry: who registered what, and whose it is.
 *
 *     (none) --register--> UNCLAIMED --claim--> CLAIMED (public or private)
 *     UNCLAIMED --register--> UNCLAIMED, all tags replaced
 *     CLAIMED --update--> tags merged
 *     CLAIMED --disown--> UNCLAIMED, one random KEY
 *     CLAIMED --remove--> (none)      any --unregister--> (none)
 *
 * A self-owned record is born CLAIMED, public, by its own bare JID.
 * Nothing is kept before db_commit.
 *
 * Thread: loop.  Errors: ERR_IO from all, the database failed.
 * Spec: XEP-0347 3.5 to 3.14. */
#ifndef REGISTRY_THINGS_H
#define REGISTRY_THINGS_H

#include "common/err.h"
#include "protocol/discovery.h"
#include "protocol/tag.h"
#include "registry/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct things;

/* Records of one account and notices that it has not taken, unless things_limit
 * says otherwise: room for twice the nodes of the largest gateway. */
enum { THINGS_MAX = 20000 };

/* A thing whose LAT and LON are numbers within +-PLACE_MAX has a place. */
#define PLACE_MAX 1e9

/* What names a record; jid is a prepared bare JID. */
struct thing_key {
	const char *jid;
	struct node_ref node;
};

/* A record without its tags. */
struct thing {
	int64_t id;
	char *jid, *node, *source, *cache;
	char *owner; /* bare JID, or NULL: unclaimed */
	bool is_public;
	char *via; /* full JID that last registered or updated it */
};
void thing_fini(struct thing *t);
struct thing_key thing_key(const struct thing *t); /* borrows from t */

/* things_new readies the records of db; max_tags caps the tags of one.
 * Owns: *out is owned; db is borrowed. */
enum err things_new(struct db *db, size_t max_tags, struct things **out,
    struct errbuf *eb) MUST_USE;
void things_free(struct things *ts);

/* things_limit caps the records of one account and its notices.  They are not
 * counted at each registration, so notices may exceed it for a while. */
void things_limit(struct things *ts, size_t max);

/* things_find and the others fill *out on OK with the record as it is then, to
 * be ended with thing_fini.  Errors: ERR_NOTFOUND. */
enum err things_find(
    struct things *ts, const struct thing_key *key, struct thing *out) MUST_USE;

enum err things_at(struct things *ts, int64_t id, struct thing *out) MUST_USE;

/* things_tags appends the tags of a record, in order of their names. */
enum err things_tags(struct things *ts, int64_t id, struct tags *out) MUST_USE;

/* A registration or an update from the thing itself comes via a full JID. */
struct thing_origin {
	struct thing_key key;
	const char *via;
};

/* things_register makes the record or replaces its tags; empty values count as
 * absent.
 * Errors: ERR_BUSY claimed already, *claimed says by whom and is ended with
 * thing_fini, nothing changed; ERR_RANGE too many tags; ERR_REFUSED the account
 * has as many as it may. */
enum err things_register(struct things *ts, const struct thing_origin *from,
    const struct tags *tags, bool self_owned, struct thing *claimed) MUST_USE;

/* A record as it was elsewhere: all of it but its tags. */
struct thing_record {
	struct thing_key key;
	const char *owner; /* bare JID, or NULL: unclaimed */
	bool is_public;
	const char *via;
};

/* things_restore makes a record, without asking for limits.
 * Errors: ERR_BUSY it is there already. */
enum err things_restore(struct things *ts, const struct thing_record *r,
    const struct tags *tags) MUST_USE;

/* A claim: the tags must be exactly those of one record. */
struct thing_claim {
	const char *owner; /* bare JID */
	bool is_public;
	const struct tags *tags;
	struct node_ref node; /* parts that are not "" must be equal too */
};

/* things_claim gives the record to its owner.  *news is set when something
 * changed of which the thing must hear.
 * Errors: ERR_NOTFOUND, whatever the reason. */
enum err things_claim(struct things *ts, const struct thing_claim *claim,
    struct thing *out, bool *news) MUST_USE;

/* things_update merges tags on behalf of the thing itself.
 * Errors: ERR_NOTFOUND; ERR_REFUSED not claimed, nothing changed; ERR_RANGE
 * too many tags. */
enum err things_update(struct things *ts, const struct thing_origin *from,
    const struct tags *tags) MUST_USE;

/* things_owned is things_find for what belongs to owner.
 * Errors: ERR_NOTFOUND, also when another owns it. */
enum err things_owned(struct things *ts, const struct thing_key *key,
    const char *owner, struct thing *out) MUST_USE;

/* things_merge merges tags into a record.  Errors: ERR_RANGE too many; one that
 * had too many from before may still lose some. */
enum err things_merge(
    struct things *ts, int64_t id, const struct tags *tags) MUST_USE;

/* things_delete takes the record and its tags out. */
enum err things_delete(struct things *ts, int64_t id) MUST_USE;

/* things_unregister deletes whatever record key names, also none. */
enum err things_unregister(
    struct things *ts, const struct thing_key *key) MUST_USE;

/* things_disown takes owner and tags away and leaves one random KEY, so that
 * nobody can claim the thing before it registers anew. */
enum err things_disown(struct things *ts, int64_t id) MUST_USE;

#endif
