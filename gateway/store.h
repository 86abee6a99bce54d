/* What survives a power cut: claims, keys, frozen tags, acknowledged tags, and
 * stickers, in one SQLite file (WAL, synchronous=FULL).
 *
 * Writes of one loop turn are one transaction: store_commit ends it, and
 * nothing that depends on them may be told to anyone before.
 *
 * Thread: loop. */
#ifndef GATEWAY_STORE_H
#define GATEWAY_STORE_H

#include "common/err.h"
#include "gateway/node.h"

struct store;

/* store_open opens or creates the file (mode 0600), migrates it, and takes the
 * lock of the one daemon that may use it.
 * Errors: ERR_IO, ERR_BUSY (another daemon), ERR_UNSUP (written by a newer
 * version); eb says what to do. */
enum err store_open(
    const char *path, struct store **out, struct errbuf *eb) MUST_USE;
void store_close(struct store *s);

/* store_load appends all nodes of the file to the empty table. */
enum err store_load(
    struct store *s, struct nodes *t, struct errbuf *eb) MUST_USE;

/* Each joins the transaction of this turn, and returns the first failure of
 * it; after one, store_commit fails too and nothing of the turn is kept. */
enum err store_node(struct store *s, struct node *n); /* all but the tags */
enum store_role { STORE_CLAIM, STORE_ACKED, STORE_META };
enum err store_tags(struct store *s, struct node *n, enum store_role role);
enum err store_learned(struct store *s, struct node *n);
enum err store_shares(struct store *s, struct node *n);
enum err store_delete(struct store *s, const struct node *n);

/* What a provisioning server has answered to a question, both as texts, in the
 * transaction of this turn; store_decisions gives all of them back. */
enum err store_decide(
    struct store *s, const char *question, const char *answer) MUST_USE;
enum err store_undecide(struct store *s, const char *question) MUST_USE;
enum err store_undecide_all(struct store *s) MUST_USE;
void store_decisions(struct store *s,
    void (*each)(void *arg, const char *question, const char *answer),
    void *arg);

/* store_know keeps a text by its name, in the transaction of this turn;
 * store_known gives it back, or "". */
enum err store_know(struct store *s, const char *name, const char *value);
void store_known(struct store *s, const char *name, char *out, size_t size);

/* store_commit makes this turn's writes durable.  Errors: ERR_IO: nothing of
 * it was kept; eb says why. */
enum err store_commit(struct store *s, struct errbuf *eb) MUST_USE;

/* store_reload reads one node back after a commit that failed; ERR_NOTFOUND
 * when it was never written: it is then a new one with the KEY it has. */
enum err store_reload(struct store *s, struct node *n) MUST_USE;

#endif
