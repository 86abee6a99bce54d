/* Inside the readout: readout.c takes requests and ends them, readout_run.c
 * goes on with those that are accepted, a little in each turn of the loop,
 * readout_now.c has what is known of a node now and readout_past.c what was.
 * Thread: loop. */
#ifndef GATEWAY_READOUT_IMPL_H
#define GATEWAY_READOUT_IMPL_H

#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/history.h"
#include "gateway/readout.h"
#include "protocol/sensor_data.h"

#include <sys/queue.h>

enum {
	VISITS_MAX = 256,
	VISITS_EACH = 32,        /* of one account */
	VISIT_NODES_MAX = 20000, /* of all visits */
	VISIT_VALUES_MAX = 50000,
	/* How long a device may take that is read anew. */
	VISIT_WAIT_MS = 10000,
	/* Work of one turn of the loop: a value sent, a reading looked at. */
	WORK_TURN = 80000,
	WORK_VISIT = 40000,
	WORK_ENDED = 4000, /* about what a small visit was */
	WORK_VALUE = 200,
	WORK_READING = 1,
};

enum part { PART_NOW, PART_PAST, PART_DONE };

/* One node of a request. */
struct item {
	struct granted grant; /* its names are our own */
	char *text;           /* what the next texts are in: the node may go */
	struct node_ref ref;
	const char *owner; /* when it was granted */
	enum part part;
	int64_t until; /* its device is read anew and waited for; 0: not */
	char *failure; /* what is to be told at the end, or NULL */
};

/* Where the readings of an item are being told from. */
struct past {
	uint32_t unit; /* of the node: changes with its fields */
	bool begun;    /* with this field */
	size_t field;
	unsigned raw;     /* types of single readings that are wanted */
	unsigned of;      /* of periods */
	int64_t from, to; /* what is left */
	int64_t minute;   /* of the last reading */
	struct sums v[PERIODS];
};

/* A request that is not done with; "visit", as request is what it said. */
struct visit {
	TAILQ_ENTRY(visit) next;
	struct readout *of;
	char *text; /* what the next texts are in */
	const char *from, *bare;
	int32_t seqnr;
	unsigned types;
	int64_t from_utc, to_utc, when;
	struct names fields; /* sorted */
	struct tokens tokens;
	struct iq_in *rq; /* until it is answered */
	bool asking;      /* for access */
	uint64_t taken;   /* access_taken() when that was asked for */
	bool queued;
	struct item *items;
	size_t n, at; /* the item under way */
	bool ending;  /* all that is left are failures */
	size_t left;  /* values that may be sent */
	bool waits;   /* for devices, at most until: */
	int64_t wait_mono;
	struct past past;
	struct sd_writer out;
	int work; /* left in this turn */
};
TAILQ_HEAD(visits, visit);

struct readout {
	struct gateway *gw;
	uv_timer_t runner;
	struct visits visits;
	size_t n, n_items;
};

/* --- readout.c --- */

/* visit_ask asks for access to nodes, and goes on when that is known. */
void visit_ask(struct visit *v, struct node *const *nodes, size_t n);
void visit_end(struct visit *v);

/* --- readout_run.c --- */

/* readout_wake goes on with what is under way, in a turn of its own. */
void readout_wake(struct readout *r);

/* visit_value sends a value, in time; visit_full tells that this turn has sent
 * enough. */
void visit_value(struct visit *v, const struct item *it, int64_t utc_ms,
    struct sd_value *value);
bool visit_full(const struct visit *v);

/* visit_number sends what was reckoned of a field's numbers: "NAME, of". */
struct derived {
	const struct field *f;
	const char *of;
	struct num num;
	unsigned types;
	int64_t at;
};
void visit_number(
    struct visit *v, const struct item *it, const struct derived *d);

/* visit_wants: a field's values of that one type were asked and are granted. */
bool visit_wants(const struct visit *v, const struct item *it,
    const char *field, unsigned type);

/* --- readout_now.c --- */

/* now_known: all of a node that is wanted is current, or cannot be got. */
bool now_known(
    const struct visit *v, const struct item *it, const struct node *n);
void now_tell(struct visit *v, struct item *it, struct node *n);

/* What XEP-0323 calls a value, and a field of that kind. */
enum { VISIT_TEXT = VALUE_TEXT_SIZE };
void sd_of(const struct field *f, const struct value *v, char text[VISIT_TEXT],
    struct sd_value *out);

/* --- readout_past.c --- */

/* past_tell goes on with the history of a node; true when there is no more. */
bool past_tell(struct visit *v, struct item *it, struct node *n);

#endif
