/* Disowning: the thing is told first, and only its yes makes it happen.
 *
 * Thread: loop.  Spec: XEP-0347 3.14. */
#ifndef REGISTRY_DISOWN_H
#define REGISTRY_DISOWN_H

#include "registry/friends.h"
#include "registry/notices.h"
#include "registry/provision.h"
#include "registry/turn.h"

struct disowns;

struct disown_uses {
	struct things *things;
	struct friends *friends;
	struct peers *peers;
	struct notices *notices;
	struct provision *provision;
	struct turn *turn;
	struct session *session;
};

/* again(arg, rq) handles anew a request that waited for a disown to settle.
 * Owns: returns owned; *use is copied, what it points to is borrowed. */
struct disowns *disowns_new(const struct disown_uses *use,
    void (*again)(void *arg, struct iq_in *rq), void *arg);
void disowns_free(struct disowns *ds);

/* disown_start takes rq and answers it in the end: t is rq's sender's.  One
 * that runs already for t serves rq too. */
void disown_start(struct disowns *ds, const struct thing *t, struct iq_in *rq);

/* disown_defer takes rq while key is being disowned, to handle it after.
 * False: it is not, rq stays the caller's. */
bool disown_defer(
    struct disowns *ds, const struct thing_key *key, struct iq_in *rq) MUST_USE;

/* disowns_run tells the things of what was started in this turn; kept false:
 * the turn failed, nothing is told.  Call it with nothing uncommitted. */
void disowns_run(struct disowns *ds, bool kept);

#endif
