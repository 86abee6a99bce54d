#include "drivers/tally.h"

#include <stddef.h>

enum {
	FIRST_US = 64, /* what is faster counts as this */
	MOST_US = 60000000,
	PER_DOUBLING = 4,
	FULL = 250,
};

/* The step of a time: which doubling of the first, and which quarter of it. */
static size_t
step_of(int64_t us)
{
	int64_t base = FIRST_US;
	size_t step = 0;

	if (us > MOST_US)
		us = MOST_US;
	while (us >= base * 2 && step + PER_DOUBLING < TALLY_STEPS) {
		base *= 2;
		step += PER_DOUBLING;
	}
	if (us > base)
		step += (size_t)((us - base) * PER_DOUBLING / base);
	return step < TALLY_STEPS ? step : TALLY_STEPS - 1;
}

/* Where a step ends. */
static uint32_t
end_of(size_t step)
{
	uint32_t base = (uint32_t)FIRST_US << (step / PER_DOUBLING);

	return base + base / PER_DOUBLING * (uint32_t)(step % PER_DOUBLING + 1);
}

static uint32_t
percentile(const struct tally *t, unsigned percent)
{
	unsigned want = (t->n * percent + 99) / 100, sum = 0;

	for (size_t i = 0; i < TALLY_STEPS; i++) {
		sum += t->rtt[i];
		if (sum >= want)
			return end_of(i);
	}
	return 0;
}

static void
halve(struct tally *t)
{
	t->n = 0;
	for (size_t i = 0; i < TALLY_STEPS; i++) {
		t->rtt[i] /= 2;
		t->n = (uint16_t)(t->n + t->rtt[i]);
	}
}

void
tally_rtt(struct tally *t, int64_t us)
{
	size_t step = step_of(us);

	if (t->rtt[step] == FULL)
		halve(t);
	t->rtt[step]++;
	t->n++;
	t->c.rtt_p50_us = percentile(t, 50);
	t->c.rtt_p99_us = percentile(t, 99);
}

void
tally_exception(struct tally *t, uint8_t code)
{
	const size_t most = sizeof(t->c.exception) / sizeof(t->c.exception[0]);

	t->c.exceptions++;
	t->c.exception[code < most ? code : 0]++;
}
