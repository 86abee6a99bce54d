/* The verbs of thingbridge: one function, one file each. */
#ifndef CLI_BRIDGE_H
#define CLI_BRIDGE_H

#include "cli/daemon.h"
#include "cli/out.h"
#include "cli/verb.h"
#include "common/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct tmpl;

/* The program's own options, in the order of its table. */
enum bridge_global {
	BRIDGE_SOCKET,
	BRIDGE_CONFIG,
	BRIDGE_JSON,
	BRIDGE_PLAIN,
};

#define BRIDGE_CONF "/etc/thingbridge/thingbridge.conf"

enum out_mode bridge_mode(const struct call *c);

/* bridge_conf is the configuration file that was named, or the usual one. */
const char *bridge_conf(const struct call *c);

/* bridge_talk sends a request to the daemon of this call; path and conf of dc
 * are set here, and dc->error is the caller's to say and to free.
 * Owns:    takes request; *data is owned, NULL unless EXIT_OK.
 * Errors:  returns the exit code. */
int bridge_talk(const struct call *c, struct daemon_call *dc, json_t *request,
    json_t **data);

/* bridge_tell is bridge_talk that says what went wrong; bridge_ask is that of
 * commands with one answer. */
int bridge_tell(const struct call *c, struct daemon_call *dc, json_t *request,
    json_t **data);
int bridge_ask(const struct call *c, json_t *request, json_t **data);

/* bridge_watch runs show once, or every two seconds until it fails; a terminal
 * is cleared before each. */
int bridge_watch(const struct call *c, bool again,
    int (*show)(const struct call *c, void *arg), void *arg);

/* bridge_confirm asks on the terminal for word to be typed, bridge_yes for a
 * y ("do_it? [y/N]"); without a terminal they say that --yes is needed.  Return
 * whether to go on. */
bool bridge_confirm(const struct call *c, const char *what, const char *word);
bool bridge_yes(const struct call *c, const char *what, const char *do_it);

/* The columns of fields as read and of planned requests, shared by the verbs
 * that print some. */
extern const struct column bridge_field_columns[], bridge_field_plain[];
extern const struct column *const bridge_request_columns;

/* bridge_every_text is every_ms of a row for people.  Owns: returns owned. */
char *bridge_every_text(const json_t *row);

/* bridge_frame_text is a frame for people: its direction, its bytes in hex, and
 * of a line of text what they say; or a remark.  Returns owned. */
char *bridge_frame_text(const json_t *frame);

/* bridge_notes cuts text (which it spoils) into lines: an owned array.
 * bridge_print_notes prints it, and on standard error how many are errors and
 * warnings; or one JSON object of it all. */
json_t *bridge_notes(struct buf *text);
void bridge_print_notes(enum out_mode mode, const char *path, json_t *notes);

/* bridge_count is a number of what status tells, bridge_nodes_text how many
 * nodes are in which state.  Owns: the text is owned by the caller. */
json_int_t bridge_count(const json_t *data, const char *path);
char *bridge_nodes_text(const json_t *status);

/* bridge_provisioning is the provisioning servers of the registry's part. */
char *bridge_provisioning(const json_t *registry);

/* bridge_health is status --check. */
int bridge_health(const struct call *c);

/* bridge_words is words of the program. */
void bridge_words(const struct call *c, const char *what);

int bridge_status(const struct call *c);
int bridge_nodes(const struct call *c);
int bridge_read(const struct call *c);
int bridge_set(const struct call *c);
int bridge_meta(const struct call *c);
int bridge_stickers(const struct call *c);
int bridge_report(const struct call *c);
int bridge_reset(const struct call *c);
int bridge_register(const struct call *c);
int bridge_unregister(const struct call *c);
int bridge_registry(const struct call *c);
int bridge_ports(const struct call *c);
int bridge_scan(const struct call *c);
int bridge_adopt(const struct call *c);
int bridge_setup(const struct call *c);
int bridge_probe(const struct call *c);
int bridge_trace(const struct call *c);
int bridge_plan(const struct call *c);
int bridge_templates(const struct call *c);
int bridge_check(const struct call *c);
int bridge_reload(const struct call *c);
int bridge_backup(const struct call *c);
int bridge_restore(const struct call *c);
int bridge_doctor(const struct call *c);

extern const struct opt bridge_restore_opts[];
extern const struct opt bridge_status_opts[], bridge_nodes_opts[],
    bridge_read_opts[], bridge_set_opts[], bridge_stickers_opts[],
    bridge_report_opts[], bridge_reset_opts[], bridge_unregister_opts[],
    bridge_scan_opts[], bridge_trace_opts[], bridge_plan_opts[],
    bridge_adopt_opts[], bridge_setup_opts[];

#endif
