/* Inside the registrar: registrar.c carries out what the state machine decides
 * and ends the turns, registrar_send.c has the requests to the registry and
 * their answers, registrar_reach.c knows whether it can be reached,
 * registrar_find.c which it is, registrar_friend.c whether it lets us in.
 * Thread: loop. */
#ifndef GATEWAY_REGISTRAR_IMPL_H
#define GATEWAY_REGISTRAR_IMPL_H

#include "gateway/gateway.h"
#include "gateway/registrar.h"
#include "protocol/stanza.h"
#include "registry-client/seek.h"

enum {
	REGISTRAR_REQUEST_MS = 20000,
	REGISTRAR_LOST_AFTER = 3, /* unanswered requests in a row */
	RETRY_TIMEOUT_MS = 5000,
	RETRY_TIMEOUT_MAX_MS = 300000,
	RETRY_ERROR_MS = 60000,
	RETRY_ERROR_MAX_MS = 3600000,
	REGISTRAR_SENDS = THING_REGISTER | THING_UPDATE | THING_UNREGISTER,
};

struct after;
TAILQ_HEAD(due_list, node);

struct registrar {
	struct gateway *gw;
	char jid[JID_SIZE];   /* "": none is known yet */
	char to[JID_SIZE];    /* where requests go; "": nowhere yet */
	const char *how;      /* it was found; static */
	char known[JID_SIZE]; /* has the claims; "": none ever had */
	bool configured;      /* so nothing is searched */
	char configured_jid[JID_SIZE];
	/* Of one that is an account: */
	char other[JID_SIZE];       /* another of its resources */
	bool asks;                  /* what a resource is */
	bool rests;                 /* no friend, for there is nothing to say */
	int64_t idle_mono;          /* when it will rest; 0: not soon */
	struct seek *seek;          /* under way, or NULL */
	bool reachable;             /* nothing speaks against it */
	bool heard;                 /* it has answered since it was found */
	unsigned in_flight, silent; /* silent: unanswered in a row */
	struct due_list due;
	int64_t checks_mono; /* not before: jitter after a login */
	uint32_t salt;       /* of the moments of the long round */
	struct after *after;
	size_t n_after, cap_after;
	struct node **changed; /* written in this turn */
	size_t n_changed, cap_changed;
	int64_t lease_mono, probe_mono; /* when due; 0: not */
	unsigned probes;
	bool lease_asked;
	bool unwritable;     /* the last commit failed */
	int64_t quiet_until; /* no more warnings of strangers before */
	bool looked;         /* it was asked what it is, since the login */
	bool stranger;       /* and it is no registry */
	char trouble[256];   /* why it does not serve; "" */
};

int64_t registrar_now(const struct registrar *r);

/* registrar_backoff doubles from first to most, less up to a quarter. */
int64_t registrar_backoff(unsigned failures, int64_t first, int64_t most);

/* The queue of nodes that have something to send. */
void registrar_enqueue(struct registrar *r, struct node *n);
void registrar_dequeue(struct registrar *r, struct node *n);
void registrar_retry(struct registrar *r, struct node *n, unsigned kind,
    int64_t first, int64_t most);
bool registrar_pump(struct registrar *r); /* ends a turn; as registrar_commit */

/* registrar_apply takes a node's state a step on; rq is answered after the
 * commit.  Returns the actions that were decided. */
unsigned registrar_apply(struct registrar *r, struct node *n,
    const struct thing_event *ev, struct iq_in *rq);
bool registrar_commit(struct registrar *r);

/* What an answer, or none, says of the registry. */
bool registrar_unreachable(const char *condition);
/* The registry answers under r->to from now on. */
void registrar_arrive(struct registrar *r);
void registrar_note(struct registrar *r, const char *why); /* of no use now */

/* registrar_find.c: registrar_find begins to find it, or to be let in;
 * registrar_find_init knows what is configured. */
void registrar_find_init(struct registrar *r, const char *configured);
void registrar_find(struct registrar *r);
/* registrar_proven: it has acknowledged something, so the claims are there. */
void registrar_proven(struct registrar *r);

/* registrar_friend.c: one that is an account, asked to let us in. */
bool registrar_is_account(const struct registrar *r);
void registrar_court(struct registrar *r);
void registrar_friend_tick(struct registrar *r, int64_t mono);

void registrar_lost(struct registrar *r, const char *why);
void registrar_found(struct registrar *r);

/* registrar_round.c: registrar_round begins to ask for what the registry may
 * not know, or may have changed, after it was away; its tick goes on. */
void registrar_round(struct registrar *r);
void registrar_round_tick(struct registrar *r, int64_t mono);

/* registrar_look asks what it is, once a login: it refuses what a registry
 * would not. */
void registrar_look(struct registrar *r);

#endif
