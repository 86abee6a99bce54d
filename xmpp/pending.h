/* The requests of ours that wait for an answer: found by id, and the one whose
 * time is over first always at hand. */
#ifndef XMPP_PENDING_H
#define XMPP_PENDING_H

#include "xmpp/iq.h"

enum { PENDING_BUCKETS = 1024, PENDING_ID = 40 };

struct pending {
	char id[PENDING_ID];
	char *to;         /* or NULL */
	int64_t deadline; /* monotonic ms */
	iq_done done;
	void *arg;
	const void *owner;
	void (*drop)(void *arg);
	size_t at; /* in the heap */
	struct pending *next;
};

/* Zero-initialised is empty; heap is released with free(). */
struct pendings {
	struct pending *bucket[PENDING_BUCKETS];
	struct pending **heap; /* the earliest deadline first */
	size_t n, cap;
};

struct pending *pending_find(const struct pendings *s, const char *id);
void pending_insert(struct pendings *s, struct pending *p);  /* takes p */
void pending_extract(struct pendings *s, struct pending *p); /* gives it back */
void pending_free(struct pending *p);

#endif
