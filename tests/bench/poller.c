/* Runs the buses of a gateway's configuration alone, without XMPP, store or
 * socket, and prints what came of it as one line of JSON:
 *
 *     poller -c FILE [-t SECONDS] [-n READS] [-i INTERVAL_MS] [-s] [-a FIELD]
 *
 * -n ends after that many answers with values, as many from each bus.  -i polls
 * as often, oftener than a configuration may.  -s: every register is an u16
 * that tells its unit, its address and the request it answers (values =
 * stamp-count of thingsim); what is another's, or older than what came before,
 * is wrong.  -a writes that control of a node now and then, and tells how long
 * it took. */
#include "common/buf.h"
#include "common/clock.h"
#include "common/key.h"
#include "common/log.h"
#include "common/mailbox.h"
#include "common/mem.h"
#include "config/config.h"
#include "drivers/bus.h"
#include "tests/thingsim/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BOX = 65536,
	ASKS_MAX = 100000,
	ASK_EVERY_MS = 20, /* about */
	WAIT_MS = 5,
	HALF = 0x8000,
};

struct options {
	const char *file, *ask;
	long seconds, reads, interval_ms;
	bool stamped;
};

struct seen {
	bool any;
	uint16_t last;
};

struct bench {
	struct options o;
	struct cfg *cfg;
	struct mailbox *box;
	struct drv_bus **buses;
	struct seen *seen;         /* of each node */
	uint64_t good, bad, wrong; /* values */
	uint64_t *reads;           /* answers with values, of each bus */
	/* asks: one at a time */
	bool asking;
	int64_t asked_us, next_ask_ms;
	int64_t *waits, *owns; /* in us: until it began, and it itself */
	size_t n_asks, n_failed;
};

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
start(struct bench *b, size_t i)
{
	const struct cfg_bus *line = &b->cfg->buses[i];
	struct drv_unit *units = mem_array(b->cfg->n_nodes, sizeof(*units));
	size_t n = 0;

	for (size_t k = 0; k < b->cfg->n_nodes; k++) {
		const struct cfg_node *node = &b->cfg->nodes[k];

		if (node->on != line)
			continue;
		units[n++] = (struct drv_unit){ .handle = (uint32_t)k,
			.name = node->name_id,
			.address = (int)node->address,
			.tmpl = node->tmpl,
			.poll_ms = b->o.interval_ms ? b->o.interval_ms
						    : node->poll_ms };
	}
	b->buses[i] = drv_bus_start(line, units, n, b->box, &clock_system);
	free(units);
}

/* Which request the device answered by r, counted by the device; 16 bits. */
static uint16_t
number_of(const struct cfg_node *n, const struct drv_reading *r)
{
	const struct field *f = &n->tmpl->fields[r->field];

	return (uint16_t)(r->value.mant -
	    stamp((unsigned)n->address, f->table, f->addr));
}

/* Each value must tell the same request, a later one than any before. */
static void
compare(struct bench *b, const struct drv_event *ev)
{
	const struct cfg_node *n = &b->cfg->nodes[ev->unit];
	struct seen *s = &b->seen[ev->unit];
	uint16_t first = 0;
	bool any = false;

	for (size_t i = 0; i < ev->n; i++) {
		uint16_t at = number_of(n, &ev->r[i]);

		if (ev->r[i].quality != QUALITY_OK)
			continue;
		if (any ? at == first
			: !s->any || (uint16_t)(at - s->last - 1) < HALF) {
			first = at;
			any = true;
			continue;
		}
		b->wrong++;
		fprintf(stderr,
		    "wrong: %s field %d: %lld, request %u after %u\n",
		    n->name_id, ev->r[i].field, (long long)ev->r[i].value.mant,
		    at, s->last);
	}
	if (any)
		*s = (struct seen){ true, first };
}

static void
take_readings(struct bench *b, const struct drv_event *ev)
{
	uint64_t good = 0;

	for (size_t i = 0; i < ev->n; i++)
		good += ev->r[i].quality == QUALITY_OK;
	b->good += good;
	b->bad += ev->n - good;
	b->reads[b->cfg->nodes[ev->unit].on - b->cfg->buses] += good > 0;
	if (b->o.stamped)
		compare(b, ev);
}

static void
take_answer(struct bench *b, const struct drv_answer *a)
{
	int64_t took = now_us() - b->asked_us;

	b->asking = false;
	b->next_ask_ms = now_us() / 1000 + ASK_EVERY_MS / 2 +
	    (int64_t)random_below(ASK_EVERY_MS);
	if (a->result != OK) {
		fprintf(stderr, "ask: %d %s\n", (int)a->result,
		    a->why ? a->why : "");
		b->n_failed++;
		return;
	}
	if (b->n_asks < ASKS_MAX) {
		b->owns[b->n_asks] = a->took_us;
		b->waits[b->n_asks++] = took - a->took_us;
	}
}

static void
ask(struct bench *b)
{
	size_t k = random_below((uint32_t)b->cfg->n_nodes);
	const struct cfg_node *n = &b->cfg->nodes[k];
	const struct control *c = tmpl_find_control(n->tmpl, b->o.ask);
	struct drv_ask ask = { .kind = DRV_ASK_WRITE, .handle = (uint32_t)k };

	if (!c) {
		fprintf(stderr, "%s has no control %s\n", n->name_id, b->o.ask);
		exit(EXIT_FAILURE);
	}
	ask.control = (uint16_t)(c - n->tmpl->controls);
	ask.to.type = c->f.type == REG_BOOL ? VALUE_BOOL : VALUE_NUM;
	ask.to.on = random_below(2) == 1;
	ask.to.num.mant = (int64_t)random_below(100);
	b->asked_us = now_us();
	for (size_t i = 0; i < b->cfg->n_buses; i++) {
		if (&b->cfg->buses[i] == n->on)
			b->asking = drv_bus_ask(b->buses[i], &ask) == OK;
	}
}

static void
turn(struct bench *b)
{
	struct drv_event *ev;

	if (b->o.ask && !b->asking && now_us() / 1000 >= b->next_ask_ms)
		ask(b);
	ev = mailbox_wait(b->box, WAIT_MS);
	for (; ev; ev = mailbox_pop(b->box)) {
		if (ev->kind == DRV_READINGS)
			take_readings(b, ev);
		else if (ev->kind == DRV_ANSWER)
			take_answer(b, ev->answer);
		drv_event_free(ev);
	}
}

static int
ascending(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
percentile_ms(int64_t *v, size_t n, double p)
{
	qsort(v, n, sizeof(*v), ascending);
	return n ? (double)v[(size_t)((double)(n - 1) * p)] / 1000 : 0;
}

/* What each line has to bring before it is over. */
static bool
has_enough(const struct bench *b)
{
	uint64_t share = (uint64_t)b->o.reads / b->cfg->n_buses;

	for (size_t i = 0; i < b->cfg->n_buses; i++) {
		if (b->reads[i] < share)
			return false;
	}
	return b->o.reads > 0;
}

static uint64_t
all_reads(const struct bench *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->cfg->n_buses; i++)
		n += b->reads[i];
	return n;
}

static void
print(struct bench *b, double took, double cpu)
{
	struct drv_stats all = { 0 };

	for (size_t i = 0; i < b->cfg->n_buses; i++) {
		struct drv_stats s;

		drv_bus_stats(b->buses[i], &s);
		all.requests += s.requests;
		all.timeouts += s.timeouts;
		all.crc += s.crc;
		all.exceptions += s.exceptions;
		all.late += s.late;
		all.overruns += s.overruns;
	}
	printf("{\"seconds\": %.3f, \"cpu\": %.3f, \"reads\": %llu, "
	       "\"values\": %llu, \"bad\": "
	       "%llu, \"wrong\": %llu, \"dropped\": %llu, \"requests\": %llu, "
	       "\"timeouts\": %llu, \"garbled\": %llu, \"exceptions\": %llu, "
	       "\"late\": %llu, \"overruns\": %llu, \"asks\": %zu, "
	       "\"asks_failed\": %zu, \"wait_p50\": %.3f, \"wait_p99\": %.3f, "
	       "\"wait_max\": %.3f, \"own_p50\": %.3f, \"own_max\": %.3f}\n",
	    took, cpu, (unsigned long long)all_reads(b),
	    (unsigned long long)b->good, (unsigned long long)b->bad,
	    (unsigned long long)b->wrong,
	    (unsigned long long)mailbox_dropped(b->box),
	    (unsigned long long)all.requests, (unsigned long long)all.timeouts,
	    (unsigned long long)all.crc, (unsigned long long)all.exceptions,
	    (unsigned long long)all.late, (unsigned long long)all.overruns,
	    b->n_asks, b->n_failed, percentile_ms(b->waits, b->n_asks, 0.5),
	    percentile_ms(b->waits, b->n_asks, 0.99),
	    percentile_ms(b->waits, b->n_asks, 1),
	    percentile_ms(b->owns, b->n_asks, 0.5),
	    percentile_ms(b->owns, b->n_asks, 1));
}

static void
run(struct bench *b)
{
	int64_t from = now_us(), end = from + b->o.seconds * 1000000;
	double cpu = cpu_seconds();

	for (size_t i = 0; i < b->cfg->n_buses; i++)
		start(b, i);
	while (now_us() < end && !has_enough(b))
		turn(b);
	print(b, (double)(now_us() - from) / 1e6, cpu_seconds() - cpu);
	for (size_t i = 0; i < b->cfg->n_buses; i++)
		drv_bus_ask_stop(b->buses[i]);
	for (size_t i = 0; i < b->cfg->n_buses; i++)
		drv_bus_stop(b->buses[i]);
}

static struct options
options(int argc, char **argv)
{
	struct options o = { .seconds = 10 };
	int c;

	while ((c = getopt(argc, argv, "c:t:n:i:sa:")) != -1) {
		if (c == 'c')
			o.file = optarg;
		else if (c == 't')
			o.seconds = strtol(optarg, NULL, 10);
		else if (c == 'n')
			o.reads = strtol(optarg, NULL, 10);
		else if (c == 'i')
			o.interval_ms = strtol(optarg, NULL, 10);
		else if (c == 's')
			o.stamped = true;
		else if (c == 'a')
			o.ask = optarg;
		else
			exit(EXIT_FAILURE);
	}
	return o;
}

int
main(int argc, char **argv)
{
	struct bench b = { .o = options(argc, argv) };
	struct buf notes = { 0 };

	if (!b.o.file || cfg_load(b.o.file, false, &b.cfg, &notes) != OK) {
		fprintf(stderr, "poller: -c FILE\n%s",
		    notes.data ? notes.data : "");
		return EXIT_FAILURE;
	}
	buf_fini(&notes);
	log_open(LOG_LVL_ERROR);
	b.box = mailbox_new(BOX, NULL, NULL);
	b.buses = mem_array(b.cfg->n_buses, sizeof(*b.buses));
	b.reads = mem_array(b.cfg->n_buses, sizeof(*b.reads));
	b.seen = mem_array(b.cfg->n_nodes, sizeof(*b.seen));
	b.waits = mem_array(ASKS_MAX, sizeof(*b.waits));
	b.owns = mem_array(ASKS_MAX, sizeof(*b.owns));
	run(&b);
	mailbox_free(b.box, drv_event_free);
	free(b.buses);
	free(b.reads);
	free(b.seen);
	free(b.waits);
	free(b.owns);
	cfg_free(b.cfg);
	return b.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
