#include "tests/thingsim/loop.h"

#include "common/mem.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct watch {
	loop_fd_fn *fn;
	void *arg;
};

struct timer {
	struct timer *next; /* the list is in order of due_us */
	int64_t due_us;
	loop_time_fn *fn;
	void *arg;
};

/* fds[i] and watches[i] belong together; an fd of -1 is a removed one, which
 * poll(2) passes over until the next round closes the gap. */
struct loop {
	struct pollfd *fds;
	struct watch *watches;
	size_t n, cap_fds, cap_watches;
	struct timer *timers;
	bool stop;
};

struct loop *
loop_new(void)
{
	return mem_zalloc(sizeof(struct loop));
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	while (l->timers) {
		struct timer *t = l->timers;

		l->timers = t->next;
		free(t);
	}
	free(l->fds);
	free(l->watches);
	free(l);
}

int64_t
loop_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
loop_watch(struct loop *l, int fd, loop_fd_fn *fn, void *arg)
{
	l->fds = mem_grow(l->fds, l->n, &l->cap_fds, sizeof(*l->fds));
	l->watches =
	    mem_grow(l->watches, l->n, &l->cap_watches, sizeof(*l->watches));
	l->fds[l->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	l->watches[l->n] = (struct watch){ fn, arg };
	l->n++;
}

void
loop_unwatch(struct loop *l, int fd)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->fds[i].fd == fd)
			l->fds[i].fd = -1;
}

void
loop_at(struct loop *l, int64_t due_us, loop_time_fn *fn, void *arg)
{
	struct timer **at = &l->timers;
	struct timer *t = mem_zalloc(sizeof(*t));

	while (*at && (*at)->due_us <= due_us)
		at = &(*at)->next;
	*t = (struct timer){ *at, due_us, fn, arg };
	*at = t;
}

void
loop_cancel(struct loop *l, loop_time_fn *fn, const void *arg)
{
	struct timer **at = &l->timers;

	while (*at) {
		struct timer *t = *at;

		if (t->fn != fn || t->arg != arg) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		free(t);
	}
}

static void
close_gaps(struct loop *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->fds[i].fd < 0)
			continue;
		l->fds[kept] = l->fds[i];
		l->watches[kept++] = l->watches[i];
	}
	l->n = kept;
}

static int
wait_ms(const struct loop *l)
{
	int64_t us;

	if (!l->timers)
		return -1;
	us = l->timers->due_us - loop_us();
	if (us <= 0)
		return 0;
	return us > 60000000 ? 60000 : (int)((us + 999) / 1000);
}

static void
fire_timers(struct loop *l)
{
	int64_t now = loop_us();

	while (l->timers && l->timers->due_us <= now) {
		struct timer *t = l->timers;

		l->timers = t->next;
		t->fn(t->arg);
		free(t);
	}
}

void
loop_run(struct loop *l)
{
	while (!l->stop) {
		size_t n;

		close_gaps(l);
		n = l->n;
		if (poll(l->fds, n, wait_ms(l)) > 0) {
			for (size_t i = 0; i < n; i++) {
				struct watch w = l->watches[i];

				if (l->fds[i].fd >= 0 && l->fds[i].revents)
					w.fn(w.arg, l->fds[i].revents);
			}
		}
		fire_timers(l);
	}
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}
