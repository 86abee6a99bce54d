#include "registry-client/thing.h"

#include <stdio.h>
#include <string.h>

static const char *const names[CLAIMS] = {
	[CLAIM_NEW] = "new",
	[CLAIM_UNCLAIMED] = "unclaimed",
	[CLAIM_PUBLIC] = "public",
	[CLAIM_PRIVATE] = "private",
	[CLAIM_REMOVED] = "removed",
	[CLAIM_SELF_OWNED] = "self-owned",
	[CLAIM_GONE] = "gone",
};

const char *
claim_name(enum claim c)
{
	return names[c];
}

enum err
claim_parse(const char *name, enum claim *out)
{
	for (int c = 0; c < CLAIMS; c++) {
		if (strcmp(names[c], name) == 0) {
			*out = (enum claim)c;
			return OK;
		}
	}
	return ERR_NOTFOUND;
}

/* Sets of states. */
enum {
	OFFERED = 1 << CLAIM_NEW | 1 << CLAIM_UNCLAIMED,
	OWNED = 1 << CLAIM_PUBLIC | 1 << CLAIM_PRIVATE,
	SELF = 1 << CLAIM_SELF_OWNED,
	REMOVED = 1 << CLAIM_REMOVED,
	GONE = 1 << CLAIM_GONE,
};

static bool
in(const struct thing *t, unsigned states)
{
	return (states >> t->claim & 1) != 0;
}

bool
thing_may_update(const struct thing *t)
{
	return in(t, 1 << CLAIM_PUBLIC | SELF);
}

bool
thing_has_owner(const struct thing *t)
{
	return t->owner[0] != '\0';
}

/* Steps that several events share; each returns its actions. */

static unsigned
go(struct thing *t, enum claim to)
{
	if (t->claim == to)
		return 0;
	t->claim = to;
	return THING_PERSIST;
}

static unsigned
forget_owner(struct thing *t, struct thing_out *out)
{
	if (!thing_has_owner(t))
		return 0;
	memcpy(out->old_owner, t->owner, sizeof(out->old_owner));
	memset(t->owner, 0, sizeof(t->owner));
	return THING_UNFRIEND;
}

static bool
is_owner(const struct thing *t, const struct thing_event *ev)
{
	return strcmp(t->owner, ev->jid) == 0;
}

static unsigned
set_owner(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	unsigned acts = THING_PERSIST | THING_FRIEND;

	if (is_owner(t, ev))
		return acts;
	acts |= forget_owner(t, out);
	snprintf(t->owner, sizeof(t->owner), "%s", ev->jid);
	t->key_cleared = false; /* the claim proves that the KEY is there */
	return acts;
}

/* The registry has a record that it should not have. */
static unsigned
withdraw(struct thing *t)
{
	if (t->unregister_due)
		return 0;
	t->unregister_due = true;
	return THING_PERSIST | THING_UNREGISTER;
}

static unsigned
owned(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	enum claim to = ev->is_public ? CLAIM_PUBLIC : CLAIM_PRIVATE;
	unsigned acts = THING_STOP;

	if (t->claim == to && is_owner(t, ev))
		return 0;
	if (!in(t, OWNED))
		t->key_cleared = false;
	if (in(t, REMOVED))
		acts |= THING_FORGET_TAGS; /* another record than back then */
	acts |= set_owner(t, ev, out);
	t->claim = to;
	t->unregister_due = false; /* it was for a record of another time */
	if (to == CLAIM_PRIVATE)
		return acts;
	return acts | THING_UPDATE |
	    (t->key_cleared ? 0u : (unsigned)THING_ARM_KEY_CLEAR);
}

/* The record is our own.  It is a leftover when the installer has switched
 * self_owned off meanwhile: out with it, then it can be offered. */
static unsigned
owned_by_self(struct thing *t)
{
	if (t->self_owned)
		return go(t, CLAIM_SELF_OWNED) | THING_UPDATE;
	return go(t, CLAIM_NEW) | withdraw(t);
}

/* The registry knows a record of a removed node.  The installer's unregister
 * goes on, but an owner it brought to light is kept. */
static unsigned
removed_is_claimed(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	if (ev->is_self) {
		if (!t->self_owned || thing_has_owner(t) || t->unregister_due)
			return withdraw(t);
		return THING_FORGET_TAGS | owned_by_self(t);
	}
	if (!t->unregister_due)
		return owned(t, ev, out);
	return is_owner(t, ev) ? 0 : set_owner(t, ev, out);
}

/* A removed node has not registered since, so a new claimant got in by an old
 * sticker and a record that should not be there (a registry taken back to an
 * old copy of its data).  The installer's reset is the way to a new owner. */
static bool
is_stranger(const struct thing *t, const struct thing_event *ev)
{
	return in(t, REMOVED) && !ev->is_self && thing_has_owner(t) &&
	    !is_owner(t, ev);
}

static unsigned
is_claimed(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	if (in(t, REMOVED))
		return removed_is_claimed(t, ev, out);
	if (!ev->is_self)
		return owned(t, ev, out);
	if (in(t, OWNED) || t->unregister_due)
		return 0;
	return owned_by_self(t);
}

/* Back to the beginning: nobody's, under a KEY that nobody knows. */
static unsigned
start_over(struct thing *t, struct thing_out *out)
{
	t->claim = CLAIM_NEW;
	t->key_cleared = false;
	return forget_owner(t, out) | THING_NEW_KEY | THING_FORGET_TAGS |
	    THING_PERSIST | THING_STOP | THING_REGISTER;
}

static bool
has_claimant(const struct thing_event *ev)
{
	return ev->is_self || (ev->jid && *ev->jid);
}

/* One function an event. */

static unsigned
on_online(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	static const unsigned acts[CLAIMS] = {
		[CLAIM_NEW] = THING_REGISTER,
		[CLAIM_UNCLAIMED] = THING_REGISTER,
		[CLAIM_PUBLIC] = THING_UPDATE,
		[CLAIM_PRIVATE] = THING_UPDATE,
		[CLAIM_SELF_OWNED] = THING_REGISTER,
		[CLAIM_GONE] = THING_UNREGISTER,
	};

	(void)ev;
	(void)out;
	if (t->unregister_due)
		return THING_UNREGISTER;
	if (t->claim == CLAIM_PUBLIC && !t->key_cleared)
		return THING_UPDATE | THING_ARM_KEY_CLEAR;
	return acts[t->claim];
}

static unsigned
on_registered(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	if (t->unregister_due)
		return 0; /* that record goes */
	if (in(t, REMOVED))
		return withdraw(t);
	if (in(t, SELF))
		return THING_UPDATE;
	if (!in(t, OFFERED))
		return 0;
	if (t->self_owned)
		return go(t, CLAIM_SELF_OWNED) | THING_UPDATE;
	return go(t, CLAIM_UNCLAIMED);
}

static unsigned
on_register_claimed(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	if (in(t, OWNED | GONE) || !has_claimant(ev))
		return 0;
	return is_stranger(t, ev) ? withdraw(t) : is_claimed(t, ev, out);
}

static unsigned
on_register_failed(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	return in(t, OFFERED | SELF) && !t->unregister_due ? THING_RETRY : 0;
}

static unsigned
on_updated(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)out;
	if (!ev->updated_key || t->key_cleared || !in(t, OWNED | SELF))
		return 0;
	t->key_cleared = true;
	return THING_PERSIST;
}

/* A registry that does not know selfOwned says so again and again. */
static unsigned
on_update_disowned(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	unsigned slowly = in(t, SELF) ? THING_RETRY : 0;

	(void)ev;
	return in(t, OWNED | SELF) ? start_over(t, out) | slowly : 0;
}

/* The owner removed it, or the registry lost its data: nobody can tell. */
static unsigned
on_update_notfound(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	if (in(t, OWNED))
		return go(t, CLAIM_REMOVED) | THING_STOP | THING_WARN_REMOVED;
	if (!in(t, SELF))
		return 0;
	t->key_cleared = false;
	return go(t, CLAIM_NEW) | THING_FORGET_TAGS | THING_REGISTER |
	    THING_RETRY;
}

static unsigned
on_update_failed(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	return in(t, OWNED | SELF) ? THING_RETRY : 0;
}

static unsigned
on_unregistered(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	unsigned acts = t->unregister_due ? THING_PERSIST : 0;

	(void)ev;
	(void)out;
	t->unregister_due = false;
	if (in(t, GONE))
		return THING_DELETE;
	if (in(t, REMOVED))
		return acts;
	if (in(t, OWNED)) /* claimed while it was on its way: still there? */
		return acts | THING_UPDATE;
	if (in(t, SELF))
		acts |= THING_FORGET_TAGS;
	return acts | go(t, CLAIM_NEW) | THING_REGISTER;
}

static unsigned
on_claimed(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	if (in(t, GONE) || !has_claimant(ev))
		return THING_NAK;
	if (is_stranger(t, ev))
		return THING_NAK | withdraw(t);
	return THING_ACK | is_claimed(t, ev, out);
}

static unsigned
on_removed(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	if (in(t, GONE))
		return THING_NAK;
	if (in(t, REMOVED | 1 << CLAIM_NEW))
		return THING_ACK; /* known, or about a time before the reset */
	return THING_ACK | THING_STOP | go(t, CLAIM_REMOVED);
}

static unsigned
on_disowned(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	bool stays = in(t, REMOVED) && t->unregister_due;
	unsigned acts;

	(void)ev;
	if (in(t, GONE))
		return THING_NAK;
	acts = THING_ACK | start_over(t, out);
	if (stays) /* the installer wanted it out: only the owner goes */
		t->claim = CLAIM_REMOVED;
	return acts;
}

static unsigned
on_tags_changed(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	return thing_may_update(t) ? THING_UPDATE : 0;
}

static unsigned
on_key_clear_due(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	return t->claim == CLAIM_PUBLIC && !t->key_cleared ? THING_UPDATE : 0;
}

static unsigned
on_configured(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	bool changed = t->self_owned != ev->self_owned;

	(void)out;
	t->self_owned = ev->self_owned;
	if (in(t,
		GONE)) { /* if the registry knows an owner still, it says so */
		t->claim = CLAIM_NEW;
		t->unregister_due = false;
		return THING_PERSIST | THING_STOP | THING_REGISTER;
	}
	if (!changed)
		return 0;
	if (in(t, OFFERED)) {
		t->claim = CLAIM_NEW;
		return THING_PERSIST | THING_REGISTER;
	}
	if (!in(t, SELF) || t->self_owned)
		return THING_PERSIST;
	t->key_cleared = false;
	return go(t, CLAIM_NEW) | withdraw(t) | THING_FORGET_TAGS | THING_STOP;
}

/* Should the node come back before the row is deleted, a sticker that once
 * claimed it must not do so again. */
static unsigned
on_deconfigured(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	unsigned acts = in(t, OWNED | REMOVED) ? THING_NEW_KEY : 0;

	(void)ev;
	if (in(t, GONE))
		return 0;
	t->claim = CLAIM_GONE;
	t->key_cleared = false;
	t->unregister_due = true;
	return acts | forget_owner(t, out) | THING_FORGET_TAGS | THING_PERSIST |
	    THING_STOP | THING_UNREGISTER;
}

static unsigned
on_cmd_register(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	if (in(t, REMOVED | GONE))
		return THING_REFUSE;
	return in(t, OWNED) ? THING_UPDATE : THING_REGISTER;
}

static unsigned
on_cmd_unregister(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	(void)ev;
	(void)out;
	if (in(t, GONE))
		return THING_REFUSE;
	t->claim = CLAIM_REMOVED;
	t->unregister_due = true;
	return THING_PERSIST | THING_STOP | THING_UNREGISTER;
}

static unsigned
on_cmd_reset(
    struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	unsigned acts = 0;

	(void)ev;
	if (in(t, GONE))
		return THING_REFUSE;
	if (in(t, SELF)) /* the registry would keep the record that it has */
		acts = withdraw(t);
	return acts | start_over(t, out);
}

typedef unsigned handler(
    struct thing *, const struct thing_event *, struct thing_out *);

static handler *const handlers[THING_EVENTS] = {
	[THING_ONLINE] = on_online,
	[THING_REGISTERED] = on_registered,
	[THING_REGISTER_CLAIMED] = on_register_claimed,
	[THING_REGISTER_FAILED] = on_register_failed,
	[THING_UPDATED] = on_updated,
	[THING_UPDATE_DISOWNED] = on_update_disowned,
	[THING_UPDATE_NOTFOUND] = on_update_notfound,
	[THING_UPDATE_FAILED] = on_update_failed,
	[THING_UNREGISTERED] = on_unregistered,
	[THING_CLAIMED] = on_claimed,
	[THING_REMOVED] = on_removed,
	[THING_DISOWNED] = on_disowned,
	[THING_TAGS_CHANGED] = on_tags_changed,
	[THING_KEY_CLEAR_DUE] = on_key_clear_due,
	[THING_CONFIGURED] = on_configured,
	[THING_DECONFIGURED] = on_deconfigured,
	[THING_CMD_REGISTER] = on_cmd_register,
	[THING_CMD_UNREGISTER] = on_cmd_unregister,
	[THING_CMD_RESET] = on_cmd_reset,
};

/* What waits may have been cancelled, but the unregister that is due goes
 * first: a register before it would be undone by it. */
static unsigned
unregister_first(unsigned acts)
{
	if (!(acts & (THING_REGISTER | THING_UPDATE | THING_STOP)))
		return acts;
	acts &= ~(unsigned)(THING_REGISTER | THING_UPDATE | THING_RETRY);
	return acts | THING_UNREGISTER;
}

void
thing_step(struct thing *t, const struct thing_event *ev, struct thing_out *out)
{
	memset(out, 0, sizeof(*out));
	out->acts = handlers[ev->kind](t, ev, out);
	if (t->unregister_due)
		out->acts = unregister_first(out->acts);
}
