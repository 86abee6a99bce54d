/* One thread's event loop: descriptors by epoll(7), and timers that keep their
 * time to a few µs. */
#ifndef THINGSIM_LOOP_H
#define THINGSIM_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

typedef void loop_fd_fn(void *arg, uint32_t events); /* EPOLLIN ... */
typedef void loop_time_fn(void *arg);

/* When a descriptor is worth a call: as long as there is something to read;
 * each time that something happens to it; when its other side has closed. */
enum loop_when { LOOP_READABLE, LOOP_EDGE, LOOP_HANGUP };

/* Part of what it is the timer of; fn, arg and exact are its owner's, the rest
 * is the loop's.  Zero-initialised is not set. */
struct timer {
	loop_time_fn *fn;
	void *arg;
	bool exact; /* worth some µs of looking at the clock */
	int64_t due_ns;
	size_t place;
};

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* loop_ns is the monotonic time in ns, the unit of all times here. */
int64_t loop_ns(void);

/* loop_watch calls fn(arg, events) until loop_unwatch; of a descriptor that is
 * watched already it changes how.  A callback may add and remove any watch. */
void loop_watch(
    struct loop *l, int fd, enum loop_when when, loop_fd_fn *fn, void *arg);
void loop_unwatch(struct loop *l, int fd);

/* timer_at has t called once, at due_ns, or now if that is past; timer_stop
 * takes that back, if it was set at all. */
void timer_at(struct loop *l, struct timer *t, int64_t due_ns);
void timer_stop(struct loop *l, struct timer *t);

/* loop_run returns after loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
