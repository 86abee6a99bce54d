/* A bus, the first node on it, and its sticker: all by the daemon and by
 * commands that there are anyway. */
#include "cli/adopt.h"
#include "cli/say.h"
#include "cli/setup.h"
#include "cli/words.h"
#include "common/mem.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { ADDRESS_MAX = 255, CLAIM_TRIES = 40, UP_TRIES = 40 };

static void
wait_a_little(void)
{
	static const struct timespec pause = { .tv_nsec = 250000000 };

	nanosleep(&pause, NULL);
}

/* The bus. */

static bool
fits_bus(const char *text, struct errbuf *eb)
{
	char host[VALUE_HOST];
	int64_t number;
	struct stat st;
	int port;

	if (text[0] == '/' && stat(text, &st) == 0 && S_ISCHR(st.st_mode))
		return true;
	if (text[0] == '/') {
		errbuf_set(eb, ERR_RANGE,
		    "%s is no serial port; is the adapter plugged in?", text);
		return false;
	}
	if (value_int(text, &number) == OK ||
	    value_hostport(text, 502, host, &port) == OK)
		return true;
	errbuf_set(eb, ERR_RANGE,
	    "\"%s\" is no number of the list, no /dev/... and no HOST:PORT",
	    text);
	return false;
}

static bool
fits_speaks(const char *text, struct errbuf *eb)
{
	if (value_word(text, "modbus-rtu|serial") >= 0)
		return true;
	errbuf_set(
	    eb, ERR_RANGE, "modbus-rtu, or serial for devices that speak text");
	return false;
}

static bool
fits_speed(const char *text, struct errbuf *eb)
{
	struct serial_mode mode;

	if (serial_mode_parse(text, &mode) == OK)
		return true;
	errbuf_set(eb, ERR_RANGE, "\"%s\" is not like 9600 8N1", text);
	return false;
}

static bool
fits_name(const char *text, struct errbuf *eb)
{
	if (text[0] && strlen(text) <= 40 && !strpbrk(text, " \t/[];\"\\"))
		return true;
	errbuf_set(eb, ERR_RANGE, "one word of letters, digits and '-'");
	return false;
}

static bool
fits_addresses(const char *text, struct errbuf *eb)
{
	int64_t first, last;

	if (words_range(text, 0, ADDRESS_MAX, &first, &last))
		return true;
	errbuf_set(eb, ERR_RANGE, "\"%s\" is not like 5 or 1-32", text);
	return false;
}

static const struct question of_bus = { "bus", "Where are the devices?",
	"A number of the list above, a port's path, or HOST[:PORT] of Modbus "
	"TCP.",
	false, fits_bus };
static const struct question of_speaks = { "speaks", "What is spoken there?",
	"modbus-rtu, or serial: devices of text.", false, fits_speaks };
static const struct question of_speed = { "speed", "Speed and mode",
	"As all devices on this line are set; it stands in their papers.",
	false, fits_speed };
static const struct question of_bus_name = { "bus_name", "A name for this bus",
	"One word; it stands in messages.", false, fits_name };
static const struct question of_addresses = { "addresses",
	"Which addresses are to be asked?",
	"1-247 are all, which takes some minutes on a serial line.", false,
	fits_addresses };
static const struct question of_candidate = { "candidate",
	"Which of them becomes the first node?",
	"The number in column #; its values are shown before anything is kept.",
	false, NULL };
static const struct question of_name = { "name", "Its name",
	"As people here call it; it stands on the sticker.", false, NULL };
static const struct question of_room = { "room", "Where it is",
	"The tag ROOM, as Plant room 1; empty: none.", false, NULL };
static const struct question of_sticker = { "sticker",
	"File for its sticker (PNG)",
	"Whoever reads it can claim the node: it goes to the owner alone.",
	false, NULL };

char *
setup_bus(struct setup *s)
{
	const char *name = setup_value(s, "bus", "");

	return name ? mem_strdup(name) : NULL;
}

static const char *
port_name(const json_t *port)
{
	static const char *const names[] = { "by_id", "by_path", "path" };
	const char *name = "";

	for (size_t i = 0; i < 3 && !*name; i++)
		name = out_string(port, names[i]);
	return name;
}

static void
print_ports(const json_t *ports)
{
	const json_t *p;
	size_t i;

	json_array_foreach(ports, i, p)
	{
		char *adapter = out_text(json_object_get(p, "adapter"));
		char *holder = out_text(json_object_get(p, "holder"));

		fprintf(stderr, "  %zu  %s  %s  %s\n", i + 1, port_name(p),
		    adapter, strcmp(holder, "-") == 0 ? "free" : holder);
		free(adapter);
		free(holder);
	}
}

/* Where the devices are: a path or a host.  Returns owned; NULL: the person
 * leaves. */
static char *
ask_place(struct setup *s, const json_t *ports)
{
	const char *def = json_array_size(ports) ? "1" : NULL;
	char *given;
	int64_t n;

	while ((given = ask(&s->asker, &of_bus, def)) &&
	    value_int(given, &n) == OK) {
		const json_t *port =
		    n > 0 ? json_array_get(ports, (size_t)n - 1) : NULL;

		free(given);
		if (port)
			return mem_strdup(port_name(port));
		say("there is no %lld in the list", (long long)n);
		if (s->asker.from_file)
			return NULL;
	}
	return given;
}

static int
write_bus(struct setup *s, const char *type, const char *place,
    const char *speed, const char *name)
{
	char *section = mem_printf("bus %s", name);
	bool is_port = place[0] == '/';
	int code = setup_set(s, section,
	    (const struct setup_key[]){
		{ "type", type },
		{ is_port ? "port" : "host", place },
		{ "serial", speed },
	    },
	    3, true);

	free(section);
	return code;
}

static int
ask_line(struct setup *s, const char *place)
{
	bool is_port = place[0] == '/';
	char *type = is_port ? ask(&s->asker, &of_speaks, "modbus-rtu")
			     : mem_strdup("modbus-tcp");
	char *speed = NULL, *name = NULL;
	int code;

	if (type && is_port)
		speed = ask(&s->asker, &of_speed, "9600 8N1");
	if (type && (speed || !is_port))
		name =
		    ask(&s->asker, &of_bus_name, is_port ? "rs485-1" : "plc-1");
	code = name ? write_bus(s, type, place, speed, name) : setup_left();
	free(type);
	free(speed);
	free(name);
	return code;
}

int
setup_ask_bus(struct setup *s)
{
	json_t *d, *ports;
	char *place;
	int code = bridge_ask(s->c, json_pack("{s:s}", "cmd", "ports"), &d);

	if (code != EXIT_OK)
		return code;
	ports = json_object_get(d, "ports");
	print_ports(ports);
	place = ask_place(s, ports);
	json_decref(d);
	code = place ? ask_line(s, place) : setup_left();
	free(place);
	return code;
}

/* The node. */

char *
setup_node(struct setup *s)
{
	const char *id = setup_value(s, "node", "");

	return id ? mem_strdup(id) : NULL;
}

/* A line that was just configured takes a moment to open; what keeps it down
 * is the scan's to say. */
static void
wait_up(const struct setup *s, const char *bus)
{
	for (int i = 0; i < UP_TRIES; i++) {
		json_t *d, *b;
		bool up = false;
		size_t k;

		if (bridge_ask(s->c, json_pack("{s:s}", "cmd", "status"), &d) !=
		    EXIT_OK)
			return;
		json_array_foreach(json_object_get(d, "buses"), k, b) up |=
		    strcmp(out_string(b, "name"), bus) == 0 &&
		    json_is_true(json_object_get(b, "up"));
		json_decref(d);
		if (up)
			return;
		wait_a_little();
	}
}

/* What was found on that bus: an array, owned. */
static json_t *
found_on(const struct setup *s, const char *bus)
{
	json_t *all = json_array(), *d, *row;
	size_t i;

	if (bridge_ask(s->c, json_pack("{s:s}", "cmd", "candidates"), &d) !=
	    EXIT_OK)
		return all;
	json_array_foreach(json_object_get(d, "candidates"), i, row)
	{
		if (strcmp(out_string(row, "bus"), bus) == 0)
			json_array_append(all, row);
	}
	json_decref(d);
	return all;
}

static bool
is_number_of(const json_t *found, const char *text)
{
	const json_t *row;
	int64_t n;
	size_t i;

	if (value_int(text, &n) != OK)
		return false;
	json_array_foreach(found, i, row)
	{
		if (json_integer_value(json_object_get(row, "candidate")) == n)
			return true;
	}
	return false;
}

/* The number of one of them, as text; NULL: the person leaves. */
static char *
choose(struct setup *s, const json_t *found)
{
	char *first =
	    out_text(json_object_get(json_array_get(found, 0), "candidate"));
	char *chosen = ask(&s->asker, &of_candidate, first);

	while (chosen && !is_number_of(found, chosen)) {
		say("%s is none of the numbers above", chosen);
		free(chosen);
		chosen = s->asker.from_file
		    ? NULL
		    : ask(&s->asker, &of_candidate, first);
	}
	free(first);
	return chosen;
}

static int
adopt(struct setup *s, const char *candidate)
{
	char *name = ask(&s->asker, &of_name, "");
	char *room = name ? ask(&s->asker, &of_room, "") : NULL;
	const char *words[] = { "adopt", candidate, "--name", name, "--room",
		room, s->asker.from_file ? "--yes" : NULL, NULL };
	int code = room ? verb_again(s->c, words) : setup_left();

	free(name);
	free(room);
	return code;
}

static int
scan(struct setup *s, const char *bus)
{
	char *addresses = ask(&s->asker, &of_addresses,
	    setup_value(s, "bus", "host") ? "1-10" : "1-32");
	int code = addresses
	    ? verb_again(s->c,
		  (const char *const[]){ "scan", bus, "-a", addresses, NULL })
	    : setup_left();

	free(addresses);
	return code == EXIT_NOTFOUND || code == EXIT_PARTLY ? EXIT_OK : code;
}

int
setup_ask_node(struct setup *s)
{
	char *bus = setup_bus(s), *chosen = NULL;
	json_t *found;
	int code;

	wait_up(s, bus);
	code = scan(s, bus);
	found = code == EXIT_OK ? found_on(s, bus) : json_array();
	if (json_array_size(found) > 0)
		chosen = choose(s, found);
	if (chosen)
		code = adopt(s, chosen);
	else if (json_array_size(found) > 0)
		code = setup_left();
	else if (code == EXIT_OK)
		code = say_exit(EXIT_NOTFOUND,
		    "no device was found that could become a node.  Mend the "
		    "line and run thingbridge setup again, or name it: "
		    "thingbridge adopt %s ADDRESS TEMPLATE",
		    bus);
	json_decref(found);
	free(bus);
	free(chosen);
	return code;
}

/* Its sticker. */

static json_t *
node_now(const struct setup *s)
{
	const char *id = setup_value(s, "node", "");
	json_t *d, *row;

	if (bridge_ask(s->c,
		json_pack("{s:s, s:s}", "cmd", "nodes", "node", id),
		&d) != EXIT_OK)
		return NULL;
	row = json_incref(json_array_get(json_object_get(d, "nodes"), 0));
	json_decref(d);
	return row;
}

char *
setup_sticker(struct setup *s)
{
	json_t *row = node_now(s);
	const char *sticker = out_string(row, "sticker");
	const char *owner = out_string(row, "owner");
	char *text = NULL;

	if (*owner)
		text = mem_printf("claimed by %s", owner);
	else if (strcmp(sticker, "none") != 0 && *sticker)
		text = mem_strdup(sticker);
	json_decref(row);
	return text;
}

/* It can be claimed once the registry has it. */
static bool
wait_registered(const struct setup *s)
{
	for (int i = 0; i < CLAIM_TRIES; i++) {
		json_t *row = node_now(s);
		bool is = json_is_true(json_object_get(row, "registered"));

		json_decref(row);
		if (is)
			return true;
		wait_a_little();
	}
	return false;
}

int
setup_ask_sticker(struct setup *s)
{
	const char *id = setup_value(s, "node", "");
	char *usual = mem_printf("%s.png", id), *file;
	int code;

	if (!wait_registered(s)) {
		free(usual);
		return say_exit(EXIT_PARTLY,
		    "%s is not registered yet: thingbridge status tells why; "
		    "then thingbridge stickers %s",
		    id, id);
	}
	file = ask(&s->asker, &of_sticker, usual);
	code = file ? verb_again(s->c,
			  (const char *const[]){
			      "stickers", id, "-f", "png", "-o", file, NULL })
		    : setup_left();
	free(usual);
	free(file);
	return code;
}
