/* What a bus does next.  Pure: the caller knows the time.
 *
 * Earliest deadline first: a poll class is due at fixed moments that depend on
 * its unit's name alone, so that units spread, and its deadline is the moment
 * after.  A moment that passes before the cycle begins is skipped and counted.
 * What someone waits for goes before all polls, what nobody waits for behind
 * them; units that answer go before units that do not, and units that are
 * offline use at most a tenth of the bus's time together. */
#ifndef DRIVERS_SCHED_H
#define DRIVERS_SCHED_H

#include "drivers/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_NEVER INT64_MAX

enum {
	SCHED_SHARE = 10,          /* a tenth: of probes, and of asks behind */
	SCHED_PATIENCE_MS = 10000, /* then what waits goes all the same */
	SCHED_ONCE_MS = 30000,     /* until what is read once is tried again */
};

/* Embedded in what polls a unit. */
struct sched_unit {
	void *of;                    /* the caller's */
	const struct health *health; /* borrowed */
	uint32_t spread;             /* sched_spread(name) */
	int64_t probe_ms; /* what a probe takes that is not answered */
};

/* One poll class of a unit. */
struct sched_task {
	void *of;                /* the caller's */
	struct sched_unit *unit; /* borrowed */
	int64_t interval_ms;     /* 0: once after each connection */
	int64_t due;             /* SCHED_NEVER: nothing left to do; may be set
				    at any time */
	int64_t began;           /* its cycle; SCHED_NEVER: it has not */
	uint64_t overruns;       /* moments that were skipped */
};

/* Zero-initialised is empty. */
struct sched {
	int64_t epoch;       /* phases count from here */
	int64_t probe_after; /* no probe of an offline unit before */
	int64_t
	    behind_after; /* asks behind wait for polls that are due until */
	struct sched_task **tasks; /* borrowed */
	size_t n, cap;
};

enum sched_what {
	SCHED_REST,   /* nothing is due before wake */
	SCHED_ASK,    /* the first of the asks that go before the polls */
	SCHED_BEHIND, /* the first of those that go behind them */
	SCHED_POLL,   /* the next block of task */
	SCHED_PROBE,  /* unit, cheaply: it is offline, or suspect */
};

struct choice {
	enum sched_what what;
	struct sched_unit *unit; /* SCHED_POLL, SCHED_PROBE */
	struct sched_task *task; /* SCHED_POLL, and SCHED_PROBE of a suspect:
				    the one whose cycle this was to be */
	int64_t wake;    /* SCHED_REST: when the next is due; SCHED_NEVER */
	int64_t room_ms; /* SCHED_PROBE, SCHED_BEHIND: until a living unit's
			    next poll; a shorter timeout disturbs none */
};

/* sched_spread is where a unit's moments lie. */
uint32_t sched_spread(const char *name);

/* sched_add makes t known, and sched_remove unknown, with due and began as they
 * are.  Owns: t is borrowed until sched_remove or sched_fini. */
void sched_add(struct sched *s, struct sched_task *t);
void sched_remove(struct sched *s, const struct sched_task *t);
void sched_fini(struct sched *s);

/* sched_next chooses; asks and behind tell whether any wait.  The cycle of a
 * task that is chosen has begun. */
struct choice sched_next(
    const struct sched *s, bool asks, bool behind, int64_t now);

/* sched_done ends the cycle of t and sets when the next is due: once more now
 * if a moment passed meanwhile, at the next moment if none did.  Of a task read
 * once: after a while when again says that something is missing, or never. */
void sched_done(
    const struct sched *s, struct sched_task *t, bool again, int64_t now);

/* sched_skip ends the cycles of all tasks of u that are due: a suspect unit has
 * not answered, and one question was enough. */
void sched_skip(struct sched *s, const struct sched_unit *u, int64_t now);

/* sched_probed and sched_behind_done note what a probe of an offline unit, or
 * an ask behind the polls, has taken. */
void sched_probed(struct sched *s, int64_t now, int64_t cost_ms);
void sched_behind_done(struct sched *s, int64_t now, int64_t cost_ms);

#endif
