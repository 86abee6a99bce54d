#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/sticker.h"
#include "common/key.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_FORMAT,
	OPT_OUTPUT,
	OPT_UNCLAIMED,
	OPT_REPRINT,
	OPT_KIND,
	OPT_SHOW,
	OPT_HIDE,
	OPT_STOCK,
	OPT_STOCKS,
	OPT_START,
	OPT_COLUMN,
	OPT_SIZE,
	OPT_OFFSET,
	OPT_SCALE,
	OPT_PRINTER,
	OPT_DPI,
	OPT_BORDER,
	OPT_TEST,
	OPT_FORCE,
	OPT_LIST,
};

#define FORMATS "pdf, png, svg, zpl, term, text, uri or csv"

/* Those with no help stand in the verb's own lines: all fit on a screen. */
const struct opt bridge_stickers_opts[] = {
	[OPT_FORMAT] = { "format", 'f', "F", FORMATS },
	[OPT_OUTPUT] = { "output", 'o', "FILE",
	    "several of png and svg get -NODE" },
	[OPT_UNCLAIMED] = { "unclaimed", 'u', NULL,
	    "only what nobody owns yet" },
	[OPT_REPRINT] = { "reprint", 0, NULL, "also what is printed already" },
	[OPT_KIND] = { "kind", 0, "KIND",
	    "claim (QR code and KEY) or asset (neither)" },
	[OPT_SHOW] = { "show-secrets", 0, NULL, "the KEY in text, uri, csv" },
	[OPT_HIDE] = { "hide-key", 0, NULL, NULL },
	[OPT_STOCK] = { "stock", 0, "ID", "the label sheet or roll" },
	[OPT_STOCKS] = { "stocks", 0, "FILE", NULL },
	[OPT_START] = { "start", 0, "R:C", "the first free cell of a sheet" },
	[OPT_COLUMN] = { "by-column", 0, NULL, NULL },
	[OPT_SIZE] = { "size", 0, "WxH", NULL },
	[OPT_OFFSET] = { "offset", 0, "X,Y", NULL },
	[OPT_SCALE] = { "scale", 0, "X,Y", NULL },
	[OPT_PRINTER] = { "printer", 0, "NAME", NULL },
	[OPT_DPI] = { "dpi", 0, "N", NULL },
	[OPT_BORDER] = { "border", 0, NULL, NULL },
	[OPT_TEST] = { "test-page", 0, NULL, NULL },
	[OPT_FORCE] = { "force", 0, NULL, NULL },
	[OPT_LIST] = { "list-stocks", 0, NULL, NULL },
	{ NULL, 0, NULL, NULL },
};

static const struct format {
	const char *name;
	const char *member; /* of a sticker, to be printed as a line */
	bool drawn;         /* by thinglabels */
	bool file;          /* needs -o */
	bool each;          /* a file for each sticker */
	bool binary;
} formats[] = {
	{ "pdf", NULL, true, true, false, true },
	{ "png", NULL, true, true, true, true },
	{ "svg", NULL, true, true, true, false },
	{ "zpl", NULL, true, true, false, false },
	{ "term", NULL, true, false, false, false },
	{ "text", "text", false, false, false, false },
	{ "uri", "uri", false, false, false, false },
	{ "csv", NULL, false, false, false, false },
	{ NULL, NULL, false, false, false, false },
};

static const struct column overview[] = {
	{ .title = "NODE", .member = "node" },
	{ .title = "NAME", .member = "name" },
	{ .title = "PLACE", .member = "place" },
	{ .title = "SN", .member = "sn" },
	{ .title = "CLAIM", .member = "claim" },
	{ .title = "STICKER", .member = "sticker" },
	{ .title = "NO CLAIM TEXT BECAUSE", .member = "why" },
	{ .title = NULL },
};

/* What one run does. */
struct job {
	const struct call *c;
	const struct format *format; /* NULL: the overview */
	bool asset;
	json_t *data; /* of the daemon */
	size_t made, without, before;
};

static const struct format *
format_of(const char *name)
{
	for (const struct format *f = formats; name && f->name; f++)
		if (strcmp(name, f->name) == 0)
			return f;
	return NULL;
}

/* What only a drawing takes. */
static int
check_drawing(const struct job *j)
{
	bool drawn = j->format && j->format->drawn;

	if (j->c->opt[OPT_HIDE] && (!j->format || j->format->member))
		return verb_usage(j->c, "--hide-key goes with a picture");
	for (int o = OPT_STOCK; o < OPT_LIST; o++) {
		if (!drawn && j->c->opt[o])
			return verb_usage(j->c,
			    "--%s goes with -f pdf, png, svg or zpl",
			    bridge_stickers_opts[o].name);
	}
	return EXIT_OK;
}

static int
check_output(const struct job *j)
{
	const char *file = j->c->opt[OPT_OUTPUT];
	const struct format *f = j->format;

	if (f && f->file && !file)
		return verb_usage(j->c, "-f %s needs -o FILE", f->name);
	if (file && (!f || f->member || (f->drawn && !f->file)))
		return verb_usage(
		    j->c, "-o goes with -f pdf, png, svg, zpl or csv");
	if (file && f->binary && strcmp(file, "-") == 0 &&
	    isatty(STDOUT_FILENO))
		return verb_usage(
		    j->c, "-f %s does not go to a terminal", f->name);
	return EXIT_OK;
}

static int
check_options(struct job *j)
{
	const struct call *c = j->c;
	const char *kind = c->opt[OPT_KIND], *name = c->opt[OPT_FORMAT];
	int code;

	j->asset = kind && strcmp(kind, "asset") == 0;
	j->format = format_of(!name && c->opt[OPT_TEST] ? "pdf" : name);
	if (kind && !j->asset && strcmp(kind, "claim") != 0)
		return verb_usage(c, "--kind is claim or asset");
	if (name && !j->format)
		return verb_usage(
		    c, "--format is %s", bridge_stickers_opts[OPT_FORMAT].help);
	if (j->asset && j->format && j->format->member)
		return verb_usage(c, "asset stickers have no claim text");
	code = check_drawing(j);
	return code == EXIT_OK ? check_output(j) : code;
}

/* Whether the result is a sticker: a line of text is none. */
static bool
is_sticker(const struct job *j)
{
	const struct format *f = j->format;

	if (j->asset)
		return false;
	return f->file || (!f->drawn && !f->member && j->c->opt[OPT_SHOW]);
}

static int
ask(struct job *j)
{
	const struct call *c = j->c;
	bool csv = j->format && !j->format->drawn && !j->format->member;
	struct sticker_query q = {
		.node = c->argv,
		.n = c->argc,
		.unclaimed = c->opt[OPT_UNCLAIMED] != NULL,
		.asset = j->asset,
		/* A picture is the KEY, and masking it takes knowing it. */
		.secrets =
		    !j->asset && (c->opt[OPT_SHOW] || (j->format && !csv)),
	};

	return sticker_ask(c, &q, &j->data);
}

/* The KEY is on paper already: more of it about helps nobody, unless it is
 * asked for. */
static bool
is_done(const struct job *j, const json_t *s)
{
	return is_sticker(j) && j->c->argc == 0 && !j->c->opt[OPT_REPRINT] &&
	    strcmp(out_string(s, "sticker"), "printed") == 0;
}

/* has_text tells whether there is something to print, and says why not. */
static bool
has_text(struct job *j, const json_t *s)
{
	const char *why = out_string(s, "why");

	if (j->asset || !*why)
		return true;
	j->without++;
	say("%s has no claim text now: %s", out_string(s, "node"), why);
	return false;
}

/* usable splits what is to be printed from what cannot or need not. */
static json_t *
usable(struct job *j)
{
	json_t *a = json_array(), *s;
	size_t i;

	json_array_foreach(json_object_get(j->data, "stickers"), i, s)
	{
		if (!has_text(j, s))
			continue;
		if (is_done(j, s)) {
			j->before++;
			continue;
		}
		json_object_set_new(
		    s, "kind", json_string(j->asset ? "asset" : "claim"));
		json_object_set(s, "payload", json_object_get(s, "text"));
		if (j->c->opt[OPT_HIDE])
			json_object_del(s, "key");
		json_array_append(a, s);
	}
	j->made = json_array_size(a);
	return a;
}

/* print_masked prints the claim text with "7K2Q…" in the place of the KEY. */
static void
print_masked(const char *text, const char *key)
{
	const char *at = *key ? strstr(text, key) : NULL;
	char mask[16];

	if (!at)
		return;
	key_mask(key, mask);
	printf("%.*s%s%s\n", (int)(at - text), text, mask, at + strlen(key));
}

static int
print_texts(struct job *j, const json_t *list)
{
	const char *member = j->format->member;
	bool show = j->c->opt[OPT_SHOW] != NULL;
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s)
	{
		if (show)
			printf("%s\n", out_string(s, member));
		else
			print_masked(
			    out_string(s, member), out_string(s, "key"));
	}
	if (!show)
		say("the KEY is masked; --show-secrets shows it (whoever reads "
		    "it can claim the node)");
	return EXIT_OK;
}

/* draw hands the list to thinglabels, and those of our options that are its
 * own. */
static int
draw(const struct job *j, const json_t *list)
{
	enum { OWN = OPT_LIST + 1 - OPT_STOCK };
	struct sticker_pass pass[OWN + 3] = {
		{ "format", j->format ? j->format->name : NULL, false },
		{ "output", j->c->opt[OPT_OUTPUT], false },
	};

	for (int o = OPT_STOCK; o <= OPT_LIST; o++) {
		const struct opt *own = &bridge_stickers_opts[o];

		pass[2 + o - OPT_STOCK] = (struct sticker_pass){ own->name,
			j->c->opt[o], own->arg == NULL };
	}
	return sticker_draw(pass, list);
}

static int
make(struct job *j, const json_t *list)
{
	if (j->format->member)
		return print_texts(j, list);
	if (j->format->drawn)
		return draw(j, list);
	return sticker_csv(j->c->opt[OPT_OUTPUT], list);
}

/* Of several files, what thinglabels makes of their name. */
static void
say_files(const struct job *j)
{
	const char *file = j->c->opt[OPT_OUTPUT];
	const char *dot = strrchr(file, '.');
	bool several = j->made > 1;

	if (!dot || strchr(dot, '/'))
		dot = file + strlen(file);
	say("%zu sticker%s in %.*s%s%s (mode 0600)", j->made,
	    several ? "s" : "", (int)(dot - file), file,
	    several && j->format->each ? "-NODE" : "", dot);
}

/* What people should know of what they hold. */
static void
say_made(const struct job *j)
{
	const char *file = j->c->opt[OPT_OUTPUT];
	const struct format *f = j->format;

	if (!file || strcmp(file, "-") == 0)
		return;
	if (!f->drawn || (f->each && j->made > 1))
		say_files(j);
	if (f->drawn)
		say("print at 100 %%");
	if (is_sticker(j))
		say("whoever reads them can claim the nodes");
}

static int
make_all(struct job *j)
{
	json_t *list = usable(j);
	int code = EXIT_OK;

	if (j->made)
		code = make(j, list);
	else if (!j->without && !j->before)
		say("no node to print a sticker for");
	if (j->made && code == EXIT_OK && is_sticker(j))
		code = sticker_mark(j->c, list);
	if (j->made && (code == EXIT_OK || code == EXIT_PARTLY))
		say_made(j);
	if (j->before)
		say("%zu left out, as %s printed already; --reprint prints "
		    "%s too",
		    j->before, j->before == 1 ? "it was" : "they were",
		    j->before == 1 ? "it" : "them");
	json_decref(list);
	if (code != EXIT_OK || j->without == 0)
		return code;
	return j->made ? EXIT_PARTLY : EXIT_REFUSED;
}

static void
list_all(const struct job *j)
{
	json_t *rows = json_object_get(j->data, "stickers");
	enum out_mode mode = bridge_mode(j->c);

	if (mode == OUT_TABLE)
		sticker_words(rows);
	if (mode == OUT_JSON)
		out_json(j->data);
	else
		out_rows(mode, overview, rows);
}

int
bridge_stickers(const struct call *c)
{
	struct job j = { .c = c };
	int code;

	if (c->opt[OPT_LIST])
		return draw(&j, NULL);
	code = check_options(&j);
	if (code != EXIT_OK)
		return code;
	if (c->opt[OPT_TEST])
		return draw(&j, NULL);
	code = ask(&j);
	if (code != EXIT_OK)
		return code;
	if (j.format)
		code = make_all(&j);
	else
		list_all(&j);
	json_decref(j.data);
	return code;
}
