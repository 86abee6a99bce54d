/* The claim of one node: a state machine without I/O.
 *
 *   NEW --register ok--> UNCLAIMED --claimed--> PUBLIC | PRIVATE
 *   PUBLIC | PRIVATE --removed, or update answered item-not-found--> REMOVED
 *   PUBLIC | PRIVATE --disowned, or update answered disowned--> NEW, new KEY
 *   any --reset (installer)--> NEW, new KEY
 *   NEW, self-owned by configuration --register ok--> SELF_OWNED
 *   any --unregister (installer)--> REMOVED
 *   any --gone from the configuration--> GONE --unregistered--> (row deleted)
 *
 * REMOVED never registers by itself: whoever kept the old sticker could claim
 * the node.  For the same reason it takes back only the owner it remembers, and
 * takes out a record that the registry has for it all the same.
 *
 * The caller carries out the actions in the order of enum thing_act, so what
 * changed is on disk before anything is acknowledged.
 *
 * Spec: XEP-0347 3.5-3.13. */
#ifndef REGISTRY_CLIENT_THING_H
#define REGISTRY_CLIENT_THING_H

#include "protocol/jid.h"

#include <stdbool.h>

enum claim {
	CLAIM_NEW,
	CLAIM_UNCLAIMED,
	CLAIM_PUBLIC,
	CLAIM_PRIVATE,
	CLAIM_REMOVED,
	CLAIM_SELF_OWNED,
	CLAIM_GONE,
	CLAIMS
};

/* claim_name: new unclaimed public private removed self-owned gone. */
const char *claim_name(enum claim c);
/* Errors: ERR_NOTFOUND. */
enum err claim_parse(const char *name, enum claim *out) MUST_USE;

/* What is kept of a node's claim. */
struct thing {
	enum claim claim;
	bool self_owned;      /* as configured */
	bool key_cleared;     /* the registry acknowledged KEY='' */
	bool unregister_due;  /* the record must leave the registry; until it
				 has, nothing but unregister is sent */
	char owner[JID_SIZE]; /* bare JID; "" when none.  Kept in REMOVED */
};

enum thing_event_kind {
	THING_ONLINE,           /* the registry can be reached (again) */
	THING_REGISTERED,       /* register answered by an empty result */
	THING_REGISTER_CLAIMED, /* register answered <claimed jid/> */
	THING_REGISTER_FAILED,  /* register answered by an error */
	THING_UPDATED,          /* update answered by an empty result */
	THING_UPDATE_DISOWNED,  /* update answered <disowned/> */
	THING_UPDATE_NOTFOUND,  /* update answered item-not-found */
	THING_UPDATE_FAILED,    /* update answered by another error */
	THING_UNREGISTERED,     /* unregister answered by a result */
	THING_CLAIMED,          /* IQ from the registry: jid, is_public */
	THING_REMOVED,          /* IQ from the registry */
	THING_DISOWNED,         /* IQ from the registry */
	THING_TAGS_CHANGED,     /* a tag differs from what was acknowledged */
	THING_KEY_CLEAR_DUE,    /* the delay after a public claim has passed */
	THING_CONFIGURED,       /* read from the configuration: self_owned */
	THING_DECONFIGURED,     /* no longer in the configuration */
	THING_CMD_REGISTER,     /* installer */
	THING_CMD_UNREGISTER,   /* installer */
	THING_CMD_RESET,        /* installer */
	THING_EVENTS
};

struct thing_event {
	enum thing_event_kind kind;
	const char
	    *jid; /* owner, prepared and bare: CLAIMED, REGISTER_CLAIMED */
	bool is_public; /* the same two */
	bool is_self; /* the owner is the gateway's own account: the same two */
	bool self_owned;  /* CONFIGURED */
	bool updated_key; /* UPDATED: the update carried KEY='' */
};

/* To be done in this order. */
enum thing_act {
	THING_NEW_KEY = 1 << 0, /* make a KEY (or keep it: key_after_disown);
				   the printed sticker is void or stale */
	THING_FORGET_TAGS = 1 << 1, /* forget what the registry acknowledged */
	THING_PERSIST = 1 << 2,     /* write struct thing */
	THING_DELETE = 1 << 3,      /* delete the row */
	THING_ACK = 1 << 4,         /* answer the IQ by an empty result */
	THING_NAK = 1 << 5,         /* answer the IQ by item-not-found */
	THING_UNFRIEND =
	    1 << 6,            /* drop old_owner, unless another node has it */
	THING_FRIEND = 1 << 7, /* approve thing.owner's subscription */
	THING_STOP = 1 << 8,   /* cancel what waits to be sent, and the delay */
	THING_REGISTER = 1 << 9, /* send register, as soon as may be */
	THING_UPDATE = 1 << 10,  /* send update: what changed, maybe nothing */
	THING_UNREGISTER = 1 << 11,
	THING_ARM_KEY_CLEAR = 1 << 12, /* start the delay before KEY='' */
	THING_RETRY = 1 << 13, /* alone: send the same again, slowly; with
				  THING_REGISTER: do that slowly */
	THING_WARN_REMOVED = 1
	    << 14,              /* tell the installer how to re-register */
	THING_REFUSE = 1 << 15, /* the installer's command does not apply */
};

struct thing_out {
	unsigned acts;
	char old_owner[JID_SIZE]; /* with THING_UNFRIEND */
};

/* thing_step applies one event to *t.  Any event is allowed in any state; one
 * that comes late (an answer to what no longer holds) yields no action.
 * CLAIMED, REMOVED and DISOWNED yield exactly one of ACK and NAK.
 * Thread: any.  Errors: none; what does not apply yields no action. */
void thing_step(
    struct thing *t, const struct thing_event *ev, struct thing_out *out);

/* thing_may_update: tags that changed are to be pushed (public or self-owned).
 */
bool thing_may_update(const struct thing *t);

/* thing_has_owner: somebody else than the gateway owns it. */
bool thing_has_owner(const struct thing *t);

#endif
