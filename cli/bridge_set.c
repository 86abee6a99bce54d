#include "cli/bridge.h"

#include "cli/say.h"
#include "cli/words.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_YES, OPT_DRY };

const struct opt bridge_set_opts[] = {
	[OPT_YES] = { "yes", 'y', NULL, "do not ask" },
	[OPT_DRY] = { "dry-run", 'n', NULL, "check and show it, do not write" },
	{ NULL, 0, NULL, NULL },
};

static const struct column plain[] = {
	{ .title = "node", .member = "node" },
	{ .title = "field", .member = "field" },
	{ .title = "old", .member = "old" },
	{ .title = "new", .member = "new" },
	{ .title = "unit", .member = "unit" },
	{ .title = "outcome", .member = "outcome" },
	{ .title = NULL },
};

static int
request(const struct call *c, bool dry, json_t **d)
{
	json_t *rq = json_pack("{s:s, s:s, s:s, s:s, s:b}", "cmd", "set",
	    "node", c->argv[0], "field", c->argv[1], "value", c->argv[2], "dry",
	    dry);
	struct daemon_call dc = { .silence_ms = 0 };
	int code = bridge_tell(c, &dc, rq, d);

	if (dry || !dc.unanswered)
		return code;
	return say_exit(EXIT_TIMEOUT,
	    "whether it was written is not known; thingbridge read %s %s tells",
	    c->argv[0], c->argv[1]);
}

/* "meter1 Setpoint: 20.0 → 21.5 °C".  Returns owned. */
static char *
change_text(const json_t *d)
{
	const char *unit = out_string(d, "unit");
	char *old = out_text(json_object_get(d, "old"));
	char *new = out_text(json_object_get(d, "new"));
	char *with_unit = words_unit(new, unit);
	char *text = mem_printf("%s %s: %s → %s", out_string(d, "node"),
	    out_string(d, "field"), strcmp(old, "-") == 0 ? "unknown" : old,
	    with_unit);

	free(old);
	free(new);
	free(with_unit);
	return text;
}

static void
print_outcome(const json_t *d)
{
	const char *outcome = out_string(d, "outcome");
	char *new = out_text(json_object_get(d, "new"));
	char *with_unit = words_unit(new, out_string(d, "unit"));

	if (strcmp(outcome, "verified") == 0)
		printf("written, read back %s\n", with_unit);
	else if (strcmp(outcome, "written") == 0)
		printf("written %s; it was accepted, but cannot be read "
		       "back\n",
		    with_unit);
	else
		printf("nothing was written (--dry-run)\n");
	free(new);
	free(with_unit);
}

static void
print(const struct call *c, const json_t *d, bool told)
{
	enum out_mode mode = bridge_mode(c);
	json_t *row;
	char *change;

	if (mode == OUT_JSON) {
		out_json(d);
		return;
	}
	if (mode == OUT_PLAIN) {
		row = json_pack("[O]", d);
		out_rows(mode, plain, row);
		json_decref(row);
		return;
	}
	if (!told) {
		change = change_text(d);
		printf("%s\n", change);
		free(change);
	}
	print_outcome(d);
}

/* agreed shows what would be written and asks. */
static int
agreed(const struct call *c)
{
	json_t *d;
	char *change;
	int code = request(c, true, &d);

	if (code != EXIT_OK)
		return code;
	change = change_text(d);
	json_decref(d);
	code = bridge_yes(c, change, "write") ? EXIT_OK : EXIT_USAGE;
	free(change);
	return code;
}

int
bridge_set(const struct call *c)
{
	bool dry = c->opt[OPT_DRY] != NULL, ask = !dry && !c->opt[OPT_YES];
	int code = ask ? agreed(c) : EXIT_OK;
	json_t *d;

	if (code == EXIT_OK)
		code = request(c, dry, &d);
	if (code != EXIT_OK)
		return code;
	print(c, d, ask);
	json_decref(d);
	return EXIT_OK;
}
