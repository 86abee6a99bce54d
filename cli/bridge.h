/* The verbs of thingbridge: one function, one file each. */
#ifndef CLI_BRIDGE_H
#define CLI_BRIDGE_H

#include "cli/out.h"
#include "cli/verb.h"

#include <jansson.h>
#include <stdbool.h>

/* The program's own options, in the order of its table. */
enum bridge_global {
	BRIDGE_SOCKET,
	BRIDGE_CONFIG,
	BRIDGE_JSON,
	BRIDGE_PLAIN,
};

#define BRIDGE_CONF "/etc/thingbridge/thingbridge.conf"
#define BRIDGE_SOCK "/run/thingbridge/control.sock"

enum out_mode bridge_mode(const struct call *c);

/* bridge_conf is the configuration file that was named, or the usual one. */
const char *bridge_conf(const struct call *c);

/* bridge_ask sends a request to the daemon of this call.
 * Owns:    takes request; *data is owned, NULL unless EXIT_OK.
 * Errors:  returns the exit code; what went wrong was said. */
int bridge_ask(const struct call *c, json_t *request, json_t **data);

/* bridge_watch runs show once, or every two seconds until it fails; a terminal
 * is cleared before each. */
int bridge_watch(
    const struct call *c, bool again, int (*show)(const struct call *c));

/* bridge_confirm asks on the terminal for word to be typed; without a terminal
 * it says that --yes is needed.  Returns whether to go on. */
bool bridge_confirm(const struct call *c, const char *what, const char *word);

int bridge_status(const struct call *c);
int bridge_nodes(const struct call *c);
int bridge_read(const struct call *c);
int bridge_meta(const struct call *c);
int bridge_stickers(const struct call *c);
int bridge_reset(const struct call *c);
int bridge_register(const struct call *c);
int bridge_unregister(const struct call *c);
int bridge_registry(const struct call *c);
int bridge_check(const struct call *c);
int bridge_reload(const struct call *c);

extern const struct opt bridge_status_opts[], bridge_nodes_opts[],
    bridge_read_opts[], bridge_stickers_opts[], bridge_reset_opts[],
    bridge_unregister_opts[];

#endif
