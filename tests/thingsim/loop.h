/* One thread's event loop: descriptors by poll(2), and timers. */
#ifndef THINGSIM_LOOP_H
#define THINGSIM_LOOP_H

#include <stdint.h>

struct loop;

typedef void loop_fd_fn(void *arg, short revents);
typedef void loop_time_fn(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* loop_us is the monotonic time in µs, the unit of all times here. */
int64_t loop_us(void);

/* loop_watch calls fn(arg, revents) whenever fd is readable or hung up, until
 * loop_unwatch.  A callback may add and remove any watch. */
void loop_watch(struct loop *l, int fd, loop_fd_fn *fn, void *arg);
void loop_unwatch(struct loop *l, int fd);

/* loop_at calls fn(arg) once, at due_us; loop_cancel takes back every call of
 * fn with arg that is still to come. */
void loop_at(struct loop *l, int64_t due_us, loop_time_fn *fn, void *arg);
void loop_cancel(struct loop *l, loop_time_fn *fn, const void *arg);

/* loop_run returns after loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
