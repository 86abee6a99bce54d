/* A device that a scan found, or that is named, becomes a node: after it has
 * been read, in a file of its own. */
#include "cli/adopt.h"
#include "cli/bridge.h"
#include "cli/say.h"
#include "common/mem.h"
#include "config/edit.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct opt bridge_adopt_opts[] = {
	[ADOPT_NAME] = { "name", 'n', "TEXT", "its name for people" },
	[ADOPT_ROOM] = { "room", 'r', "TEXT", "the tag ROOM: where it is" },
	[ADOPT_ID] = { "id", 0, "NODE", "instead of the proposed node id" },
	[ADOPT_TEMPLATE] = { "template", 't', "ID",
	    "instead of what a candidate looks like" },
	[ADOPT_SN] = { "sn", 0, "TEXT",
	    "serial number on its plate, if none is read" },
	[ADOPT_WRITE] = { "test-write", 0, "FIELD=VALUE",
	    "set this once it is a node, after asking" },
	[ADOPT_REMOVE] = { "remove", 0, "NODE", "take an adopted node out" },
	[ADOPT_YES] = { "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};

#define HEADER                                                           \
	"; Written by thingbridge adopt.  What is changed here by hand " \
	"stays.\n"                                                       \
	"; To take a node out: thingbridge adopt --remove NODE\n"

/* What scans have found. */

static char *
where_text(const json_t *row)
{
	const char *serial = out_string(row, "serial");

	return mem_printf(
	    "%s%s%s", out_string(row, "bus"), *serial ? " " : "", serial);
}

static char *
looks_text(const json_t *row)
{
	const char *id = json_string_value(
	    json_array_get(json_object_get(row, "looks_like"), 0));

	return mem_strdup(id ? id : "unknown");
}

static const struct column columns[] = {
	{ .title = "#", .member = "candidate", .right = true },
	{ .title = "BUS", .text = where_text },
	{ .title = "ADDR", .member = "address", .right = true },
	{ .title = "ANSWER", .member = "answer" },
	{ .title = "LOOKS LIKE", .text = looks_text },
	{ .title = "CERTAIN", .member = "certain" },
	{ .title = NULL },
};

static int
list(const struct call *c)
{
	enum out_mode mode = bridge_mode(c);
	json_t *d;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "candidates"), &d);
	json_t *rows = json_object_get(d, "candidates");

	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else if (json_array_size(rows) > 0)
		out_rows(mode, columns, rows);
	else
		say("no scan has found a device that is no node yet; "
		    "thingbridge scan BUS looks for some");
	json_decref(d);
	return EXIT_OK;
}

/* The candidate of that number; *d, of which it is a part, is owned. */
static int
find_candidate(const struct call *c, json_t **d, const json_t **row)
{
	int64_t n;
	size_t i;
	int code;

	*d = NULL;
	if (value_int(c->argv[0], &n) != OK)
		return verb_usage(c,
		    "\"%s\" is no number of a candidate; give that, or BUS "
		    "ADDRESS TEMPLATE",
		    c->argv[0]);
	code = bridge_ask(c, json_pack("{s:s}", "cmd", "candidates"), d);
	if (code != EXIT_OK)
		return code;
	json_array_foreach(json_object_get(*d, "candidates"), i, *row)
	{
		if (json_integer_value(json_object_get(*row, "candidate")) == n)
			return EXIT_OK;
	}
	return say_exit(EXIT_NOTFOUND,
	    "there is no candidate %s: its bus was scanned again, thingbridged "
	    "has started anew, or it is a node already; thingbridge adopt "
	    "lists them",
	    c->argv[0]);
}

static int
take_candidate(const struct call *c, struct adopt *a)
{
	const char *template = c->opt[ADOPT_TEMPLATE];
	const json_t *row = NULL;
	json_t *d;
	int code = find_candidate(c, &d, &row);

	if (code == EXIT_OK) {
		a->bus = mem_strdup(out_string(row, "bus"));
		a->address =
		    json_integer_value(json_object_get(row, "address"));
		a->serial = mem_strdup(out_string(row, "serial"));
		a->template = template ? mem_strdup(template) : looks_text(row);
		if (strcmp(a->template, "unknown") == 0)
			code = say_exit(EXIT_USAGE,
			    "no template is known to fit candidate %s; "
			    "thingbridge templates lists them, and -t ID names "
			    "one",
			    c->argv[0]);
	}
	json_decref(d);
	return code;
}

static int
take_named(const struct call *c, struct adopt *a)
{
	if (value_int(c->argv[1], &a->address) != OK || a->address < 0 ||
	    a->address > 255)
		return verb_usage(c, "\"%s\" is not an address", c->argv[1]);
	a->bus = mem_strdup(c->argv[0]);
	a->template = mem_strdup(c->argv[2]);
	a->serial = mem_strdup("");
	return EXIT_OK;
}

/* What is written. */

static bool
add_value(struct buf *b, const char *key, const char *value)
{
	return !value || !*value || edit_line(b, key, value);
}

static int
compose(const struct call *c, struct adopt *a)
{
	char *name = mem_printf("node %s", a->id);
	struct buf b = { 0 };
	bool fit;

	buf_printf(&b, "bus      = %s\n", a->bus);
	if (adopt_has_address(a))
		buf_printf(&b, "address  = %d\n", (int)a->address);
	buf_printf(&b, "template = %s\n", a->template);
	fit = add_value(&b, "name    ", c->opt[ADOPT_NAME]) &&
	    add_value(&b, "tag.ROOM", c->opt[ADOPT_ROOM]) &&
	    add_value(&b, "claim.SN", a->sn);
	if (fit && !a->amend.there)
		edit_append(&a->amend.now, HEADER);
	if (fit)
		edit_add(&a->amend.now, name, b.data);
	buf_fini(&b);
	free(name);
	return fit ? EXIT_OK
		   : verb_usage(c,
			 "a name, room or serial number is one line of at most "
			 "128 characters");
}

static int
agree(const struct call *c, const struct adopt *a)
{
	char *what;
	bool yes = c->opt[ADOPT_YES] != NULL;

	if (yes)
		return EXIT_OK;
	what = mem_printf(
	    "%s address %d becomes node %s.", a->bus, (int)a->address, a->id);
	yes = bridge_yes(c, what, "adopt it");
	free(what);
	return yes ? EXIT_OK : EXIT_USAGE;
}

static void
print(const struct call *c, const struct adopt *a)
{
	enum out_mode mode = bridge_mode(c);
	json_t *o;

	if (mode == OUT_TABLE)
		printf("%s is a node now, in %s\n", a->id, a->amend.path);
	else if (mode == OUT_PLAIN)
		printf("%s\n", a->id);
	fflush(stdout);
	if (mode != OUT_JSON) {
		say("Next: thingbridge read %s; thingbridge stickers %s", a->id,
		    a->id);
		return;
	}
	o = json_pack("{s:i, s:s, s:s, s:I, s:s, s:s, s:s?}", "schema", 1,
	    "node", a->id, "bus", a->bus, "address", (json_int_t)a->address,
	    "template", a->template, "file", a->amend.path, "sn",
	    a->sn ? a->sn : a->read_sn);
	out_json(o);
	json_decref(o);
}

/* The value asks for a question of its own: something may move. */
static int
test_write(const struct call *c, const struct adopt *a)
{
	const char *given = c->opt[ADOPT_WRITE];
	const char *yes = c->opt[ADOPT_YES] ? "--yes" : NULL;
	char *field;
	int code;

	if (!given)
		return EXIT_OK;
	field = mem_strndup(given, strcspn(given, "="));
	code = verb_again(c,
	    (const char *const[]){
		"set", a->id, field, strchr(given, '=') + 1, yes, NULL });
	free(field);
	return code;
}

static int
check_options(const struct call *c)
{
	const char *write = c->opt[ADOPT_WRITE];
	const char *eq = write ? strchr(write, '=') : NULL;

	if (c->argc == 2)
		return verb_usage(c,
		    "a template is needed too: BUS ADDRESS TEMPLATE "
		    "(thingbridge probe %s %s may tell)",
		    c->argv[0], c->argv[1]);
	if (c->argc == 3 && c->opt[ADOPT_TEMPLATE])
		return verb_usage(c, "two templates are one too many");
	if (write && (!eq || eq == write || !eq[1]))
		return verb_usage(c, "\"%s\" is not FIELD=VALUE", write);
	if (!c->opt[ADOPT_YES] &&
	    (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)))
		return verb_usage(
		    c, "there is no terminal to ask on; give --yes to do it");
	return EXIT_OK;
}

static int
adopt(const struct call *c, struct adopt *a)
{
	int code = c->argc == 1 ? take_candidate(c, a) : take_named(c, a);
	char *conf;

	if (code == EXIT_OK)
		code = amend_conf(c, &conf);
	if (code == EXIT_OK)
		code = amend_begin(conf, AMEND_ADOPTED, &a->amend);
	if (code == EXIT_OK)
		code = adopt_place(c, a);
	if (code == EXIT_OK)
		code = adopt_look(c, a);
	if (code == EXIT_OK)
		code = compose(c, a);
	if (code == EXIT_OK)
		code = agree(c, a);
	if (code == EXIT_OK)
		code = amend_take(c, &a->amend);
	if (code != EXIT_OK)
		return code;
	print(c, a);
	return test_write(c, a);
}

/* Taking out. */

static bool
stands_in(const char *path, const char *section)
{
	struct buf text = { 0 };
	struct errbuf eb;
	bool there,
	    found = save_read(path, &text, &there, &eb) == OK &&
	    edit_has(&text, section);

	buf_fini(&text);
	return found;
}

static int
say_not_adopted(const struct amend *a, const char *id, const char *section)
{
	struct buf notes = { 0 };
	struct cfg *cfg = NULL;
	const char *file = NULL;

	if (cfg_load(a->conf, false, &cfg, &notes) == OK) {
		for (size_t i = 0; i < cfg->n_files && !file; i++)
			if (stands_in(cfg->files[i], section))
				file = cfg->files[i];
	}
	if (file)
		say("%s stands in %s, which is written by hand: take its [%s] "
		    "out there, then thingbridge reload",
		    id, file, section);
	else
		say("there is no node \"%s\"; thingbridge nodes lists them",
		    id);
	cfg_free(cfg);
	buf_fini(&notes);
	return file ? EXIT_REFUSED : EXIT_NOTFOUND;
}

/* What becomes of its claim, and y/N: with an owner the id is to be typed. */
static int
agree_to_remove(const struct call *c, const char *id)
{
	const char *owner;
	json_t *d;
	char *what;
	bool yes;
	int code;

	if (c->opt[ADOPT_YES])
		return EXIT_OK;
	code = bridge_ask(
	    c, json_pack("{s:s, s:s}", "cmd", "nodes", "node", id), &d);
	if (code != EXIT_OK)
		return code;
	owner =
	    out_string(json_array_get(json_object_get(d, "nodes"), 0), "owner");
	what = mem_printf(
	    "%s goes out of the registry%s%s%s; its KEY is forgotten, and its "
	    "sticker stops working (enabled = no would keep both)",
	    id, *owner ? ", and its owner " : "", owner,
	    *owner ? " loses it" : "");
	yes = *owner ? bridge_confirm(c, what, id)
		     : bridge_yes(c, what, "remove it");
	free(what);
	json_decref(d);
	return yes ? EXIT_OK : EXIT_USAGE;
}

static int
take_out(const struct call *c, struct amend *a, const char *id)
{
	char *section = mem_printf("node %s", id), *conf;
	int code = amend_conf(c, &conf);

	if (code == EXIT_OK)
		code = amend_begin(conf, AMEND_ADOPTED, a);
	if (code == EXIT_OK && !edit_remove(&a->now, section))
		code = say_not_adopted(a, id, section);
	else if (code == EXIT_OK)
		code = agree_to_remove(c, id);
	if (code == EXIT_OK)
		code = amend_take(c, a);
	free(section);
	return code;
}

static int
remove_node(const struct call *c)
{
	const char *id = c->opt[ADOPT_REMOVE];
	struct amend a = { .lock = -1 };
	int code = c->argc
	    ? verb_usage(c, "--remove takes one node, and nothing else")
	    : take_out(c, &a, id);

	if (code == EXIT_OK)
		say("%s is no node any more", id);
	amend_fini(&a);
	return code;
}

int
bridge_adopt(const struct call *c)
{
	struct adopt a = { .amend = { .lock = -1 } };
	int code;

	if (c->opt[ADOPT_REMOVE])
		return remove_node(c);
	if (c->argc == 0)
		return list(c);
	code = check_options(c);
	if (code == EXIT_OK)
		code = adopt(c, &a);
	adopt_fini(&a);
	return code;
}
