#include "xmpp/watchdog.h"

#include "common/mem.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

struct watchdog {
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t changed;
	uint64_t deadline_ns; /* 0: not armed */
	int fd;
	bool fired, quit;
};

static void
watch(void *arg)
{
	struct watchdog *w = arg;
	uint64_t now;

	uv_mutex_lock(&w->lock);
	while (!w->quit) {
		now = uv_hrtime();
		if (w->deadline_ns == 0) {
			uv_cond_wait(&w->changed, &w->lock);
		} else if (now < w->deadline_ns) {
			(void)uv_cond_timedwait(
			    &w->changed, &w->lock, w->deadline_ns - now);
		} else {
			shutdown(w->fd, SHUT_RDWR);
			w->fired = true;
			w->deadline_ns = 0;
		}
	}
	uv_mutex_unlock(&w->lock);
}

struct watchdog *
watchdog_new(void)
{
	struct watchdog *w = mem_zalloc(sizeof(*w));

	w->fd = -1;
	uv_mutex_init(&w->lock);
	uv_cond_init(&w->changed);
	if (uv_thread_create(&w->thread, watch, w) == 0)
		return w;
	uv_cond_destroy(&w->changed);
	uv_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

void
watchdog_free(struct watchdog *w)
{
	if (!w)
		return;
	uv_mutex_lock(&w->lock);
	w->quit = true;
	uv_cond_signal(&w->changed);
	uv_mutex_unlock(&w->lock);
	uv_thread_join(&w->thread);
	uv_cond_destroy(&w->changed);
	uv_mutex_destroy(&w->lock);
	free(w);
}

void
watchdog_arm(struct watchdog *w, int fd, int64_t ms)
{
	uv_mutex_lock(&w->lock);
	w->fd = fd;
	w->deadline_ns = uv_hrtime() + (uint64_t)ms * 1000000;
	uv_cond_signal(&w->changed);
	uv_mutex_unlock(&w->lock);
}

bool
watchdog_disarm(struct watchdog *w)
{
	bool fired;

	uv_mutex_lock(&w->lock);
	fired = w->fired;
	w->fired = false;
	w->deadline_ns = 0;
	w->fd = -1;
	uv_mutex_unlock(&w->lock);
	return fired;
}
