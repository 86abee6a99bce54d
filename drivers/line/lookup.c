#include "drivers/line/lookup.h"

#include "common/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum {
	SLICE_NS = 100 * 1000 * 1000,
	SECOND_NS = 1000 * 1000 * 1000,
	STACK = 256 * 1024, /* a thousand buses may look up at once */
};

/* Shared by who asks and the thread that asks for them; the last frees it. */
struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done, abandoned;
	char *host, *service;
	int rc;
	struct addrinfo *list;
};

static int
resolve(const char *host, const char *service, int flags, struct addrinfo **out)
{
	const struct addrinfo hints = { .ai_flags = flags,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };

	*out = NULL;
	return getaddrinfo(host, service, &hints, out);
}

static void
lookup_free(struct lookup *k)
{
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k->host);
	free(k->service);
	free(k);
}

static void *
work(void *arg)
{
	struct lookup *k = arg;
	struct addrinfo *list;
	int rc = resolve(k->host, k->service, 0, &list);
	bool abandoned;

	pthread_mutex_lock(&k->lock);
	k->rc = rc;
	k->list = list;
	k->done = true;
	abandoned = k->abandoned;
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->lock);
	if (!abandoned)
		return NULL;
	if (list)
		freeaddrinfo(list);
	lookup_free(k);
	return NULL;
}

static void
wait_a_little(struct lookup *k)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += SLICE_NS;
	if (t.tv_nsec >= SECOND_NS) {
		t.tv_nsec -= SECOND_NS;
		t.tv_sec++;
	}
	pthread_cond_timedwait(&k->changed, &k->lock, &t);
}

/* The answer, or, when the line is to stop first, none: the thread then ends
 * alone. */
static int
await(struct lookup *k, const struct line *l, struct addrinfo **out)
{
	int rc = EAI_AGAIN;
	bool done;

	pthread_mutex_lock(&k->lock);
	while (!k->done && !line_stopped(l))
		wait_a_little(k);
	done = k->done;
	k->abandoned = !done;
	pthread_mutex_unlock(&k->lock);
	if (!done)
		return rc;
	rc = k->rc;
	*out = k->list;
	lookup_free(k);
	return rc;
}

static struct lookup *
lookup_new(const char *host, const char *service)
{
	struct lookup *k = mem_zalloc(sizeof(*k));
	pthread_condattr_t attr;

	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attr);
	pthread_condattr_destroy(&attr);
	k->host = mem_strdup(host);
	k->service = mem_strdup(service);
	return k;
}

int
lookup_addresses(const char *host, const char *service, const struct line *l,
    struct addrinfo **out)
{
	struct lookup *k;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (resolve(host, service, AI_NUMERICHOST, out) == 0)
		return 0;
	k = lookup_new(host, service);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	rc = pthread_create(&thread, &attr, work, k);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return await(k, l, out);
	lookup_free(k);
	return EAI_MEMORY;
}
