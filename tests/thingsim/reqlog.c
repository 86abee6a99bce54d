#include "tests/thingsim/reqlog.h"

#include "common/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_NS = 100000000, US = 1000, SECOND = 1000000 };

struct reqlog {
	struct reqlog *next; /* of the plant */
	struct plant *plant;
	char *path;
	FILE *file;
	size_t users;
	struct timer flush;
};

static void
on_flush(void *arg)
{
	struct reqlog *log = arg;

	fflush(log->file);
}

static void
log_free(struct reqlog *log)
{
	timer_stop(log->plant->loop, &log->flush);
	fclose(log->file);
	free(log->path);
	free(log);
}

static void
drop(struct reqlog *log)
{
	struct reqlog **at = &log->plant->logs;

	while (*at != log)
		at = &(*at)->next;
	*at = log->next;
	log_free(log);
}

static struct reqlog *
find(const struct plant *p, const char *path)
{
	struct reqlog *log = p->logs;

	while (log && strcmp(log->path, path) != 0)
		log = log->next;
	return log;
}

enum err
reqlog_on(struct unit *u, const char *path, struct errbuf *eb)
{
	struct plant *p = u->bus->plant;
	struct reqlog *log = find(p, path);
	FILE *file;

	if (log && log == u->log)
		return OK;
	if (!log) {
		file = fopen(path, "we");
		if (!file)
			return errbuf_set(
			    eb, ERR_IO, "%s: %s", path, strerror(errno));
		log = mem_zalloc(sizeof(*log));
		log->plant = p;
		log->path = mem_strdup(path);
		log->file = file;
		log->flush = (struct timer){ .fn = on_flush, .arg = log };
		log->next = p->logs;
		p->logs = log;
	}
	log->users++;
	reqlog_off(u);
	u->log = log;
	return OK;
}

void
reqlog_off(struct unit *u)
{
	struct reqlog *log = u->log;

	u->log = NULL;
	if (log && --log->users == 0)
		drop(log);
	else if (log)
		fflush(log->file);
}

void
reqlog_add(const struct unit *u, const struct exchange *x, const char *fault)
{
	struct reqlog *log = u->log;
	int64_t us = loop_ns() / US;

	fprintf(log->file, "%" PRId64 ".%06" PRId64 " %s %u %u %u %s\n",
	    us / SECOND, us % SECOND, u->name, x->function, x->addr, x->count,
	    fault);
	if (log->flush.place == 0)
		timer_at(log->plant->loop, &log->flush, loop_ns() + FLUSH_NS);
}

void
reqlog_free_all(struct plant *p)
{
	while (p->logs) {
		struct reqlog *log = p->logs;

		p->logs = log->next;
		log_free(log);
	}
}
