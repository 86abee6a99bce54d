/* Who may read, control and see which node.
 *
 * The owner all of his node; others what he shares with them, and then what the
 * provisioning server says, asked once and remembered until it says otherwise.
 * No answer means no.  What nobody owns is read by nobody.
 *
 * Thread: loop.  Spec: XEP-0347 3.8, XEP-0324. */
#ifndef GATEWAY_ACCESS_H
#define GATEWAY_ACCESS_H

#include "gateway/node.h"
#include "protocol/sensor_data.h"

#include <stdint.h>

struct access;
struct gateway;

struct access *access_new(struct gateway *gw);
void access_free(struct access *a);

/* What somebody is to a node, the provisioning server not asked. */
enum access_standing {
	ACCESS_NOBODY,   /* nobody owns it, or it is no person who asks */
	ACCESS_STRANGER, /* the provisioning server decides, if there is one */
	ACCESS_READER,   /* the owner shares it with him */
	ACCESS_CONTROLLER,
	ACCESS_OWNER,
};
enum access_standing access_standing(
    const struct access *a, const char *bare, const struct node *n);

enum access_what { ACCESS_READ, ACCESS_CONTROL };

/* A question; all of it is borrowed for the call. */
struct access_q {
	const char *from; /* full JID */
	enum access_what what;
	const struct tokens *tokens;
	struct node *const *nodes;
	size_t n;
	unsigned types;            /* READ: enum sd_type */
	const struct names *names; /* fields or parameters; none: all */
};

/* What is granted of one node. */
struct granted {
	uint32_t handle; /* of the node */
	bool all;        /* every name and type that was asked for */
	bool judged;     /* it was the provisioning server that granted it */
	unsigned types;  /* without all: these; 0: every type */
	struct granted_names *names; /* without all: these; NULL: every name */
};
void granted_copy(struct granted *to, const struct granted *g);
void granted_fini(struct granted *g);

struct access_grant {
	struct granted *v;
	size_t n;     /* 0: refused */
	bool reduced; /* less than was asked for */
	bool busy;    /* for he asks too much: resource-constraint */
};

/* g lives for the call. */
typedef void (*access_done)(void *arg, const struct access_grant *g);

/* access_ask calls done once: from within the call when the answer is known
 * here (owner, share, remembered), else when the provisioning server has
 * answered, or has not for ten seconds.  Nodes may be gone by then: they are
 * told by their handles. */
void access_ask(
    struct access *a, const struct access_q *q, access_done done, void *arg);

/* access_forget: done is not called any more for questions with this arg. */
void access_forget(struct access *a, const void *arg);

/* access_taken counts how often a right was taken from anybody: what was
 * granted before such a time is to be asked for again. */
uint64_t access_taken(const struct access *a);

/* access_unjudge: what servers have granted to questions that still wait for
 * others counts no more.  a may be NULL. */
void access_unjudge(struct access *a);

bool access_allows(const struct granted *g, const char *name, unsigned types);

/* access_sees: bare may know that the node exists. */
bool access_sees(
    const struct access *a, const char *bare, const struct node *n);
/* access_sees_any: who sees none is not told which there are. */
bool access_sees_any(const struct access *a, const char *bare);

/* access_judge is the server that decides on n, or NULL. */
const struct provisioning_peer *access_judge(
    const struct access *a, const struct node *n);

/* access_is_owner: of a self-owned node that is the gateway's own account. */
bool access_is_owner(
    const struct access *a, const char *bare, const struct node *n);

/* access_is_friend: bare owns or is shared something here. */
bool access_is_friend(const struct access *a, const char *bare);

/* What an owner shares, kept in the store in this turn's transaction.
 * Errors: ERR_PROTO jid is no address; ERR_RANGE more than ACCESS_SHARES_MAX;
 * ERR_NOTFOUND nothing was shared with it. */
enum { ACCESS_SHARES_MAX = 100 };
enum err access_share(
    struct access *a, struct node *n, const char *jid, bool control) MUST_USE;
enum err access_unshare(
    struct access *a, struct node *n, const char *jid) MUST_USE;
/* access_lapse: its owner has changed; what the one before shared, and what was
 * decided for him, holds no more. */
void access_lapse(struct access *a, struct node *n);
void access_shares(const struct access *a, const struct node *n,
    void (*each)(void *arg, const char *bare, bool control), void *arg);

#endif
