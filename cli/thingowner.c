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
	    NULL, 0, 0, own_login, 0 },
	{ "claim", "[TEXT | -] [OPTION...]", "become the owner of a thing",
	    "TEXT is what the sticker's QR code holds; by default it comes on "
	    "standard\ninput, where nobody else can see it, as from: zbarimg "
	    "-q "
	    "--raw photo.jpg",
	    "thingowner claim <text\n"
	    "zbarimg --nodbus -q --raw photo.jpg | thingowner claim --private",
	    own_claim_opts, 0, 1, own_claim, 0 },
	{ "things", "", "what was claimed with this account", NULL,
	    "thingowner things\n"
	    "thingowner things --plain | cut -f2",
	    NULL, 0, 0, own_things, 0 },
	{ "search", "OPERATOR... [OPTION...]",
	    "find claimed public things, of anybody",
	    "All operators must hold; #NAME compares as a number, NAME as "
	    "text:\n"
	    "  NAME=V NAME!=V NAME>V NAME>=V NAME<V NAME<=V\n"
	    "  NAME=A..B   from A to B, both included; NAME=[A..B) leaves B "
	    "out\n"
	    "  NAME!=A..B  outside of that\n"
	    "  NAME~MASK   * stands for any characters\n"
	    "  iotdisco:...  the operators, and the registry, of a search URI",
	    "thingowner search MODEL=IMC '#V>=1' '#V<2' 'SN~39487*'\n"
	    "thingowner search '#LAT=55.5..55.7' '#LON=12.9..13.1' --all",
	    own_search_opts, 1, -1, own_search, 0 },
	{ "update", "THING TAG=VALUE... | #TAG=NUMBER...",
	    "change what the registry tells of a thing",
	    THING_HELP "\nWithout a value (TAG=) a tag is deleted.",
	    "thingowner update meter1 ROOM=\"Plant room 1\" '#LAT=55.60'\n"
	    "thingowner update meter1 ROOM=",
	    NULL, 2, -1, own_update, 0 },
	{ "remove", "THING", "take a thing out of searches; it stays yours",
	    THING_HELP,
	    "thingowner remove meter1\n"
	    "thingowner remove plant7@example.org meter1",
	    NULL, 1, 4, own_remove, 0 },
	{ "disown", "THING", "give a thing up, so that another can claim it",
	    THING_HELP,
	    "thingowner disown meter1\n"
	    "thingowner disown plant7@example.org meter1 MeteringTopology",
	    NULL, 1, 4, own_disown, 0 },
	{ "read", "THING [FIELD...] [OPTION...]", "what a thing measures",
	    "THING is JID NODE, or the NODE alone when only one of "
	    "\"thingowner "
	    "things\"\nhas it.  --history goes back as far as its gateway "
	    "keeps.",
	    "thingowner read meter1 Power\n"
	    "thingowner read meter1 Energy --history 7d --every day",
	    own_read_opts, 1, -1, own_read, 0 },
	{ "set", "THING FIELD=VALUE... [OPTION...]", "switch or set a thing",
	    "The values are checked together, then written one after the other "
	    "and read\nback.",
	    "thingowner set relay1 \"Output 1=true\"\n"
	    "thingowner set plant7@example.org boiler Setpoint=21.5",
	    own_thing_opts, 2, -1, own_set, 0 },
	{ "form", "THING [OPTION...]", "what can be set, and to what", NULL,
	    "thingowner form relay1\n"
	    "thingowner form plant7@example.org boiler --json",
	    own_thing_opts, 1, 2, own_form, 0 },
	{ "browse", "JID", "what is behind a gateway, as far as you may see",
	    NULL,
	    "thingowner browse plant7@example.org\n"
	    "thingowner browse plant7@example.org --plain | cut -f1",
	    NULL, 1, 1, own_browse, 0 },
	{ "share", "THING JID [OPTION...]",
	    "let somebody read a thing of yours",
	    "The gateway keeps it until unshare, or until the thing changes "
	    "its "
	    "owner.",
	    "thingowner share meter1 tenant@example.org\n"
	    "thingowner share relay1 janitor@example.org --control",
	    own_share_opts, 2, 3, own_share, 0 },
	{ "unshare", "THING JID [OPTION...]", "let somebody no more", NULL,
	    "thingowner unshare meter1 tenant@example.org\n"
	    "thingowner unshare plant7@example.org meter1 tenant@example.org",
	    own_thing_opts, 2, 3, own_unshare, 0 },
	{ "allow", "THING WHO [FIELD...] [OPTION...]",
	    "let somebody read, by the registry",
	    "WHO is a JID, @DOMAIN for all its accounts, or \"*\" for anybody; "
	    "--control lets\ncontrol it too.  Without a FIELD (or parameter) "
	    "all are meant.  The registry\nkeeps it, until deny or rules "
	    "--delete, or until the thing changes its owner.",
	    "thingowner allow meter1 tenant@example.org Power\n"
	    "thingowner allow --all @example.org",
	    own_allow_opts, 1, -1, own_allow, 0 },
	{ "deny", "THING WHO [FIELD...] [OPTION...]",
	    "let somebody not, whatever is allowed",
	    "WHO as for allow.  It denies control too; with --control only "
	    "that.  A deny\ncomes before every allow but a later one in the "
	    "same words, which undoes it.\nWho is denied a FIELD must name "
	    "those that he reads.",
	    "thingowner deny meter1 tenant@example.org\n"
	    "thingowner deny relay1 janitor@example.org --control",
	    own_allow_opts, 1, -1, own_deny, 0 },
	{ "rules", "[THING] [OPTION...]", "what was allowed and denied", NULL,
	    "thingowner rules meter1\n"
	    "thingowner rules --delete 7",
	    own_rules_opts, 0, 2, own_rules, 0 },
	{ .name = NULL },
};

static const struct program program = {
	.name = "thingowner",
	.purpose = "claims things and looks after them",
	.opts = globals,
	.verbs = verbs,
	.words = own_words,
};

int
main(int argc, char **argv)
{
	return verb_main(&program, argc, argv);
}
