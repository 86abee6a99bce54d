/* The registry as a provisioning server: it answers for the owners of things,
 * by their rules, and tells who may remember its answers when they change.
 *
 * Only the account that holds things is answered about them.
 *
 * Thread: loop.  Spec: XEP-0324 3. */
#ifndef REGISTRY_PROVISION_H
#define REGISTRY_PROVISION_H

#include "protocol/jid.h"
#include "registry/notices.h"
#include "registry/rules.h"

struct provision;

/* provision_new: *out is owned; the rest is borrowed.  From a store that was
 * brought back (db_mark) it tells every account to forget its answers.
 * Errors: ERR_IO. */
enum err provision_new(struct db *db, struct things *things,
    struct rules *rules, struct notices *notices, struct provision **out,
    struct errbuf *eb) MUST_USE;
void provision_free(struct provision *p);

/* provision_answer answers isFriend, canRead or canControl of an account; of
 * what was asked it names what remains, when that is less.
 * Owns: *answer is owned.  Errors: ERR_UNSUP another element; ERR_PROTO,
 * ERR_RANGE malformed or too much at once; ERR_IO. */
enum err provision_answer(struct provision *p, const struct jid *from,
    xmpp_stanza_t *el, xmpp_ctx_t *ctx, xmpp_stanza_t **answer,
    struct errbuf *eb) MUST_USE;

/* provision_changed: what an owner lets others do with a thing (0: with all of
 * his) has changed.  Errors: ERR_IO. */
enum err provision_changed(
    struct provision *p, const char *owner, int64_t thing) MUST_USE;

#endif
