/* One turn of the loop: one transaction, and the answers that wait for it.
 *
 * Everything that arrives in a turn is written together, which makes many
 * registrations cost one flush to the disk; nobody is told of success before
 * that flush.  When it fails, all who wait are told of an error instead.
 *
 * Thread: loop. */
#ifndef REGISTRY_TURN_H
#define REGISTRY_TURN_H

#include "registry/db.h"
#include "xmpp/iq.h"

#include <stdbool.h>
#include <uv.h>

struct turn;

/* turn_new: after(arg, kept) is called at the end of each turn, once the
 * answers are given; kept is false when the transaction failed. Owns: returns
 * owned, ended by turn_free; db is borrowed. */
struct turn *turn_new(uv_loop_t *loop, struct db *db,
    void (*after)(void *arg, bool kept), void *arg);

/* turn_free ends the turn and frees t in the loop's next iterations. */
void turn_free(struct turn *t);

/* As iq_reply and iq_reply_error, at the end of the turn. */
void turn_reply(struct turn *t, struct iq_in *rq, xmpp_stanza_t *payload);
void turn_reply_error(
    struct turn *t, struct iq_in *rq, const char *condition, const char *text);

/* turn_relieve ends a turn in which many answers wait already: a request stays
 * in the session's table until it is answered.  Call it with nothing half
 * done. */
void turn_relieve(struct turn *t);

#endif
