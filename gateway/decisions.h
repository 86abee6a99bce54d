/* What provisioning servers have decided: remembered, by who it is about, and
 * kept in the store.  What is remembered is bounded, of each person and of
 * all; what was used least goes first.
 *
 * Thread: loop. */
#ifndef GATEWAY_DECISIONS_H
#define GATEWAY_DECISIONS_H

#include "protocol/provisioning.h"

#include <stdbool.h>
#include <sys/queue.h>

struct decisions;
struct store;

enum {
	DECISIONS_MAX = 1000,
	DECISIONS_EACH = 200,           /* about one person */
	DECISIONS_BYTES = 8 * 1000000,  /* of questions and answers */
	DECISIONS_EACH_BYTES = 1000000, /* about one person */
};

struct person;

struct decision {
	char *question; /* the server, a line break, what was asked */
	char *answer;   /* as text */
	enum prov_op op;
	bool yes;
	struct node_refs asked;   /* nodes, sorted */
	struct node_refs granted; /* of a yes: these of them, sorted */
	char *text;               /* what those are in */
	struct person *of;
	TAILQ_ENTRY(decision) entry; /* of all, the one used last is last */
	TAILQ_ENTRY(decision) beside;
};

/* decisions_new reads them back from the store. */
struct decisions *decisions_new(struct store *store);
void decisions_free(struct decisions *t);

/* decisions_answer is the remembered answer, or NULL; it counts as used. */
const char *decisions_answer(
    struct decisions *t, const char *bare, const char *question);

/* decisions_put keeps an answer, in the transaction of this turn.  When it
 * cannot be stored it is asked for again after a start. */
void decisions_put(
    struct decisions *t, const char *question, const char *answer);

/* decisions_yes: that server (NULL: any) lets bare do that, with the node when
 * there is one. */
bool decisions_yes(const struct decisions *t, const char *server,
    enum prov_op op, const char *bare, const struct node_ref *node);

/* decisions_from: d, or one of them, is that server's. */
bool decision_from(const struct decision *d, const char *server);
bool decisions_from(const struct decisions *t, const char *server);
const char *decision_about(const struct decision *d);
bool decision_names(const struct decision *d, const struct node_ref *node);

/* decisions_forget drops those that is holds of, here and in the store; each
 * may be NULL and sees them before. */
void decisions_forget(struct decisions *t,
    bool (*is)(void *arg, const struct decision *d),
    void (*each)(void *arg, const struct decision *d), void *arg);

/* decisions_read reads the answer el to what was asked.  It counts when it is
 * the one to that question, about that person.  Call prov_fini. */
bool decisions_read(
    xmpp_stanza_t *el, const struct prov_msg *asked, struct prov_msg *answer);

#endif
