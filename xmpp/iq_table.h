/* The inside of xmpp/iq.h: what the session does with its table. */
#ifndef XMPP_IQ_TABLE_H
#define XMPP_IQ_TABLE_H

#include "xmpp/pending.h"

enum {
	IQ_DEFERRED_MAX = 512, /* requests of others that wait for an answer */
	IQ_ID_MAX = 1024,      /* bytes of an id that is kept */
};

/* A table of the program and the argument of its handlers. */
struct iq_routes_of {
	const struct iq_route *table;
	void *arg;
};

struct iq_table {
	struct session *session;
	const struct clock *clock;
	uv_timer_t *timer; /* the earliest deadline */
	char prefix[17];   /* of ids: random, so that nobody guesses one */
	uint64_t count;
	struct pendings pending;
	struct iq_routes_of *routes; /* the own ones first */
	size_t n_routes, cap_routes;
	struct iq_in *deferred;
	size_t n_deferred;
	uint64_t connection; /* which one this is */
	uint64_t unasked;    /* answers that nobody had asked for */
	const struct disco_identity *identity;
	const char *const *features;
};

struct iq_table *iq_table_new(
    struct session *s, uv_loop_t *loop, const struct clock *clock);

/* iq_table_free forgets requests that were not ended by iq_table_lost; each
 * struct iq_in still held may be answered later and sends nothing. */
void iq_table_free(struct iq_table *t);

/* iq_table_take handles one iq stanza of any type. */
void iq_table_take(struct iq_table *t, xmpp_stanza_t *stanza);

/* iq_table_lost ends all requests as IQ_LOST, and those of others as of a past
 * connection. */
void iq_table_lost(struct iq_table *t);

/* iq_table_expire ends the requests whose time is over. */
void iq_table_expire(struct iq_table *t);

/* A request with an owner other than its argument, for iq_forget; drop, if
 * set, then frees the argument. */
struct iq_ask {
	const char *type, *to;
	xmpp_stanza_t *payload; /* taken */
	int64_t timeout_ms;
	iq_done done;
	void *arg;
	const void *owner;
	void (*drop)(void *arg);
};
enum err iq_ask(struct session *s, const struct iq_ask *ask) MUST_USE;

/* ---- between iq.c and iq_serve.c ---- */

/* iq_from_own_server tells whether from is the server speaking for the own
 * account, or NULL. */
bool iq_from_own_server(const struct iq_table *t, const char *from);

/* iq_serve answers a request, now or by its handler. */
void iq_serve(struct iq_table *t, xmpp_stanza_t *stanza, bool is_set);
void iq_in_detach(struct iq_in *rq);
extern const struct iq_route iq_own_routes[];

#endif
