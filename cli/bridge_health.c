/* status --check: one line and the exit code of a monitoring plug-in. */
#include "cli/bridge.h"

#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its exit codes. */
enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_UNKNOWN };

static enum health
health(const json_t *d)
{
	json_int_t online = bridge_count(d, "nodes.device.online");
	json_int_t wanted = bridge_count(d, "nodes.total") -
	    bridge_count(d, "nodes.device.disabled");

	if (strcmp(out_string(d, "xmpp"), "online") != 0 ||
	    !json_is_true(out_member(d, "registry.online")))
		return HEALTH_CRITICAL;
	if (wanted > 0 && online == 0)
		return HEALTH_CRITICAL;
	if (online < wanted || json_array_size(out_member(d, "warnings")) > 0)
		return HEALTH_WARNING;
	return HEALTH_OK;
}

/* No daemon is what a monitoring system is there to tell; an answer that could
 * not be had for another reason says nothing of the gateway. */
static enum health
unchecked(int code)
{
	return code == EXIT_NODAEMON || code == EXIT_TIMEOUT ? HEALTH_CRITICAL
							     : HEALTH_UNKNOWN;
}

/* Returns owned. */
static char *
health_text(const json_t *d)
{
	char *nodes = bridge_nodes_text(d), *text;
	const char *first =
	    out_string(json_array_get(out_member(d, "warnings"), 0), "text");

	text = mem_printf("xmpp %s, registry %s, nodes %s%s%s",
	    out_string(d, "xmpp"),
	    json_is_true(out_member(d, "registry.online")) ? "online"
							   : "offline",
	    nodes, *first ? "; " : "", first);
	free(nodes);
	return text;
}

/* One line, whatever there is to say. */
static void
print_health(enum out_mode mode, enum health h, char *text)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };
	json_t *o;

	text[strcspn(text, "\n")] = '\0';
	if (mode != OUT_JSON) {
		printf(
		    "%s%c%s\n", words[h], mode == OUT_PLAIN ? '\t' : ' ', text);
		return;
	}
	o = json_pack("{s:i, s:s, s:i, s:s}", "schema", 1, "health", words[h],
	    "exit", (int)h, "text", text);
	out_json(o);
	json_decref(o);
}

int
bridge_health(const struct call *c)
{
	struct daemon_call dc = { .silence_ms = 0 };
	json_t *d;
	int code = bridge_talk(c, &dc, json_pack("{s:s}", "cmd", "status"), &d);
	enum health h = code == EXIT_OK ? health(d) : unchecked(code);
	char *text = code == EXIT_OK
	    ? health_text(d)
	    : mem_strdup(dc.error ? dc.error : "no answer");

	print_health(bridge_mode(c), h, text);
	free(text);
	free(dc.error);
	json_decref(d);
	return (int)h;
}
