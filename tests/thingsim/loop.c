#include "tests/thingsim/loop.h"

#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 64 };

/* The kernel wakes a sleeper some µs late: before an exact timer it is awake
 * this early, and looks again and again. */
enum { EARLY_NS = 60000, SLACK_NS = 1000 };
static const int64_t second_ns = 1000000000;

struct watch {
	loop_fd_fn *fn; /* NULL: none */
	void *arg;
	uint32_t round; /* tells an event of an earlier one of that number */
};

struct loop {
	int epoll;
	struct watch *watches; /* by descriptor */
	size_t n_watches;
	struct timer **heap; /* the earliest first; heap[i].place is i + 1 */
	size_t n_timers, cap_timers;
	bool stop;
};

struct loop *
loop_new(void)
{
	struct loop *l = mem_zalloc(sizeof(*l));

	prctl(PR_SET_TIMERSLACK, (unsigned long)SLACK_NS, 0UL, 0UL, 0UL);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		perror("thingsim: epoll");
		abort();
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epoll);
	free(l->watches);
	free(l->heap);
	free(l);
}

int64_t
loop_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * second_ns + ts.tv_nsec;
}

static void
make_room(struct loop *l, size_t fd)
{
	size_t n = l->n_watches ? l->n_watches : EVENTS_MAX;

	if (fd < l->n_watches)
		return;
	while (n <= fd)
		n *= 2;
	l->watches = mem_resize(l->watches, n, sizeof(*l->watches));
	for (size_t i = l->n_watches; i < n; i++)
		l->watches[i] = (struct watch){ 0 };
	l->n_watches = n;
}

void
loop_watch(
    struct loop *l, int fd, enum loop_when when, loop_fd_fn *fn, void *arg)
{
	static const uint32_t events[] = {
		[LOOP_READABLE] = EPOLLIN,
		[LOOP_EDGE] = EPOLLIN | (uint32_t)EPOLLET,
		[LOOP_HANGUP] = EPOLLRDHUP,
	};
	struct epoll_event ev = { .events = events[when] };
	struct watch *w;
	bool again;

	make_room(l, (size_t)fd);
	w = &l->watches[fd];
	again = w->fn != NULL;
	w->fn = fn;
	w->arg = arg;
	w->round++;
	ev.data.u64 = (uint64_t)w->round << 32 | (uint32_t)fd;
	epoll_ctl(l->epoll, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
}

void
loop_unwatch(struct loop *l, int fd)
{
	if (fd < 0 || (size_t)fd >= l->n_watches || !l->watches[fd].fn)
		return;
	l->watches[fd].fn = NULL;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void
put(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->place = i + 1;
}

static void
move_up(struct loop *l, size_t i, struct timer *t)
{
	while (i && l->heap[(i - 1) / 2]->due_ns > t->due_ns) {
		put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(l, i, t);
}

static void
move_down(struct loop *l, size_t i, struct timer *t)
{
	size_t child;

	while ((child = 2 * i + 1) < l->n_timers) {
		if (child + 1 < l->n_timers &&
		    l->heap[child + 1]->due_ns < l->heap[child]->due_ns)
			child++;
		if (l->heap[child]->due_ns >= t->due_ns)
			break;
		put(l, i, l->heap[child]);
		i = child;
	}
	put(l, i, t);
}

void
timer_at(struct loop *l, struct timer *t, int64_t due_ns)
{
	timer_stop(l, t);
	t->due_ns = due_ns;
	l->heap = mem_grow(
	    l->heap, l->n_timers, &l->cap_timers, sizeof(struct timer *));
	move_up(l, l->n_timers++, t);
}

void
timer_stop(struct loop *l, struct timer *t)
{
	size_t i = t->place;
	struct timer *last;

	if (i-- == 0)
		return;
	t->place = 0;
	last = l->heap[--l->n_timers];
	if (last == t)
		return;
	if (i && l->heap[(i - 1) / 2]->due_ns > last->due_ns)
		move_up(l, i, last);
	else
		move_down(l, i, last);
}

static int
wait_events(struct loop *l, struct epoll_event *ev)
{
	struct timespec ts = { 0 };
	int64_t left;

	if (l->n_timers == 0)
		return epoll_pwait2(l->epoll, ev, EVENTS_MAX, NULL, NULL);
	left = l->heap[0]->due_ns - loop_ns();
	if (l->heap[0]->exact)
		left -= EARLY_NS;
	if (left > 0) {
		ts.tv_sec = left / second_ns;
		ts.tv_nsec = (long)(left % second_ns);
	}
	return epoll_pwait2(l->epoll, ev, EVENTS_MAX, &ts, NULL);
}

static void
call_watches(struct loop *l, const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t fd = (uint32_t)ev[i].data.u64;
		struct watch w = l->watches[fd];

		if (w.fn && w.round == (uint32_t)(ev[i].data.u64 >> 32))
			w.fn(w.arg, ev[i].events);
	}
}

static void
fire_timers(struct loop *l)
{
	int64_t now = l->n_timers ? loop_ns() : 0;

	while (l->n_timers && l->heap[0]->due_ns <= now) {
		struct timer *t = l->heap[0];

		timer_stop(l, t);
		t->fn(t->arg);
	}
}

void
loop_run(struct loop *l)
{
	struct epoll_event ev[EVENTS_MAX];

	while (!l->stop) {
		call_watches(l, ev, wait_events(l, ev));
		fire_timers(l);
	}
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}
