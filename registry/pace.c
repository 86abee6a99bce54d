#include "registry/pace.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

/* What an account has had: empties by rate a second, is full at burst. */
struct bucket {
	struct bucket *next; /* in its chain */
	int64_t milli;       /* thousandths of a request */
	int64_t at;
	char jid[];
};

enum { CHAINS = 4096 };

struct pace {
	const struct clock *clock;
	int64_t rate, burst;
	size_t n, sweep_at;
	int64_t swept;
	struct bucket *chains[CHAINS];
};

enum { SWEEP_MIN = 1024, SWEEP_MS = 1000 };

struct pace *
pace_new(const struct clock *clock, int64_t rate, int64_t burst)
{
	struct pace *p = mem_zalloc(sizeof(*p));

	p->clock = clock;
	p->rate = rate;
	p->burst = burst;
	p->sweep_at = SWEEP_MIN;
	return p;
}

/* sweep forgets the empty buckets: an account without one has an empty one. */
static void
sweep(struct pace *p, int64_t now, bool all)
{
	for (size_t i = 0; i < CHAINS; i++) {
		struct bucket **at = &p->chains[i];

		while (*at) {
			struct bucket *b = *at;

			if (!all && b->milli > (now - b->at) * p->rate) {
				at = &b->next;
				continue;
			}
			*at = b->next;
			free(b);
			p->n--;
		}
	}
	p->swept = now;
	p->sweep_at = 2 * p->n > SWEEP_MIN ? 2 * p->n : SWEEP_MIN;
	if (p->sweep_at > PACE_ACCOUNTS)
		p->sweep_at = PACE_ACCOUNTS;
}

void
pace_free(struct pace *p)
{
	if (!p)
		return;
	sweep(p, 0, true);
	free(p);
}

static struct bucket **
chain_of(struct pace *p, const char *jid)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *jid; jid++)
		h = (h ^ (unsigned char)*jid) * 16777619U;
	return &p->chains[h % CHAINS];
}

static struct bucket *
bucket_of(struct pace *p, const char *jid, int64_t now)
{
	struct bucket **chain = chain_of(p, jid), *b;
	size_t size = strlen(jid) + 1;

	for (b = *chain; b; b = b->next)
		if (strcmp(b->jid, jid) == 0)
			return b;
	if (p->n >= p->sweep_at && now - p->swept >= SWEEP_MS)
		sweep(p, now, false);
	if (p->n >= PACE_ACCOUNTS)
		return NULL;
	b = mem_zalloc(sizeof(*b) + size);
	memcpy(b->jid, jid, size);
	b->at = now;
	b->next = *chain;
	*chain = b;
	p->n++;
	return b;
}

bool
pace_take(struct pace *p, const char *bare)
{
	int64_t now = clock_mono(p->clock);
	struct bucket *b;

	if (p->rate == 0)
		return true;
	b = bucket_of(p, bare, now);
	if (!b)
		return true;
	b->milli -= (now - b->at) * p->rate;
	if (b->milli < 0)
		b->milli = 0;
	b->at = now;
	if (b->milli + 1000 > p->burst * 1000)
		return false;
	b->milli += 1000;
	return true;
}
