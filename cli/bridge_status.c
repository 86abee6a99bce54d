#include "cli/bridge.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/mem.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CHECK, OPT_WATCH, OPT_VERBOSE };

const struct opt bridge_status_opts[] = {
	[OPT_CHECK] = { "check", 0, NULL,
	    "one line; exit 0, 1 warning, 2 critical, 3 unknown" },
	[OPT_WATCH] = { "watch", 'w', NULL, "again every two seconds" },
	[OPT_VERBOSE] = { "verbose", 'v', NULL, "what each unit has done" },
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
	if (json_is_object(out_member(d, "config_error")))
		buf_printf(&b, "   RELOAD REFUSED %s",
		    out_string(d, "config_error.at"));
	return buf_take(&b);
}

static const struct column head[] = {
	{ .title = "Gateway", .text = gateway_text },
	{ .title = "Registry", .text = registry_text },
	{ .title = "Nodes", .text = nodes_text },
	{ .title = "Config", .text = config_text },
	{ .title = NULL },
};

static char *
line_text(const json_t *bus)
{
	const json_t *up = json_object_get(bus, "up");
	char *line = out_text(json_object_get(bus, "line"));
	char *text;

	text = mem_printf("%s%s", line, json_is_false(up) ? " DOWN" : "");
	free(line);
	return text;
}

static const struct column buses[] = {
	{ .title = "BUS", .member = "name" },
	{ .title = "LINE", .text = line_text },
	{ .title = "PLANNED %", .member = "planned", .right = true },
	{ .title = "LOAD %", .member = "load", .right = true },
	{ .title = "REQUESTS", .member = "requests", .right = true },
	{ .title = "TIMEOUTS", .member = "timeouts", .right = true },
	{ .title = "CRC", .member = "crc", .right = true },
	{ .title = "EXCEPTIONS", .member = "exceptions", .right = true },
	{ .title = "LATE", .member = "late", .right = true },
	{ .title = "OVERRUNS", .member = "overruns", .right = true },
	{ .title = "RTT MS", .member = "rtt_ms", .right = true },
	{ .title = NULL },
};

/* "3 (2: 3)": how many, and how many of each code. */
static char *
exceptions_text(const json_t *unit)
{
	json_t *codes = json_object_get(unit, "exception"), *n;
	struct buf b = { 0 };
	const char *code;

	buf_printf(&b, "%lld", (long long)count(unit, "exceptions"));
	json_object_foreach(codes, code, n)
	{
		if (json_integer_value(n) > 0)
			buf_printf(&b, " (%s: %lld)", code,
			    (long long)json_integer_value(n));
	}
	return buf_take(&b);
}

static char *
rtt_text(const json_t *unit)
{
	char *half = out_text(json_object_get(unit, "rtt_p50_ms"));
	char *most = out_text(json_object_get(unit, "rtt_p99_ms"));
	char *text = mem_printf("%s/%s", half, most);

	free(half);
	free(most);
	return text;
}

/* Time of the day, as all of a table is of about now. */
static char *
bad_text(const json_t *unit)
{
	const char *at = out_string(unit, "last_bad");
	const char *time = strchr(at, 'T');

	return time ? mem_strndup(time + 1, 8) : mem_strdup("-");
}

static const struct column units[] = {
	{ .title = "NODE", .member = "node" },
	{ .title = "BUS", .member = "bus" },
	{ .title = "ADDR", .member = "address", .right = true },
	{ .title = "STATE", .member = "state" },
	{ .title = "OK", .member = "ok", .right = true },
	{ .title = "TIMEOUTS", .member = "timeouts", .right = true },
	{ .title = "GARBLED", .member = "garbled", .right = true },
	{ .title = "LATE", .member = "late", .right = true },
	{ .title = "RETRIES", .member = "retries", .right = true },
	{ .title = "EXCEPTIONS", .text = exceptions_text, .right = true },
	{ .title = "OVERRUNS", .member = "overruns", .right = true },
	{ .title = "RTT P50/P99", .text = rtt_text, .right = true },
	{ .title = "LAST BAD", .text = bad_text },
	{ .title = NULL },
};

static const struct column units_plain[] = {
	{ .title = "bus", .member = "bus" },
	{ .title = "node", .member = "node" },
	{ .title = "address", .member = "address" },
	{ .title = "state", .member = "state" },
	{ .title = "ok", .member = "ok" },
	{ .title = "timeouts", .member = "timeouts" },
	{ .title = "garbled", .member = "garbled" },
	{ .title = "late", .member = "late" },
	{ .title = "retries", .member = "retries" },
	{ .title = "exceptions", .member = "exceptions" },
	{ .title = "overruns", .member = "overruns" },
	{ .title = "bytes", .member = "bytes" },
	{ .title = "rtt_p50_ms", .member = "rtt_p50_ms" },
	{ .title = "rtt_p99_ms", .member = "rtt_p99_ms" },
	{ .title = "last_ok", .member = "last_ok" },
	{ .title = "last_bad", .member = "last_bad" },
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

static void
print_units(enum out_mode mode, const json_t *list)
{
	json_t *rows = json_array(), *bus, *unit;
	size_t i, k;

	json_array_foreach(list, i, bus)
	{
		json_array_foreach(json_object_get(bus, "units"), k, unit)
		{
			json_object_set(
			    unit, "bus", json_object_get(bus, "name"));
			json_array_append(rows, unit);
		}
	}
	if (mode == OUT_PLAIN) {
		out_rows(mode, units_plain, rows);
	} else if (json_array_size(rows) > 0) {
		putchar('\n');
		out_rows(mode, units, rows);
	}
	json_decref(rows);
}

/* only leaves the bus of that name in d. */
static int
only(json_t *d, const char *name)
{
	json_t *list = json_object_get(d, "buses"), *bus;
	struct guess guess = { .word = name };
	char hint[64];
	size_t i;

	json_array_foreach(list, i, bus)
	    guess_try(&guess, out_string(bus, "name"));
	guess_hint(&guess, hint, sizeof(hint));
	for (i = json_array_size(list); i-- > 0;)
		if (strcmp(out_string(json_array_get(list, i), "name"), name) !=
		    0)
			json_array_remove(list, i);
	if (json_array_size(list) > 0)
		return EXIT_OK;
	return say_exit(EXIT_NOTFOUND, "there is no bus \"%s\"%s", name, hint);
}

static void
print(const struct call *c, const json_t *d)
{
	enum out_mode mode = bridge_mode(c);
	const json_t *list = json_object_get(d, "buses");
	bool detail = c->argc > 0 || c->opt[OPT_VERBOSE];

	if (mode == OUT_PLAIN && detail) {
		print_units(mode, list);
		return;
	}
	if (c->argc == 0)
		out_fields(mode, head, d);
	if (mode == OUT_TABLE && c->argc == 0)
		putchar('\n');
	if (json_array_size(list) > 0)
		out_rows(mode, buses, list);
	if (mode == OUT_PLAIN)
		return;
	if (detail)
		print_units(mode, list);
	if (c->argc == 0)
		print_warnings(out_member(d, "warnings"));
}

static int
show(const struct call *c, void *arg)
{
	json_t *d;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "status"), &d);

	(void)arg;
	if (code == EXIT_OK && c->argc)
		code = only(d, c->argv[0]);
	if (code == EXIT_OK && bridge_mode(c) == OUT_JSON)
		out_json(d);
	else if (code == EXIT_OK)
		print(c, d);
	json_decref(d);
	return code;
}

/* The exit codes and the line of a monitoring plug-in. */
enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_UNKNOWN };

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

/* No daemon is what a monitoring system is there to tell; an answer that could
 * not be had for another reason says nothing of the gateway. */
static int
unchecked(int code, const char *why)
{
	enum health h = code == EXIT_NODAEMON || code == EXIT_TIMEOUT
	    ? HEALTH_CRITICAL
	    : HEALTH_UNKNOWN;
	int len = (int)strcspn(why, "\n");

	printf("%s %.*s\n", h == HEALTH_CRITICAL ? "CRITICAL" : "UNKNOWN", len,
	    why);
	return (int)h;
}

static int
check(const struct call *c)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	struct daemon_call dc = { .silence_ms = 0 };
	char *nodes, *first;
	enum health h;
	json_t *d;
	int code = bridge_talk(c, &dc, json_pack("{s:s}", "cmd", "status"), &d);

	if (code != EXIT_OK)
		code = unchecked(code, dc.error ? dc.error : "no answer");
	free(dc.error);
	if (!d)
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
	return bridge_watch(c, c->opt[OPT_WATCH] != NULL, show, NULL);
}
