/* The node table: every node of the configuration, and those that left it but
 * are still in the registry.  Thread: loop. */
#ifndef GATEWAY_NODE_H
#define GATEWAY_NODE_H

#include "common/key.h"
#include "config/config.h"
#include "drivers/reading.h"
#include "gateway/learned.h"
#include "gateway/share.h"
#include "protocol/discovery.h"
#include "protocol/tag.h"
#include "registry-client/thing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* The latest of one field. */
struct point {
	struct kept value; /* the last good one; meaningful when at_utc != 0 */
	int64_t at_mono, at_utc; /* arrival of the last good value */
	int64_t tried_mono;      /* of the last attempt; 0: none yet */
	const char *why;         /* static text: what is wrong, or NULL */
	enum quality quality;    /* of the last attempt */
	uint8_t wrong; /* readings in a row that cannot be right, to 3 */
};

/* A tag that follows a field: when it was last decided to push a value. */
struct follow {
	const char *tag; /* name, borrowed from the configuration */
	bool num;
	int field;                  /* index in the template's fields */
	char text[VALUE_TEXT_SIZE]; /* the value to push; "" none yet */
	int64_t pushed_mono;        /* when text was decided; 0 never */
};

/* What the registrar has to send for a node; in flight, or waiting. */
struct duty {
	unsigned
	    want; /* enum thing_act: THING_REGISTER, _UPDATE, _UNREGISTER */
	unsigned in_flight;     /* one of them, or 0 */
	bool queued;            /* in the registrar's queue */
	bool heard;             /* the registry answered since the start */
	bool check;             /* is to be asked about when its turn comes */
	int64_t check_mono;     /* and at the latest then */
	int64_t retry_mono;     /* 0: none */
	unsigned failures;      /* in a row */
	int64_t key_clear_mono; /* when KEY='' is due; 0: not armed */
	char refusal[32]; /* why the registry refused the last one; "" when not
			   */
};

struct series; /* gateway/history.h */

/* How a node stands in the concentrator: gateway/tell.h. */
struct standing {
	int64_t changed;     /* UTC; 0: not looked at yet */
	uint8_t state, told; /* enum conc_state: now, and what was told */
	uint8_t news;        /* to be told: bits by enum conc_event */
};

struct node {
	int64_t row;     /* in the store; 0: not yet written */
	uint32_t handle; /* never used twice */
	uint32_t unit;   /* what the buses call it, by the plant */
	bool changed;    /* its polling, since the plant was told */
	bool unread;     /* the store could not give it back: not as it is */
	char *id, *source, *cache;
	const struct cfg_node *cfg; /* NULL: gone from the configuration */
	/* kept */
	struct thing thing;
	char key[KEY_SIZE];
	int64_t key_gen;
	bool frozen;         /* claim holds what was registered or printed */
	struct tags claim;   /* without KEY */
	struct tags acked;   /* what the registry last acknowledged */
	struct tags meta;    /* set by the installer's tool */
	int64_t printed_gen; /* key_gen when a sticker was printed; 0 never */
	int64_t printed_utc;
	int printed_copies; /* with the KEY of printed_gen */
	struct learned learned;
	struct shares shares;
	/* the keeper's: where the readings of each field go, NULL when none is
	 * kept, and whose they are; NULL: not looked up yet */
	struct series **series;
	char *series_of;
	/* live */
	struct duty duty;
	struct point *points; /* one a field of the template */
	size_t n_points;
	struct follow *follows;
	size_t n_follows;
	enum unit_state device;
	struct drv_counters counters;
	bool
	    once_done; /* identity fields were answered since the bus started */
	uint64_t errors;
	struct standing standing;
	char *trouble; /* why the device does not answer; NULL when it does */
	TAILQ_ENTRY(node) due;
	/* while gateway.c applies a configuration: the section it will have */
	const struct cfg_node *next_cfg;
	struct node *chain; /* of the same bucket */
};

struct nodes {
	struct node **v; /* by handle: in the order they were added */
	size_t n, cap;
	uint32_t next_handle;
	struct node **bucket; /* by identity */
	size_t n_buckets;     /* a power of two, or 0 */
};

/* nodes_add appends an empty node of that identity.  Owns: table owns it. */
struct node *nodes_add(struct nodes *t, const struct node_ref *ref);
void nodes_remove(struct nodes *t, struct node *n);
void nodes_fini(struct nodes *t);

struct node *nodes_by_ref(const struct nodes *t, const struct node_ref *ref);
struct node *nodes_by_handle(const struct nodes *t, uint32_t handle);

/* nodes_by_id finds the node of that id; ERR_NOTFOUND, or ERR_BUSY when nodes
 * of several sources share it. */
enum err nodes_by_id(
    const struct nodes *t, const char *id, struct node **out) MUST_USE;

struct node_ref node_ref_of(const struct node *n);
uint32_t node_hash(const struct node *n); /* of its identity: always the same */

/* node_polled_alike: a bus has the same to do for both sections.  Names, tags
 * and self_owned are the loop's own. */
bool node_polled_alike(const struct cfg_node *a, const struct cfg_node *b);

/* node_configure binds the node to its section (NULL: gone); points are kept
 * when the template is the same. */
void node_configure(struct node *n, const struct cfg_node *cfg);

/* node_read stores the readings of an event. */
void node_read(struct node *n, const struct drv_event *ev);

/* node_unwell stores what a bus says of a device that does not answer; "" when
 * it does. */
void node_unwell(struct node *n, const char *text);

/* node_wrong counts the fields whose values cannot be right, three polls in a
 * row, and sets of to those that have a value and first to one of them; 0 when
 * they are too few to tell that the device is another, or read in a wrong
 * order. */
size_t node_wrong(const struct node *n, size_t *of, size_t *first);

/* node_quality is the point's quality now: OK turns STALE past max_age, or
 * when the device does not answer any more. */
enum quality node_quality(const struct node *n, size_t field, int64_t mono);

/* node_current: the last attempt to read a field is not older than max_age, and
 * the device answers. */
bool node_current(const struct node *n, size_t field, int64_t mono);

/* value_text writes a value as it goes on the wire, point_text the last good
 * one of a field. */
void value_text(const struct value *v, char out[VALUE_TEXT_SIZE]);
void point_text(const struct node *n, size_t field, char out[VALUE_TEXT_SIZE]);

/* node_sticker: none, printed, void or stale. */
const char *node_sticker(const struct node *n);
const char *node_device(const struct node *n);

#endif
