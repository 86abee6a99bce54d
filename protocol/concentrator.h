/* XEP-0326 stanzas, for the concentrator and for who browses it. */
#ifndef PROTOCOL_CONCENTRATOR_H
#define PROTOCOL_CONCENTRATOR_H

#include "common/err.h"
#include "protocol/control.h"
#include "protocol/node_ref.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strophe.h>

#define CONCENTRATOR_NS "urn:xmpp:iot:concentrators"

/* All requests that the XEP has, those first that a bus needs. */
enum conc_cmd {
	CONC_GET_CAPABILITIES,
	CONC_GET_ALL_DATA_SOURCES,
	CONC_GET_ROOT_DATA_SOURCES,
	CONC_GET_CHILD_DATA_SOURCES,
	CONC_CONTAINS_NODE,
	CONC_CONTAINS_NODES,
	CONC_GET_NODE,
	CONC_GET_NODES,
	CONC_GET_ALL_NODES,
	CONC_GET_NODE_INHERITANCE,
	CONC_GET_ROOT_NODES,
	CONC_GET_CHILD_NODES,
	CONC_GET_ANCESTORS,
	CONC_SUBSCRIBE,
	CONC_UNSUBSCRIBE,
	CONC_GET_NODE_COMMANDS,
	CONC_GET_COMMAND_PARAMETERS,
	CONC_EXECUTE_NODE_COMMAND,
	CONC_OTHERS, /* those from here on have no contents here */
	CONC_CMDS = 44
};
const char *conc_cmd_name(enum conc_cmd cmd);
/* conc_cmd_changes: it must come as IQ set. */
bool conc_cmd_changes(enum conc_cmd cmd);

/* The result attribute of answers. */
enum conc_result {
	CONC_OK,
	CONC_NOT_FOUND,
	CONC_INSUFFICIENT_PRIVILEGES,
	CONC_LOCKED,
	CONC_NOT_IMPLEMENTED,
	CONC_FORM_ERROR,
	CONC_OTHER_ERROR,
	CONC_RESULTS
};
const char *conc_result_name(enum conc_result r);
/* The stanza error that goes with it; NULL: none (OK). */
const char *conc_condition(enum conc_result r);

enum conc_event {
	CONC_ADDED,
	CONC_UPDATED,
	CONC_STATUS_CHANGED,
	CONC_REMOVED,
	CONC_MOVED_UP,
	CONC_MOVED_DOWN,
	CONC_EVENTS
};
const char *conc_event_name(enum conc_event e);

enum { CONC_SORT_MAX = 8 };
struct conc_sort {
	const char *parameter;
	bool descending;
};

/* A request; texts are borrowed from its element. */
struct conc_req {
	enum conc_cmd cmd;
	struct tokens tokens;
	struct node_ref ref;    /* source, node and cacheType of the request */
	struct node_refs nodes; /* containsNodes, getNodes */
	struct names types;     /* getAllNodes: onlyIfDerivedFrom */
	bool parameters, messages;
	unsigned events; /* subscribe, unsubscribe: bits by enum conc_event */
	bool has_since;  /* getEventsSince */
	const char *command;
	xmpp_stanza_t *form; /* or NULL */
	struct conc_sort sort[CONC_SORT_MAX];
	size_t n_sort;
};

/* conc_req_parse reads a request of the namespace; call conc_req_fini, also
 * after an error.  Errors: ERR_UNSUP not one of the 44; ERR_PROTO, ERR_RANGE
 * malformed; eb says what. */
enum err conc_req_parse(
    xmpp_stanza_t *el, struct conc_req *out, struct errbuf *eb) MUST_USE;
xmpp_stanza_t *conc_req_build(xmpp_ctx_t *ctx, const struct conc_req *r);
void conc_req_fini(struct conc_req *r);

/* conc_response makes <cmdResponse result=.../>; conc_result_parse reads the
 * result of an answer.  Errors: ERR_PROTO. */
xmpp_stanza_t *conc_response(
    xmpp_ctx_t *ctx, enum conc_cmd cmd, enum conc_result result);
enum err conc_result_parse(xmpp_stanza_t *el, enum conc_result *out) MUST_USE;

struct conc_source {
	const char *id, *name;
	bool has_children;
	int64_t changed; /* UTC, milliseconds; 0: not said */
};
void conc_source_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *response, const struct conc_source *s);
/* conc_source_parse reads <dataSource/>.  Errors: ERR_PROTO. */
enum err conc_source_parse(xmpp_stanza_t *el, struct conc_source *out) MUST_USE;

enum conc_state {
	CONC_STATE_NONE,
	CONC_STATE_INFORMATION,
	CONC_STATE_WARNING_SIGNED,
	CONC_STATE_WARNING_UNSIGNED,
	CONC_STATE_ERROR_SIGNED,
	CONC_STATE_ERROR_UNSIGNED,
	CONC_STATES
};
const char *conc_state_name(enum conc_state s);

enum conc_level { CONC_ERROR, CONC_WARNING, CONC_INFORMATION, CONC_LEVELS };
const char *conc_level_name(enum conc_level l);

struct conc_param {
	enum ctl_type type;
	const char *id, *name, *value;
};
struct conc_message {
	int64_t at; /* UTC, milliseconds */
	enum conc_level level;
	const char *text;
};

/* What is told of a node; "" or NULL: not said. */
struct conc_node {
	struct node_ref ref;
	const char *display, *type, *local_id, *log_id;
	const char *parent, *parent_cache;
	enum conc_state state;
	bool has_children, ordered, readable, controllable, has_commands;
	int64_t changed; /* UTC, milliseconds; 0: not said */
	const struct conc_param *params;
	size_t n_params;
	const struct conc_message *messages;
	size_t n_messages;
};

/* conc_node_build writes it on el: the response of getNode, a <node/>, an
 * event. conc_node_parse reads its attributes; parameters and messages with
 * conc_param_next and conc_message_next, which return the element they stand
 * in, to go on from, or NULL.  A message's text is owned. */
void conc_node_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct conc_node *n);
enum err conc_node_parse(xmpp_stanza_t *el, struct conc_node *out) MUST_USE;
xmpp_stanza_t *conc_param_next(xmpp_stanza_t *from, struct conc_param *out);
xmpp_stanza_t *conc_message_next(
    xmpp_stanza_t *from, int64_t *at, enum conc_level *level, char **text);

/* conc_event_new makes the element of an event, to be filled by
 * conc_node_build; of a status by conc_status_build, with the state and the
 * messages; of removals and moves with the reference alone. */
xmpp_stanza_t *conc_event_new(xmpp_ctx_t *ctx, enum conc_event e);
void conc_status_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct conc_node *n);
bool conc_event_parse(xmpp_stanza_t *el, enum conc_event *out);

enum conc_command_type {
	CONC_SIMPLE,
	CONC_PARAMETERIZED,
	CONC_QUERY,
	CONC_COMMAND_TYPES
};
struct conc_command {
	const char *command, *name;
	enum conc_command_type type;
	const char *confirmation, *failure, *success; /* texts, or NULL */
};
void conc_command_build(
    xmpp_ctx_t *ctx, xmpp_stanza_t *response, const struct conc_command *c);
enum err conc_command_parse(
    xmpp_stanza_t *el, struct conc_command *out) MUST_USE;

#endif
