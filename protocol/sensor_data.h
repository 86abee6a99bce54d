/* XEP-0323 stanzas, for the device and for who reads it. */
#ifndef PROTOCOL_SENSOR_DATA_H
#define PROTOCOL_SENSOR_DATA_H

#include "common/err.h"
#include "protocol/node_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strophe.h>

#define SENSOR_NS "urn:xmpp:iot:sensordata"

/* What kind of value a field has: flags, of requests and of values (4.2). */
enum sd_type {
	SD_MOMENTARY = 1 << 0,
	SD_PEAK = 1 << 1,
	SD_STATUS = 1 << 2,
	SD_COMPUTED = 1 << 3,
	SD_IDENTITY = 1 << 4,
	SD_HISTORICAL_SECOND = 1 << 5,
	SD_HISTORICAL_MINUTE = 1 << 6,
	SD_HISTORICAL_HOUR = 1 << 7,
	SD_HISTORICAL_DAY = 1 << 8,
	SD_HISTORICAL_WEEK = 1 << 9,
	SD_HISTORICAL_MONTH = 1 << 10,
	SD_HISTORICAL_QUARTER = 1 << 11,
	SD_HISTORICAL_YEAR = 1 << 12,
	SD_HISTORICAL_OTHER = 1 << 13,
	SD_TYPES = 14,
	SD_HISTORICAL = 0x3fe0,
	SD_ALL = 0x3fff,
};

/* How good a value is: flags; none means automaticReadout. */
enum sd_quality {
	SD_MISSING = 1 << 0,
	SD_IN_PROGRESS = 1 << 1,
	SD_AUTOMATIC_ESTIMATE = 1 << 2,
	SD_MANUAL_ESTIMATE = 1 << 3,
	SD_MANUAL_READOUT = 1 << 4,
	SD_AUTOMATIC_READOUT = 1 << 5,
	SD_TIME_OFFSET = 1 << 6,
	SD_WARNING = 1 << 7,
	SD_ERROR = 1 << 8,
	SD_SIGNED = 1 << 9,
	SD_INVOICED = 1 << 10,
	SD_END_OF_SERIES = 1 << 11,
	SD_POWER_FAILURE = 1 << 12,
	SD_INVOICE_CONFIRMED = 1 << 13,
	SD_QUALITIES = 14,
};

/* Names as on the wire; NULL when bit is none of them. */
const char *sd_type_name(unsigned bit);
const char *sd_quality_name(unsigned bit);

/* sd_types_parse and sd_types_build: the flags as attributes of el, with `all`
 * and `historical` understood, which XEP-0324 has too.
 * Errors: ERR_PROTO a flag is neither true nor false. */
enum err sd_types_parse(
    xmpp_stanza_t *el, unsigned *out, struct errbuf *eb) MUST_USE;
void sd_types_build(xmpp_stanza_t *el, unsigned types);

/* Names of fields or parameters: <field name/>, <parameter name/>; borrowed. */
enum { SD_NAMES_MAX = 1000, SD_NAME_MAX = 256 };
struct names {
	const char **v;
	size_t n, cap;
};
enum err names_parse(xmpp_stanza_t *el, const char *child, struct names *out,
    struct errbuf *eb) MUST_USE;
void names_add(struct names *t, const char *name);
bool names_has(const struct names *t, const char *name);
void names_build(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const char *child,
    const struct names *t);
void names_fini(struct names *t);

struct sd_req {
	int32_t seqnr;
	unsigned types; /* 0: none asked; SD_MOMENTARY is meant then */
	bool has_from, has_to, has_when;
	int64_t from, to, when; /* UTC, milliseconds since 1970 */
	struct tokens tokens;
	struct node_refs nodes; /* none: all of the device */
	struct names fields;    /* none: all */
};

/* sd_req_parse reads <req/>.  Texts are borrowed from el; call sd_req_fini,
 * also after an error.  Errors: ERR_PROTO, ERR_RANGE; eb says what. */
enum err sd_req_parse(
    xmpp_stanza_t *el, struct sd_req *out, struct errbuf *eb) MUST_USE;
xmpp_stanza_t *sd_req_build(xmpp_ctx_t *ctx, const struct sd_req *r);
void sd_req_fini(struct sd_req *r);

/* sd_simple makes an element with a seqnr alone: started, cancel, cancelled,
 * done; sd_accepted that answer.  Returns owned. */
xmpp_stanza_t *sd_simple(xmpp_ctx_t *ctx, const char *name, int32_t seqnr);
xmpp_stanza_t *sd_accepted(xmpp_ctx_t *ctx, int32_t seqnr, bool queued);

/* sd_seqnr reads that attribute.  Errors: ERR_PROTO. */
enum err sd_seqnr(xmpp_stanza_t *el, int32_t *out) MUST_USE;

enum sd_kind {
	SD_NUMERIC,
	SD_STRING,
	SD_BOOLEAN,
	SD_ENUM,
	SD_INT,
	SD_LONG,
	SD_DATE,
	SD_DATETIME,
	SD_DURATION,
	SD_TIME,
	SD_KINDS
};
const char *sd_kind_name(enum sd_kind k);

struct sd_value {
	enum sd_kind kind;
	const char *name, *value;
	const char *unit;      /* numeric; "" none */
	const char *data_type; /* enum */
	unsigned types, qualities;
	bool has_writable, writable;
};

/* The message of values being composed.  Values of one node and time stand
 * together when they are put one after the other. */
enum { SD_CHUNK = 15000 }; /* bytes, about: a message is below 16 KiB */
struct sd_writer {
	xmpp_ctx_t *ctx;
	int32_t seqnr;
	xmpp_stanza_t *fields, *node, *stamp; /* owned; borrowed */
	struct node_ref ref; /* of node; its texts are the caller's */
	int64_t at;          /* of stamp */
	size_t size;         /* of it all as text, about */
};

/* sd_put adds a value; when it returns true the message is full: take it.
 * ref's texts stay valid until then.  sd_take returns the message's payload and
 * begins anew, NULL when there is none and it is not the last; the last one has
 * done='true', with values or without.  Returns owned. */
bool sd_put(struct sd_writer *w, const struct node_ref *ref, int64_t utc_ms,
    const struct sd_value *v);
xmpp_stanza_t *sd_take(struct sd_writer *w, bool last);
void sd_drop(struct sd_writer *w);

/* sd_failure makes <failure/> of one node's error; one a message, since readers
 * see the last <error/> alone. */
xmpp_stanza_t *sd_failure(xmpp_ctx_t *ctx, int32_t seqnr,
    const struct node_ref *ref, int64_t utc_ms, const char *text, bool last);

/* What a reader gets.  sd_each calls value for each value of <fields/>, or
 * error for each of <failure/>; *done tells that it was the last message.
 * What is malformed is left out.  All is borrowed for the call.
 * Errors: ERR_UNSUP another element, ERR_PROTO no seqnr. */
struct sd_reader {
	void (*value)(void *arg, const struct node_ref *ref, int64_t utc_ms,
	    const struct sd_value *v);
	void (*error)(void *arg, const struct node_ref *ref, const char *text);
	void *arg;
};
enum err sd_each(xmpp_stanza_t *el, const struct sd_reader *to, int32_t *seqnr,
    bool *done) MUST_USE;

#endif
