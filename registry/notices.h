/* What things must still be told: stored with the change it tells of, sent
 * after that is safe, repeated until the thing says that it has heard.
 *
 * Notices of one thing go out in their order, one at a time.
 *
 * Thread: loop.  Spec: XEP-0347 3.8 claimed, 3.10 removed. */
#ifndef REGISTRY_NOTICES_H
#define REGISTRY_NOTICES_H

#include "common/clock.h"
#include "registry/peers.h"
#include "registry/things.h"

struct notices;

/* notices_new readies all that db still holds to be sent.
 * Owns: *out is owned; the rest is borrowed.  Errors: ERR_IO. */
enum err notices_new(struct db *db, struct peers *peers,
    const struct clock *clock, struct notices **out,
    struct errbuf *eb) MUST_USE;
void notices_free(struct notices *ns);

/* notices_attach gives the session to send through, NULL: none any more. */
void notices_attach(struct notices *ns, struct session *s);

/* notices_add stores that t was claimed or removed; an older notice of the
 * same kind that was not delivered yet is dropped. */
enum err notices_add(
    struct notices *ns, enum disc_op op, const struct thing *t) MUST_USE;

/* notices_clear stores that an account, last heard of at via, is to forget the
 * answers that it was given: clearCache of XEP-0324. */
enum err notices_clear(
    struct notices *ns, const char *jid, const char *via) MUST_USE;

/* Kinds of notices, as they are stored: an enum disc_op, or this. */
enum { NOTICE_CLEAR = 100 };
/* notice_name returns the element that it is sent as. */
const char *notice_name(int64_t kind);

/* notices_void drops what is still to be told about a thing. */
enum err notices_void(struct notices *ns, const struct thing_key *key) MUST_USE;

/* notices_hold sends no stored notice of a thing for a time, even if woken. */
void notices_hold(struct notices *ns, const struct thing_key *key, int64_t ms);

/* notices_wake: an account was heard of, so what waits for it is due. */
void notices_wake(struct notices *ns, const char *bare);

/* notices_recall: a full JID has gone, so what is on its way there is not
 * waited for any longer. */
void notices_recall(struct notices *ns, const char *full);

/* notices_run sends what is due.  Call it with nothing uncommitted. */
void notices_run(struct notices *ns);

#endif
