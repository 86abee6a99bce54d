/* What the files of steer share.  Thread: loop. */
#ifndef GATEWAY_STEER_IMPL_H
#define GATEWAY_STEER_IMPL_H

#include "gateway/node.h"
#include "gateway/setting.h"
#include "gateway/steer.h"
#include "protocol/control.h"
#include "protocol/jid.h"

#include <sys/queue.h>

enum {
	WRITES_MAX = 256,   /* of one request */
	OPEN_MAX = 256,     /* requests, but for those who know nodes here */
	OPEN_EACH_MAX = 16, /* of one requester */
};

/* One parameter of a request. */
struct wish {
	enum ctl_type type;
	char *name, *text;
};

/* A request, from its arrival to its answer. */
struct errand {
	TAILQ_ENTRY(errand) entry;
	struct steer *steer;
	struct iq_in *rq; /* NULL: a message */
	char *from, bare[JID_SIZE];
	bool is_form;    /* it asks for a form */
	uint32_t *nodes; /* handles */
	size_t n_nodes;
	struct wish *v;
	size_t n;
	bool reduced; /* less is allowed than was asked */
	bool ready;   /* allowed and checked: it has its nodes, or waits;
			 those stand behind the others, as they came */
	bool writing; /* it has its nodes */
	size_t at;    /* of n_nodes * n: what is written, or next */
	struct setting *setting;
};

TAILQ_HEAD(errands, errand);
struct steer {
	struct gateway *gw;
	struct errands errands;
	size_t n;
};

/* Why a request is refused. */
struct fault {
	const char *condition;
	const char *param;    /* NULL: not because of a parameter */
	const char *node;     /* NULL: not because of a node */
	struct errbuf detail; /* of the parameter */
	struct errbuf text;
};

/* Conditions with the type that XEP-0325 gives them. */
#define FAULT_LOCKED "conflict/wait"
#define FAULT_FAILED "internal-server-error/wait"

/* steer.c: each ends e.  A message is only logged, never answered. */
void errand_refuse(struct errand *e, const struct fault *f);
void errand_end(struct errand *e);

/* steer_check.c.  errand_node is the i-th node, or NULL when it has left the
 * configuration.  errand_control is what is asked for: the control itself, also
 * by its pulse; owned.  errand_is_pulse: it says how long another is set for.
 */
const struct node *errand_node(const struct errand *e, size_t i);
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
 * waits for one since longer.  errand_serve starts those that can be. */
bool errand_is_locked(const struct errand *e);
void errand_serve(struct steer *s);

#endif
