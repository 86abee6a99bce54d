/* reset, register, unregister: what an installer may do to a claim. */
#include "cli/bridge.h"

#include "cli/say.h"
#include "common/mem.h"

#include <stdlib.h>

enum { OPT_YES };

const struct opt bridge_reset_opts[] = {
	{ "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};

const struct opt bridge_unregister_opts[] = {
	{ "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};

static const struct column columns[] = {
	{ .title = "Node", .member = "node" },
	{ .title = "Claim", .member = "claim" },
	{ .title = NULL },
};

/* question: to be answered before anything is done, or NULL. */
static int
command(const struct call *c, const char *question)
{
	const char *node = c->argv[0];
	enum out_mode mode = bridge_mode(c);
	json_t *rq, *d;
	int code;

	if (question && !c->opt[OPT_YES] && !bridge_confirm(c, question, node))
		return EXIT_USAGE;
	rq = json_pack("{s:s, s:s}", "cmd", c->verb->name, "node", node);
	code = bridge_ask(c, rq, &d);
	if (code != EXIT_OK)
		return code;
	if (mode == OUT_JSON)
		out_json(d);
	else
		out_fields(mode, columns, d);
	json_decref(d);
	return EXIT_OK;
}

int
bridge_reset(const struct call *c)
{
	char *question = mem_printf(
	    "%s: a new KEY is made and stickers printed before stop working.  "
	    "An "
	    "owner whom the registry still knows comes back, unless he disowns "
	    "it or it is unregistered first.",
	    c->argv[0]);
	int code = command(c, question);

	free(question);
	if (code == EXIT_OK)
		say("print a new sticker: thingbridge stickers %s -f png -o "
		    "FILE",
		    c->argv[0]);
	return code;
}

int
bridge_register(const struct call *c)
{
	return command(c, NULL);
}

int
bridge_unregister(const struct call *c)
{
	char *question = mem_printf(
	    "%s: it leaves the registry; nobody can find or claim it until "
	    "thingbridge reset %s.",
	    c->argv[0], c->argv[0]);
	int code = command(c, question);

	free(question);
	return code;
}
