#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/spawn.h"
#include "common/buf.h"
#include "common/key.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_FORMAT,
	OPT_OUTPUT,
	OPT_UNCLAIMED,
	OPT_KIND,
	OPT_SHOW,
	OPT_SIZE,
	OPT_DPI,
};

const struct opt bridge_stickers_opts[] = {
	[OPT_FORMAT] = { "format", 'f', "F", "text, uri, term, svg or png" },
	[OPT_OUTPUT] = { "output", 'o', "FILE",
	    "for svg and png; several get -NODE" },
	[OPT_UNCLAIMED] = { "unclaimed", 'u', NULL,
	    "only what nobody owns yet" },
	[OPT_KIND] = { "kind", 0, "KIND",
	    "claim (QR code and KEY) or asset (neither)" },
	[OPT_SHOW] = { "show-secrets", 0, NULL, "print the KEY as text" },
	[OPT_SIZE] = { "size", 0, "WxH", "of the label, in mm (62x29)" },
	[OPT_DPI] = { "dpi", 0, "N", "dots per inch, for png (300)" },
	{ NULL, 0, NULL, NULL },
};

enum {
	FORMAT_NONE,
	FORMAT_TEXT,
	FORMAT_URI,
	FORMAT_TERM,
	FORMAT_SVG,
	FORMAT_PNG,
	FORMATS
};

static const char *const formats[FORMATS] = {
	[FORMAT_TEXT] = "text",
	[FORMAT_URI] = "uri",
	[FORMAT_TERM] = "term",
	[FORMAT_SVG] = "svg",
	[FORMAT_PNG] = "png",
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
	int format;
	bool asset;
	json_t *data; /* of the daemon */
	size_t made, without;
};

static int
format_of(const struct call *c)
{
	const char *name = c->opt[OPT_FORMAT];

	if (!name)
		return FORMAT_NONE;
	for (int f = FORMAT_TEXT; f < FORMATS; f++)
		if (strcmp(name, formats[f]) == 0)
			return f;
	return -1;
}

static int
check_options(struct job *j)
{
	const struct call *c = j->c;
	const char *kind = c->opt[OPT_KIND], *file = c->opt[OPT_OUTPUT];
	bool picture = j->format == FORMAT_SVG || j->format == FORMAT_PNG;

	j->asset = kind && strcmp(kind, "asset") == 0;
	if (kind && !j->asset && strcmp(kind, "claim") != 0)
		return verb_usage(c, "--kind is claim or asset");
	if (j->format < 0)
		return verb_usage(c, "--format is text, uri, term, svg or png");
	if (picture && !file)
		return verb_usage(c, "-f %s needs -o FILE", formats[j->format]);
	if (!picture && file)
		return verb_usage(c, "-o goes with -f svg or -f png");
	if ((j->format == FORMAT_TEXT || j->format == FORMAT_URI) && j->asset)
		return verb_usage(c, "asset stickers have no claim text");
	if (j->format == FORMAT_PNG && strcmp(file, "-") == 0 &&
	    isatty(STDOUT_FILENO))
		return verb_usage(c, "a PNG does not go to a terminal");
	return EXIT_OK;
}

static json_t *
request(const struct job *j, const json_t *nodes, bool secrets, bool printed)
{
	return json_pack("{s:s, s:O, s:b, s:s, s:b, s:b}", "cmd", "stickers",
	    "nodes", nodes, "unclaimed",
	    nodes && j->c->opt[OPT_UNCLAIMED] != NULL, "kind",
	    j->asset ? "asset" : "claim", "secrets", secrets, "printed",
	    printed);
}

static int
ask(struct job *j)
{
	json_t *nodes = json_array(), *rq;
	/* A picture is the KEY, and masking it takes knowing it. */
	bool secrets =
	    !j->asset && (j->c->opt[OPT_SHOW] || j->format != FORMAT_NONE);

	for (int i = 0; i < j->c->argc; i++)
		json_array_append_new(nodes, json_string(j->c->argv[i]));
	rq = request(j, nodes, secrets, false);
	json_decref(nodes);
	return bridge_ask(j->c, rq, &j->data);
}

/* usable splits what can be printed from what cannot, and says why. */
static json_t *
usable(struct job *j)
{
	json_t *a = json_array(), *s;
	size_t i;

	json_array_foreach(json_object_get(j->data, "stickers"), i, s)
	{
		const char *why = out_string(s, "why");

		if (j->asset || *out_string(s, "text")) {
			json_object_set_new(s, "kind",
			    json_string(j->asset ? "asset" : "claim"));
			json_array_append(a, s);
			continue;
		}
		j->without++;
		say("%s has no claim text now: %s", out_string(s, "node"),
		    *why ? why : "nobody knows why");
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
	const char *member = formats[j->format];
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
	if (!show && j->made)
		say("the KEY is masked; --show-secrets shows it (whoever reads "
		    "it can claim the node)");
	return EXIT_OK;
}

/* mark_printed tells the daemon which stickers now exist on paper.  It is
 * asked apart, so that nothing counts as printed that was not written. */
static int
mark_printed(struct job *j, const json_t *list)
{
	json_t *nodes = json_array(), *rq, *d;
	const json_t *s;
	size_t i;
	int code;

	json_array_foreach(list, i, s)
	    json_array_append_new(nodes, json_string(out_string(s, "node")));
	rq = request(j, nodes, false, true);
	json_decref(nodes);
	code = bridge_ask(j->c, rq, &d);
	json_decref(d);
	return code;
}

/* draw hands the labels to thinglabels; the KEY goes through a pipe. */
static int
draw(struct job *j, const json_t *list)
{
	const struct call *c = j->c;
	char *argv[] = { NULL, (char[]){ "-f" }, mem_strdup(formats[j->format]),
		NULL, NULL, NULL, NULL, NULL, NULL, NULL };
	static const struct {
		int opt;
		const char *name;
	} passed[] = {
		{ OPT_OUTPUT, "-o" },
		{ OPT_SIZE, "--size" },
		{ OPT_DPI, "--dpi" },
	};
	char *input = json_dumps(list, JSON_COMPACT);
	int n = 3, code;

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		if (!c->opt[passed[i].opt])
			continue;
		argv[n++] = mem_strdup(passed[i].name);
		argv[n++] = mem_strdup(c->opt[passed[i].opt]);
	}
	fflush(stdout);
	code = spawn_fed("thinglabels", argv, input, strlen(input));
	for (int i = 2; i < n; i++)
		free(argv[i]);
	mem_free_secret(input);
	return code;
}

/* Where the pictures are, as thinglabels names them. */
static void
say_files(const struct job *j)
{
	const char *file = j->c->opt[OPT_OUTPUT], *dot = strrchr(file, '.');
	bool several = j->made > 1;

	if (!dot || strchr(dot, '/'))
		dot = file + strlen(file);
	say("%zu %ssticker%s in %.*s%s%s (mode 0600); print at 100 %%.%s",
	    j->made, j->asset ? "asset " : "", several ? "s" : "",
	    (int)(dot - file), file, several ? "-NODE" : "", dot,
	    j->asset ? "" : "  Whoever reads them can claim the nodes");
}

static int
pictures(struct job *j, const json_t *list)
{
	int code = draw(j, list);

	if (code != EXIT_OK || j->format == FORMAT_TERM)
		return code;
	if (!j->asset)
		code = mark_printed(j, list);
	if (code == EXIT_OK)
		say_files(j);
	return code;
}

static int
make(struct job *j)
{
	json_t *list = usable(j);
	int code = EXIT_OK;

	if (j->made == 0 && j->without == 0)
		say("no node to print a sticker for");
	else if (j->made &&
	    (j->format == FORMAT_TEXT || j->format == FORMAT_URI))
		code = print_texts(j, list);
	else if (j->made)
		code = pictures(j, list);
	json_decref(list);
	if (code != EXIT_OK || j->without == 0)
		return code;
	return j->made ? EXIT_PARTLY : EXIT_REFUSED;
}

int
bridge_stickers(const struct call *c)
{
	struct job j = { .c = c, .format = format_of(c) };
	int code = check_options(&j);

	if (code != EXIT_OK)
		return code;
	code = ask(&j);
	if (code != EXIT_OK)
		return code;
	if (j.format != FORMAT_NONE)
		code = make(&j);
	else if (bridge_mode(c) == OUT_JSON)
		out_json(j.data);
	else
		out_rows(bridge_mode(c), overview,
		    json_object_get(j.data, "stickers"));
	json_decref(j.data);
	return code;
}
