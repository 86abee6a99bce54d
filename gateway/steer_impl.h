/* What the files of steer share.  Thread: loop. */
#ifndef GATEWAY_STEER_IMPL_H
#define GATEWAY_STEER_IMPL_H

#include "gateway/access.h"
#include "gateway/node.h"
#include "gateway/setting.h"
#include "gateway/steer.h"
#include "protocol/control.h"
#include "protocol/jid.h"

#include <sys/queue.h>
#include <uv.h>

enum {
	WRITES_MAX = 256,   /* of one request */
	OPEN_MAX = 256,     /* requests, but for those who know nodes here */
	OPEN_EACH_MAX = 16, /* of one requester */
	ANSWER_MS = 4000,   /* programs wait five seconds, not more */
};

/* One parameter of a request. */
struct wish {
	enum ctl_type type;
	char *name, *text;
};

/* A node as it was when the request came. */
struct target {
	uint32_t handle, unit;
	enum access_standing standing;
	char *owner;
};

/* A request, from its arrival to its answer. */
struct errand {
	TAILQ_ENTRY(errand) entry;
	struct steer *steer;
	struct iq_in *rq; /* NULL: a message, or it was answered in time */
	int64_t due_mono; /* when that is */
	char *from, bare[JID_SIZE];
	bool is_form; /* it asks for a form */
	struct target *nodes;
	size_t n_nodes;
	struct wish *v;
	size_t n;
	bool reduced;   /* less is allowed than was asked */
	uint64_t taken; /* access_taken() when it was allowed */
	bool ready;     /* allowed and checked: it has its nodes, or waits;
			   those stand behind the others, as they came */
	bool writing;   /* it has its nodes */
	bool late;      /* answered: the write under way is its last */
	size_t at;      /* of n_nodes * n: what is written, or next */
	struct setting *setting;
};

TAILQ_HEAD(errands, errand);
struct steer {
	struct gateway *gw;
	struct errands errands;
	size_t n;
	bool serving;
	bool closed;
	uv_timer_t timer; /* to the next answer that is due */
};

/* Why a request is refused. */
struct fault {
	const char *condition;
	const char *param;    /* NULL: not because of a parameter */
	const char *node;     /* NULL: not because of a node */
	struct errbuf detail; /* of the parameter */
	struct errbuf text;
};

/* To who asks too much at once; to who may not control a node, and of what does
 * not exist to who may not know of it. */
extern const char steer_too_many[], steer_not_yours[];

/* Conditions with the type that XEP-0325 gives them. */
#define FAULT_LOCKED "conflict/wait"
#define FAULT_FAILED "internal-server-error/wait"

/* steer.c: a fault is logged and answered, a message is never answered;
 * errand_refuse and errand_end end e. */
void errand_answer(struct errand *e, const struct fault *f);
void errand_refuse(struct errand *e, const struct fault *f);
void errand_end(struct errand *e);

/* steer_take.c: what el asks, in e, or in f why it cannot be understood.  Call
 * ctl_set_fini, also after that. */
bool errand_take(
    struct errand *e, xmpp_stanza_t *el, struct ctl_set *set, struct fault *f);
bool errand_is_too_much(size_t nodes, size_t n, struct fault *f);

/* steer_check.c.  errand_node is the i-th node, or NULL when it has left the
 * configuration.  errand_holds: it is the same device, and as much his as when
 * he asked; else f says what has changed.  errand_control is what is asked for:
 * the control itself, also by its pulse; owned.  errand_is_pulse: it says how
 * long another is set for.
 */
const struct node *errand_node(const struct errand *e, size_t i);
bool errand_holds(const struct errand *e, size_t i, struct fault *f);
char *errand_control(const struct wish *w);
bool errand_is_pulse(const struct errand *e, const struct wish *w);

/* errand_understand tells what w means on n, or in f why that cannot be;
 * errand_check does so for all of e, and looks whether the devices are there.
 */
bool errand_understand(const struct errand *e, const struct node *n,
    const struct wish *w, struct value *to, struct setting_what *out,
    struct fault *f);
bool errand_check(const struct errand *e, struct fault *f);

/* steer_write.c.  errand_is_locked: another request writes one of its nodes, or
 * waits for one since longer.  errand_serve starts those that can be.
 * errand_hurry answers one that is writing and takes too long. */
bool errand_is_locked(const struct errand *e);
void errand_serve(struct steer *s);
void errand_hurry(struct errand *e);

#endif
