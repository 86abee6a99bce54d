/* Who is asked about, and when: at once what the registry does not know yet,
 * slowly what may have changed while nobody listened, and everything once in a
 * long while, since a notice can be lost for good.
 *
 * A registry repeats the notices that it could not deliver, so a node that was
 * heard of in this run and has an owner needs no message after a stream that
 * broke.  One that is unclaimed does: a registry that repeats nothing may have
 * given it an owner meanwhile (XEP-0347 3.7). */
#include "common/key.h"
#include "gateway/registrar_impl.h"

enum {
	ROUND_TICK_MS = 2000, /* of registrar_round_tick */
	/* 10 a second, some 3 kB, which is a third of what Prosody as it comes
	 * lets a client send, and about all of what ejabberd does: readouts
	 * share it. */
	CHECKS_A_TICK = 20,
	/* A server with many gateways comes back to all of them at once. */
	JITTER_MAX_MS = 30000,
};

/* Owed: the registry lacks something, or something was not answered. */
static bool
is_owed(const struct node *n)
{
	const struct thing *t = &n->thing;

	return n->duty.want || t->unregister_due || t->claim == CLAIM_NEW ||
	    (t->claim == CLAIM_PUBLIC && !t->key_cleared);
}

static bool
may_have_changed(const struct node *n, int64_t mono)
{
	return n->thing.claim == CLAIM_UNCLAIMED || !n->duty.heard ||
	    n->duty.check_mono <= mono;
}

/* The node's own moment of each long round, by hash, so that nothing that is
 * common to many (a power cut) brings their moments together. */
static int64_t
next_check(const struct registrar *r, const struct node *n, int64_t mono)
{
	int64_t every = r->gw->cfg->registry.check_every_ms;
	int64_t at = mono - mono % every + (node_hash(n) ^ r->salt) % every;

	return at > mono ? at : at + every;
}

static void
ask(struct registrar *r, struct node *n)
{
	enum err e = registrar_event(r, n, THING_ONLINE);

	(void)e; /* only commands are refused */
	n->duty.check = false;
	n->duty.check_mono = next_check(r, n, registrar_now(r));
}

static void
ask_some(struct registrar *r, size_t count)
{
	struct nodes *t = &r->gw->nodes;

	for (size_t i = 0; i < t->n && count; i++) {
		if (!t->v[i]->duty.check)
			continue;
		ask(r, t->v[i]);
		count--;
	}
}

/* Few are asked at once; many wait for their turns, beside those of other
 * gateways. */
void
registrar_round(struct registrar *r)
{
	struct nodes *t = &r->gw->nodes;
	int64_t mono = registrar_now(r), jitter;
	size_t checks = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct node *n = t->v[i];

		n->duty.check = !is_owed(n) && may_have_changed(n, mono);
		checks += n->duty.check;
		if (is_owed(n))
			ask(r, n);
	}
	jitter = (int64_t)checks * ROUND_TICK_MS / CHECKS_A_TICK;
	if (jitter > JITTER_MAX_MS)
		jitter = JITTER_MAX_MS;
	r->checks_mono = mono + random_below((uint32_t)jitter + 1);
	if (checks <= (size_t)r->gw->cfg->xmpp.window)
		ask_some(r, checks);
}

/* What is owed goes first. */
void
registrar_round_tick(struct registrar *r, int64_t mono)
{
	struct nodes *t = &r->gw->nodes;

	for (size_t i = 0; i < t->n; i++) {
		struct duty *d = &t->v[i]->duty;

		if (d->check_mono == 0)
			d->check_mono = next_check(r, t->v[i], mono);
		else if (d->check_mono <= mono && !d->want && !d->in_flight)
			d->check = true;
	}
	if (mono >= r->checks_mono && TAILQ_EMPTY(&r->due))
		ask_some(r, CHECKS_A_TICK);
}
