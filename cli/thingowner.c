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
	    "thingowner login\n"
	    "thingowner --account anna.conf login",
	    NULL, 0, 0, own_login, false },
	{ "claim", "[TEXT | -] [OPTION...]", "become the owner of a thing",
	    "TEXT is what the sticker's QR code holds; by default it comes on "
	    "standard\ninput, where nobody else can see it, as from: zbarimg "
	    "-q "
	    "--raw photo.jpg",
	    "thingowner claim <text\n"
	    "zbarimg --nodbus -q --raw photo.jpg | thingowner claim --private",
	    own_claim_opts, 0, 1, own_claim, false },
	{ "things", "", "what was claimed with this account", NULL,
	    "thingowner things\n"
	    "thingowner things --plain | cut -f2",
	    NULL, 0, 0, own_things, false },
	{ "search", "OPERATOR... [OPTION...]",
	    "find claimed public things, of anybody",
	    "All operators must hold; #NAME compares as a number, NAME as "
	    "text:\n"
	    "  NAME=V NAME!=V NAME>V NAME>=V NAME<V NAME<=V\n"
	    "  NAME=A..B   from A to B, both included; NAME=[A..B) leaves B "
	    "out\n"
	    "  NAME!=A..B  outside of that\n"
	    "  NAME~MASK   * stands for any characters",
	    "thingowner search MODEL=IMC '#V>=1' '#V<2' 'SN~39487*'\n"
	    "thingowner search '#LAT=55.5..55.7' '#LON=12.9..13.1' --all",
	    own_search_opts, 1, -1, own_search, false },
	{ "update", "THING TAG=VALUE... | #TAG=NUMBER...",
	    "change what the registry tells of a thing",
	    THING_HELP "\nWithout a value (TAG=) a tag is deleted.",
	    "thingowner update meter1 ROOM=\"Plant room 1\" '#LAT=55.60'\n"
	    "thingowner update meter1 ROOM=",
	    NULL, 2, -1, own_update, false },
	{ "remove", "THING", "take a thing out of searches; it stays yours",
	    THING_HELP,
	    "thingowner remove meter1\n"
	    "thingowner remove plant7@example.org meter1",
	    NULL, 1, 4, own_remove, false },
	{ "disown", "THING", "give a thing up, so that another can claim it",
	    THING_HELP,
	    "thingowner disown meter1\n"
	    "thingowner disown plant7@example.org meter1 MeteringTopology",
	    NULL, 1, 4, own_disown, false },
	{ "read", "THING [FIELD...] [OPTION...]", "what a thing measures",
	    "THING is JID NODE, or the NODE alone when only one of "
	    "\"thingowner "
	    "things\"\nhas it.  --history goes back as far as its gateway "
	    "keeps.",
	    "thingowner read meter1 Power\n"
	    "thingowner read meter1 Energy --history 7d --every day",
	    own_read_opts, 1, -1, own_read, false },
	{ "set", "THING FIELD=VALUE... [OPTION...]", "switch or set a thing",
	    "The values are checked together, then written one after the other "
	    "and read\nback.",
	    "thingowner set relay1 \"Output 1=true\"\n"
	    "thingowner set plant7@example.org boiler Setpoint=21.5",
	    own_thing_opts, 2, -1, own_set, false },
	{ "form", "THING [OPTION...]", "what can be set, and to what", NULL,
	    "thingowner form relay1\n"
	    "thingowner form plant7@example.org boiler --json",
	    own_thing_opts, 1, 2, own_form, false },
	{ "browse", "JID", "what is behind a gateway, as far as you may see",
	    NULL,
	    "thingowner browse plant7@example.org\n"
	    "thingowner browse plant7@example.org --plain | cut -f1",
	    NULL, 1, 1, own_browse, false },
	{ "share", "THING JID [OPTION...]",
	    "let somebody read a thing of yours",
	    "The gateway keeps it until unshare, or until the thing changes "
	    "its "
	    "owner.",
	    "thingowner share meter1 tenant@example.org\n"
	    "thingowner share relay1 janitor@example.org --control",
	    own_share_opts, 2, 3, own_share, false },
	{ "unshare", "THING JID [OPTION...]", "let somebody no more", NULL,
	    "thingowner unshare meter1 tenant@example.org\n"
	    "thingowner unshare plant7@example.org meter1 tenant@example.org",
	    own_thing_opts, 2, 3, own_unshare, false },
	{ .name = NULL },
};

static const struct program program = {
	.name = "thingowner",
	.purpose = "claims things and looks after them",
	.opts = globals,
	.verbs = verbs,
};

int
main(int argc, char **argv)
{
	return verb_main(&program, argc, argv);
}
