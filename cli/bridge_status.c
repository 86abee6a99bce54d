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

json_int_t
bridge_count(const json_t *data, const char *path)
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
	return mem_printf("%s   %s", jid,
	    json_is_true(out_member(d, "registry.resting"))
		? "nothing to tell now"
		: online ? "online"
			 : "not reachable");
}

static char *
provisioning_text(const json_t *d)
{
	return bridge_provisioning(out_member(d, "registry"));
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

char *
bridge_nodes_text(const json_t *d)
{
	struct buf b = { 0 };

	buf_printf(&b, "%lld", (long long)bridge_count(d, "nodes.total"));
	if (bridge_count(d, "nodes.total") > 0) {
		buf_puts(&b, ": ");
		add_counts(&b, out_member(d, "nodes.device"));
		buf_puts(&b, "   claim: ");
		add_counts(&b, out_member(d, "nodes.claim"));
	}
	return buf_take(&b);
}

static char *
main_file_text(const json_t *d)
{
	return out_text(json_array_get(out_member(d, "config"), 0));
}

static char *
config_text(const json_t *d)
{
	const json_t *files = out_member(d, "config");
	char *main_file = main_file_text(d);
	size_t more = json_array_size(files);
	struct buf b = { 0 };

	buf_puts(&b, main_file);
	free(main_file);
	if (more > 1)
		buf_printf(&b, " + %zu more", more - 1);
	if (*out_string(d, "config_read"))
		buf_printf(&b, ", read %.16sZ", out_string(d, "config_read"));
	if (json_is_object(out_member(d, "config_error")))
		buf_printf(&b, "   RELOAD REFUSED %s",
		    out_string(d, "config_error.at"));
	return buf_take(&b);
}

static const struct column head[] = {
	{ .title = "Gateway", .text = gateway_text },
	{ .title = "Registry", .text = registry_text },
	{ .title = "Provisioning", .text = provisioning_text },
	{ .title = "Nodes", .text = bridge_nodes_text },
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

/* A port has a long name, which tells one adapter from another at its end. */
static char *
short_line_text(const json_t *bus)
{
	enum { WIDTH = 28 };
	char *line = line_text(bus), *text;
	size_t len = strlen(line);
	const char *at = line + len - (WIDTH - 3);

	if (len <= WIDTH)
		return line;
	while ((*at & 0xc0) == 0x80) /* inside a character */
		at++;
	text = mem_printf("...%s", at);
	free(line);
	return text;
}

static char *
errors_text(const json_t *bus)
{
	return mem_printf("%lld",
	    (long long)(bridge_count(bus, "timeouts") +
		bridge_count(bus, "crc") + bridge_count(bus, "exceptions") +
		bridge_count(bus, "late")));
}

/* What fits a terminal. */
static const struct column buses_brief[] = {
	{ .title = "BUS", .member = "name" },
	{ .title = "LINE", .text = short_line_text },
	{ .title = "PLANNED %", .member = "planned", .right = true },
	{ .title = "LOAD %", .member = "load", .right = true },
	{ .title = "REQUESTS", .member = "requests", .right = true },
	{ .title = "ERRORS", .text = errors_text, .right = true },
	{ .title = "OVERRUNS", .member = "overruns", .right = true },
	{ .title = NULL },
};

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

	buf_printf(&b, "%lld", (long long)bridge_count(unit, "exceptions"));
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

/* Of the lines for programs the first word says what they tell of. */
static const struct {
	const char *word;
	const struct column columns[5];
} head_plain[] = {
	{ "gateway",
	    { { .title = "", .member = "jid" },
		{ .title = "", .member = "xmpp" },
		{ .title = "", .member = "server" },
		{ .title = "", .member = "tls" }, { .title = NULL } } },
	{ "registry",
	    { { .title = "", .member = "registry.jid" },
		{ .title = "", .member = "registry.online" },
		{ .title = "", .member = "registry.how" },
		{ .title = NULL } } },
	{ "config",
	    { { .title = "", .text = main_file_text },
		{ .title = "", .member = "config_read" },
		{ .title = "", .member = "config_error.at" },
		{ .title = NULL } } },
};

static const struct column buses_plain[] = {
	{ .title = "bus", .member = "name" },
	{ .title = "line", .member = "line" },
	{ .title = "up", .member = "up" },
	{ .title = "planned", .member = "planned" },
	{ .title = "load", .member = "load" },
	{ .title = "requests", .member = "requests" },
	{ .title = "timeouts", .member = "timeouts" },
	{ .title = "crc", .member = "crc" },
	{ .title = "exceptions", .member = "exceptions" },
	{ .title = "late", .member = "late" },
	{ .title = "overruns", .member = "overruns" },
	{ .title = "rtt_ms", .member = "rtt_ms" },
	{ .title = NULL },
};

static const struct column warnings_plain[] = {
	{ .title = "text", .member = "text" },
	{ .title = "command", .member = "command" },
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
print_rows_plain(
    const char *word, const struct column *columns, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_t *one = json_pack("[O]", row);

		printf("%s\t", word);
		out_rows(OUT_PLAIN, columns, one);
		json_decref(one);
	}
}

static void
print_counts_plain(const char *word, json_t *counts)
{
	const char *state;
	const json_t *n;

	json_object_foreach(counts, state, n) printf(
	    "%s\t%s\t%lld\n", word, state, (long long)json_integer_value(n));
}

static void
print_plain(const json_t *d)
{
	json_t *all = json_pack("[O]", d);

	for (size_t i = 0; i < sizeof(head_plain) / sizeof(*head_plain); i++)
		print_rows_plain(
		    head_plain[i].word, head_plain[i].columns, all);
	json_decref(all);
	print_counts_plain("device", out_member(d, "nodes.device"));
	print_counts_plain("claim", out_member(d, "nodes.claim"));
	print_rows_plain("bus", buses_plain, json_object_get(d, "buses"));
	print_rows_plain(
	    "warning", warnings_plain, json_object_get(d, "warnings"));
}

/* Why the lines that are shown are down. */
static void
print_troubles(const json_t *list)
{
	const json_t *bus;
	size_t i;

	json_array_foreach(list, i, bus)
	{
		char *text = out_text(json_object_get(bus, "trouble"));

		if (strcmp(text, "-") != 0)
			printf("! %s\n", text);
		free(text);
	}
}

static void
print(const struct call *c, const json_t *d)
{
	enum out_mode mode = bridge_mode(c);
	const json_t *list = json_object_get(d, "buses");
	bool detail = c->argc > 0 || c->opt[OPT_VERBOSE];

	if (mode == OUT_PLAIN) {
		if (detail)
			print_units(mode, list);
		else
			print_plain(d);
		return;
	}
	if (c->argc == 0) {
		out_fields(mode, head, d);
		putchar('\n');
	}
	if (json_array_size(list) > 0)
		out_rows(mode, detail ? buses : buses_brief, list);
	if (detail)
		print_units(mode, list);
	if (c->argc == 0)
		print_warnings(out_member(d, "warnings"));
	else
		print_troubles(list);
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

int
bridge_status(const struct call *c)
{
	if (c->opt[OPT_CHECK] && (c->opt[OPT_WATCH] || c->argc))
		return verb_usage(c, "--check is of all, and once");
	if (c->opt[OPT_CHECK])
		return bridge_health(c);
	return bridge_watch(c, c->opt[OPT_WATCH] != NULL, show, NULL);
}
