/* thingowner: the owner's tool, an XMPP client that speaks to the registry. */
#include "cli/own.h"

static const struct opt globals[] = {
	[OWN_ACCOUNT] = { "account", 'a', "FILE",
	    "(~/.config/thingowner/account.conf)" },
	[OWN_JSON] = { "json", 0, NULL, "one JSON object a line" },
	[OWN_PLAIN] = { "plain", 0, NULL, "tab-separated, no headings" },
	[OWN_TIMEOUT] = { "timeout", 0, "S", "seconds to wait (30)" },
	[OWN_REGISTRY] = { "registry", 0, "JID",
	    "instead of the sticker's or the account's" },
	{ NULL, 0, NULL, NULL },
};

#define THING_HELP                                                            \
	"THING is JID, JID NODE, JID NODE SOURCE [CACHE], or the NODE alone " \
	"when only\none of \"thingowner things\" has it."

static const struct verb verbs[] = {
	{ "login", "", "check the account; make one when there is none", NULL,
	    "thingowner login", NULL, 0, 0, own_login },
	{ "claim", "[TEXT | -] [OPTION...]", "become the owner of a thing",
	    "TEXT is what the sticker's QR code holds; by default it comes on "
	    "standard\ninput, where nobody else can see it, as from: zbarimg "
	    "-q "
	    "--raw photo.jpg",
	    "thingowner claim <text", own_claim_opts, 0, 1, own_claim },
	{ "things", "", "what was claimed with this account", NULL,
	    "thingowner things --json", NULL, 0, 0, own_things },
	{ "update", "THING TAG=VALUE... | #TAG=NUMBER...",
	    "change what the registry tells of a thing",
	    THING_HELP "\nWithout a value (TAG=) a tag is deleted.",
	    "thingowner update meter1 ROOM=\"Plant room 1\" '#LAT=55.60'", NULL,
	    2, -1, own_update },
	{ "remove", "THING", "take a thing out of searches; it stays yours",
	    THING_HELP, "thingowner remove meter1", NULL, 1, 4, own_remove },
	{ "disown", "THING", "give a thing up, so that another can claim it",
	    THING_HELP, "thingowner disown plant7@example.org meter1", NULL, 1,
	    4, own_disown },
	{ .name = NULL },
};

static const struct program program = {
	.name = "thingowner",
	.purpose = "Claims things by their stickers and looks after them.",
	.opts = globals,
	.verbs = verbs,
	.example = "thingowner claim <text",
};

int
main(int argc, char **argv)
{
	return verb_main(&program, argc, argv);
}
