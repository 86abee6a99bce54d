/* A command that answers later, or in many lines.
 *
 * Its client owns it: when that goes away, the job is freed without a word.
 * Otherwise it ends itself with job_done or job_fail, never from within the
 * command that began it.  Thread: loop. */
#ifndef GATEWAY_JOB_H
#define GATEWAY_JOB_H

#include "common/err.h"

#include <jansson.h>
#include <stdbool.h>

struct job;

/* Who waits for what a job says. */
struct listener {
	/* Takes data; false: it has not taken what came before yet, and data
	 * is dropped. */
	bool (*more)(void *arg, json_t *data);
	/* Takes data (OK) or reads eb (else).  The job is gone by then. */
	void (*done)(
	    void *arg, enum err e, json_t *data, const struct errbuf *eb);
	void *arg;
};

struct job_ops {
	/* The client has seen enough: job_done soon, or now. */
	void (*stop)(struct job *j);
	/* Ends what was asked of buses, and frees. */
	void (*free)(struct job *j);
};

/* First member of what it is part of. */
struct job {
	const struct job_ops *ops;
	struct listener to;
};

/* Each takes data; after the last two the job is freed. */
bool job_more(struct job *j, json_t *data);
void job_done(struct job *j, json_t *data);
void job_fail(struct job *j, enum err e, const struct errbuf *eb);

#endif
