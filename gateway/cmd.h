/* What the commands share: their arguments, and the table of them.  A command
 * sets data, or job, or says in eb why not.  Thread: loop. */
#ifndef GATEWAY_CMD_H
#define GATEWAY_CMD_H

#include "gateway/commands.h"

#include <stdbool.h>

struct call {
	struct gateway *gw;
	const struct caller *who;
	const json_t *rq;
	const struct listener *to;
	struct outcome out;
	struct errbuf *eb;
	enum err e; /* of cmd_node() and cmd_line() */
};

const char *cmd_text(const struct call *c, const char *name);
bool cmd_flag(const struct call *c, const char *name);

/* cmd_int is an argument, or def when it is not given.
 * Errors: ERR_RANGE, with the sentence. */
enum err cmd_int(struct call *c, const char *name, int64_t min, int64_t max,
    int64_t *out) MUST_USE;

/* cmd_node returns the node of that id, cmd_line the configured bus that "bus"
 * names; or NULL with c->e and the sentence set. */
struct node *cmd_node(struct call *c, const char *id);
const struct cfg_bus *cmd_line(struct call *c);

/* For the log: "uid 1000 (pid 4711)". */
enum { CMD_WHO = 48 };
const char *cmd_who(const struct call *c, char out[CMD_WHO]);

/* JSON: null for NULL and "", for 0. */
json_t *cmd_text_or_null(const char *s);
json_t *cmd_time_or_null(int64_t utc_ms);

/* cmd_serial is how a line is spoken to: "9600 8N1", or null on TCP.
 * cmd_serial_text writes a mode. */
enum { CMD_SERIAL = 24 };
json_t *cmd_serial(const struct cfg_bus *line);
const char *cmd_serial_text(const struct serial_mode *m, char out[CMD_SERIAL]);

/* cmd_field_json is one field of `read`. */
struct reading_json {
	const struct field *f;
	const struct value *value;
	enum quality quality;
	const char *why;
	int64_t at_utc; /* 0: never */
};
json_t *cmd_field_json(const struct reading_json *r);

enum err cmd_status(struct call *c);
enum err cmd_nodes(struct call *c);
enum err cmd_read(struct call *c);
enum err cmd_meta(struct call *c);
enum err cmd_stickers(struct call *c);
enum err cmd_reset(struct call *c);
enum err cmd_register(struct call *c);
enum err cmd_unregister(struct call *c);
enum err cmd_registry(struct call *c);
enum err cmd_reload(struct call *c);
enum err cmd_plan(struct call *c);
enum err cmd_ports(struct call *c);
enum err cmd_set(struct call *c);
enum err cmd_scan(struct call *c);
enum err cmd_candidates(struct call *c);
enum err cmd_probe(struct call *c);
enum err cmd_trace(struct call *c);
enum err cmd_backup(struct call *c);

/* Shared by status and registry. */
json_t *cmd_registry_json(const struct gateway *gw);

#endif
