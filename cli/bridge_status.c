#include "cli/bridge.h"

#include "common/buf.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CHECK, OPT_WATCH };

const struct opt bridge_status_opts[] = {
	{ "check", 0, NULL, "one line; exit 0 well, 1 warning, 2 critical" },
	{ "watch", 'w', NULL, "again every two seconds" },
	{ NULL, 0, NULL, NULL },
};

static json_int_t
count(const json_t *data, const char *path)
{
	return json_integer_value(out_member(data, path));
}

static char *
gateway_text(const json_t *d)
{
	const char *server = out_string(d, "server");

	return mem_printf("%s   %s%s%s%s", out_string(d, "jid"),
	    out_string(d, "xmpp"), *server ? "   " : "", server,
	    json_is_true(out_member(d, "tls")) ? "   TLS" : "");
}

static char *
registry_text(const json_t *d)
{
	const char *jid = out_string(d, "registry.jid");
	bool online = json_is_true(out_member(d, "registry.online"));

	if (!*jid)
		return mem_strdup("none found");
	return mem_printf("%s   %s", jid, online ? "online" : "not reachable");
}

/* "12: 10 online, 1 offline", one word for each state that there is. */
static void
add_counts(struct buf *b, json_t *counts)
{
	const char *state, *comma = "";
	const json_t *n;

	json_object_foreach(counts, state, n)
	{
		buf_printf(b, "%s%lld %s", comma,
		    (long long)json_integer_value(n), state);
		comma = ", ";
	}
}

static char *
nodes_text(const json_t *d)
{
	struct buf b = { 0 };

	buf_printf(&b, "%lld", (long long)count(d, "nodes.total"));
	if (count(d, "nodes.total") > 0) {
		buf_puts(&b, ": ");
		add_counts(&b, out_member(d, "nodes.device"));
		buf_puts(&b, "   claim: ");
		add_counts(&b, out_member(d, "nodes.claim"));
	}
	return buf_take(&b);
}

static char *
config_text(const json_t *d)
{
	const json_t *files = out_member(d, "config");
	const char *main_file = json_string_value(json_array_get(files, 0));
	size_t more = json_array_size(files);
	struct buf b = { 0 };

	buf_puts(&b, main_file ? main_file : "-");
	if (more > 1)
		buf_printf(&b, " + %zu more", more - 1);
	if (*out_string(d, "config_read"))
		buf_printf(&b, "   read %s", out_string(d, "config_read"));
	return buf_take(&b);
}

static const struct column head[] = {
	{ .title = "Gateway", .text = gateway_text },
	{ .title = "Registry", .text = registry_text },
	{ .title = "Nodes", .text = nodes_text },
	{ .title = "Config", .text = config_text },
	{ .title = NULL },
};

static const struct column buses[] = {
	{ .title = "BUS", .member = "name" },
	{ .title = "LOAD %", .member = "load", .right = true },
	{ .title = "REQUESTS", .member = "requests", .right = true },
	{ .title = "TIMEOUTS", .member = "timeouts", .right = true },
	{ .title = "CRC", .member = "crc", .right = true },
	{ .title = "EXCEPTIONS", .member = "exceptions", .right = true },
	{ .title = "LATE", .member = "late", .right = true },
	{ .title = "RTT MS", .member = "rtt_ms", .right = true },
	{ .title = NULL },
};

static void
print_warnings(const json_t *warnings)
{
	const char *on = out_colour() ? "\033[33m" : "";
	const char *off = out_colour() ? "\033[0m" : "";
	const json_t *w;
	size_t i;

	json_array_foreach(warnings, i, w)
	{
		char *text = out_text(json_object_get(w, "text"));
		const char *command = out_string(w, "command");

		printf("%s!%s %s%s%s\n", on, off, text, *command ? "   → " : "",
		    command);
		free(text);
	}
}

static int
show(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *d;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "status"), &d);

	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON) {
		out_json(d);
	} else {
		out_fields(mode, head, d);
		if (json_array_size(out_member(d, "buses")) > 0)
			out_rows(mode, buses, out_member(d, "buses"));
		if (mode == OUT_TABLE)
			print_warnings(out_member(d, "warnings"));
	}
	json_decref(d);
	return EXIT_OK;
}

/* The exit codes and the line of a monitoring plug-in. */
enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL };

static enum health
health(const json_t *d)
{
	json_int_t online = count(d, "nodes.device.online");
	json_int_t wanted =
	    count(d, "nodes.total") - count(d, "nodes.device.disabled");

	if (strcmp(out_string(d, "xmpp"), "online") != 0 ||
	    !json_is_true(out_member(d, "registry.online")))
		return HEALTH_CRITICAL;
	if (wanted > 0 && online == 0)
		return HEALTH_CRITICAL;
	if (online < wanted || json_array_size(out_member(d, "warnings")) > 0)
		return HEALTH_WARNING;
	return HEALTH_OK;
}

static int
check(const struct call *c)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	char *nodes, *first;
	enum health h;
	json_t *d;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "status"), &d);

	if (code != EXIT_OK)
		return code;
	h = health(d);
	nodes = nodes_text(d);
	first = mem_strdup(
	    out_string(json_array_get(out_member(d, "warnings"), 0), "text"));
	first[strcspn(first, "\n")] = '\0';
	printf("%s xmpp %s, registry %s, nodes %s%s%s\n", words[h],
	    out_string(d, "xmpp"),
	    json_is_true(out_member(d, "registry.online")) ? "online"
							   : "offline",
	    nodes, *first ? "; " : "", first);
	free(nodes);
	free(first);
	json_decref(d);
	return (int)h;
}

int
bridge_status(const struct call *c)
{
	if (c->opt[OPT_CHECK])
		return check(c);
	return bridge_watch(c, c->opt[OPT_WATCH] != NULL, show);
}
