#include "common/mailbox.h"

#include "common/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t cap, head, count;
	uint64_t dropped;
	void (*wake)(void *);
	void *arg;
	void **slot;
};

struct mailbox *
mailbox_new(size_t cap, void (*wake)(void *), void *arg)
{
	struct mailbox *mb = mem_zalloc(sizeof(*mb));
	pthread_condattr_t attr;

	pthread_mutex_init(&mb->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&mb->filled, &attr);
	pthread_condattr_destroy(&attr);
	mb->cap = cap;
	mb->slot = mem_array(cap, sizeof(*mb->slot));
	mb->wake = wake;
	mb->arg = arg;
	return mb;
}

void
mailbox_free(struct mailbox *mb, void (*drop)(void *))
{
	void *msg;

	if (!mb)
		return;
	while ((msg = mailbox_pop(mb)))
		drop(msg);
	pthread_cond_destroy(&mb->filled);
	pthread_mutex_destroy(&mb->lock);
	free(mb->slot);
	free(mb);
}

/* The place of message i, from the oldest. */
static void **
place(const struct mailbox *mb, size_t i)
{
	return &mb->slot[(mb->head + i) % mb->cap];
}

static void *
take(struct mailbox *mb)
{
	void *msg = *place(mb, 0);

	mb->head = (mb->head + 1) % mb->cap;
	mb->count--;
	return msg;
}

/* Puts msg in; the lock is held, there is room; returns whether to wake. */
static bool
put(struct mailbox *mb, void *msg)
{
	*place(mb, mb->count) = msg;
	pthread_cond_signal(&mb->filled);
	return mb->count++ == 0 && mb->wake;
}

bool
mailbox_push(struct mailbox *mb, void *msg)
{
	bool room, wake = false;

	pthread_mutex_lock(&mb->lock);
	room = mb->count < mb->cap;
	if (room)
		wake = put(mb, msg);
	pthread_mutex_unlock(&mb->lock);
	if (wake)
		mb->wake(mb->arg);
	return room;
}

/* Takes message i out; those before it move up. */
static void *
take_at(struct mailbox *mb, size_t i)
{
	void *msg = *place(mb, i);

	for (; i > 0; i--)
		*place(mb, i) = *place(mb, i - 1);
	(void)take(mb);
	return msg;
}

static void
grow(struct mailbox *mb)
{
	void **slot = mem_array(mb->cap * 2, sizeof(*slot));

	assert(mb->cap > 0);
	for (size_t i = 0; i < mb->count; i++)
		slot[i] = *place(mb, i);
	free(mb->slot);
	mb->slot = slot;
	mb->cap *= 2;
	mb->head = 0;
}

/* Makes room for msg; the lock is held, the box is full. */
static void *
make_room(struct mailbox *mb, const void *msg,
    bool (*gives_way)(const void *old, const void *msg))
{
	for (size_t i = 0; i < mb->count; i++) {
		if (!gives_way(*place(mb, i), msg))
			continue;
		mb->dropped++;
		return take_at(mb, i);
	}
	grow(mb);
	return NULL;
}

void *
mailbox_push_newest(struct mailbox *mb, void *msg,
    bool (*gives_way)(const void *old, const void *msg))
{
	void *old = NULL;
	bool wake;

	pthread_mutex_lock(&mb->lock);
	if (mb->count == mb->cap)
		old = make_room(mb, msg, gives_way);
	wake = put(mb, msg);
	pthread_mutex_unlock(&mb->lock);
	if (wake)
		mb->wake(mb->arg);
	return old;
}

void *
mailbox_pop(struct mailbox *mb)
{
	void *msg = NULL;

	pthread_mutex_lock(&mb->lock);
	if (mb->count)
		msg = take(mb);
	pthread_mutex_unlock(&mb->lock);
	return msg;
}

void *
mailbox_wait(struct mailbox *mb, int64_t ms)
{
	struct timespec until;
	void *msg = NULL;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000 * 1000000);
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&mb->lock);
	while (mb->count == 0 && rc == 0)
		rc = pthread_cond_timedwait(&mb->filled, &mb->lock, &until);
	if (mb->count)
		msg = take(mb);
	pthread_mutex_unlock(&mb->lock);
	return msg;
}

uint64_t
mailbox_dropped(struct mailbox *mb)
{
	uint64_t n;

	pthread_mutex_lock(&mb->lock);
	n = mb->dropped;
	pthread_mutex_unlock(&mb->lock);
	return n;
}
