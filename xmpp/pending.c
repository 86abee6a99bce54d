#include "xmpp/pending.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

static void
heap_put(struct pendings *s, size_t i, struct pending *p)
{
	s->heap[i] = p;
	p->at = i;
}

static void
heap_up(struct pendings *s, size_t i)
{
	struct pending *p = s->heap[i];

	while (i > 0 && s->heap[(i - 1) / 2]->deadline > p->deadline) {
		heap_put(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(s, i, p);
}

static void
heap_down(struct pendings *s, size_t i)
{
	struct pending *p = s->heap[i];

	for (;;) {
		size_t c = 2 * i + 1;

		if (c + 1 < s->n &&
		    s->heap[c + 1]->deadline < s->heap[c]->deadline)
			c++;
		if (c >= s->n || s->heap[c]->deadline >= p->deadline)
			break;
		heap_put(s, i, s->heap[c]);
		i = c;
	}
	heap_put(s, i, p);
}

/* FNV-1a. */
static size_t
bucket_of(const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return h % PENDING_BUCKETS;
}

struct pending *
pending_find(const struct pendings *s, const char *id)
{
	struct pending *p = s->bucket[bucket_of(id)];

	while (p && strcmp(p->id, id) != 0)
		p = p->next;
	return p;
}

void
pending_insert(struct pendings *s, struct pending *p)
{
	size_t b = bucket_of(p->id);

	p->next = s->bucket[b];
	s->bucket[b] = p;
	s->heap = mem_grow(s->heap, s->n, &s->cap, sizeof(struct pending *));
	heap_put(s, s->n++, p);
	heap_up(s, p->at);
}

void
pending_extract(struct pendings *s, struct pending *p)
{
	struct pending **link = &s->bucket[bucket_of(p->id)];
	struct pending *last;

	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	last = s->heap[--s->n];
	s->heap[s->n] = NULL;
	if (last == p)
		return;
	heap_put(s, p->at, last);
	heap_up(s, last->at);
	heap_down(s, last->at);
}

void
pending_free(struct pending *p)
{
	free(p->to);
	free(p);
}
