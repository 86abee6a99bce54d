/* Inside the events: tell.c keeps the subscriptions and takes what happens,
 * tell_round.c tells it.  Thread: loop. */
#ifndef GATEWAY_TELL_IMPL_H
#define GATEWAY_TELL_IMPL_H

#include "gateway/portrait.h"
#include "gateway/tell.h"

#include <sys/queue.h>
#include <uv.h>

/* For one subscriber alone: a node came into his sight, or left it.  It is
 * looked at again when it is told: its claim may not have been kept. */
struct note {
	TAILQ_ENTRY(note) entry;
	bool added;
	char *node, *source, *cache;
};

struct sub {
	TAILQ_ENTRY(sub) entry;
	char *full, *bare, *source;
	unsigned events; /* bits by enum conc_event */
	struct portrait_wants wants;
	TAILQ_HEAD(, note) notes;
	size_t n_notes;
};

/* Handles of nodes that have news. */
struct handles {
	uint32_t *v;
	size_t n, cap;
};

struct tell {
	struct gateway *gw;
	uv_timer_t timer;
	bool closed;
	TAILQ_HEAD(, sub) subs;
	size_t n;
	size_t n_notes;
	struct handles queue, round; /* for the next round; of this one */
	size_t at;                   /* in the round */
	bool within;                 /* node `at` is being told: */
	unsigned events;             /* this, */
	struct sub *next;            /* to him and those after him */
	int64_t round_mono;          /* when it began */
};

/* tell.c */
void tell_note_free(struct tell *t, struct sub *s, struct note *note);
void tell_sub_end(struct tell *t, struct sub *s);

/* tell_round.c.  tell_sees: the node is of its source, and visible to it.
 * tell_arm sees to the next round. */
bool tell_sees(const struct tell *t, const struct sub *s, const struct node *n);
void tell_arm(struct tell *t);

#endif
