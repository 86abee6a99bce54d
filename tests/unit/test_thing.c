#include "registry-client/thing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Short names keep the tables readable. */
enum {
	KEY = THING_NEW_KEY,
	FOR = THING_FORGET_TAGS,
	PER = THING_PERSIST,
	DEL = THING_DELETE,
	ACK = THING_ACK,
	NAK = THING_NAK,
	UNF = THING_UNFRIEND,
	FRI = THING_FRIEND,
	STO = THING_STOP,
	REG = THING_REGISTER,
	UPD = THING_UPDATE,
	UNR = THING_UNREGISTER,
	ARM = THING_ARM_KEY_CLEAR,
	RET = THING_RETRY,
	WAR = THING_WARN_REMOVED,
	REF = THING_REFUSE,
	NEW = CLAIM_NEW,
	UNC = CLAIM_UNCLAIMED,
	PUB = CLAIM_PUBLIC,
	PRI = CLAIM_PRIVATE,
	REM = CLAIM_REMOVED,
	SEL = CLAIM_SELF_OWNED,
	GON = CLAIM_GONE,
};

#define OWNER "owner@example.org"
#define OTHER "rival@example.org"
#define NOBODY ""

static const char *const event_names[THING_EVENTS] = {
	"online",
	"registered",
	"register claimed",
	"register failed",
	"updated",
	"update disowned",
	"update not found",
	"update failed",
	"unregistered",
	"claimed",
	"removed",
	"disowned",
	"tags changed",
	"key clear due",
	"configured",
	"deconfigured",
	"cmd register",
	"cmd unregister",
	"cmd reset",
};

static void
print_acts(unsigned acts)
{
	static const char *const names[] = { "key", "forget", "persist",
		"delete", "ack", "nak", "unfriend", "friend", "stop",
		"register", "update", "unregister", "arm", "retry", "warn",
		"refuse" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (acts >> i & 1)
			print_message(" %s", names[i]);
	}
	print_message("\n");
}

struct expect {
	unsigned claim, acts;
	const char *owner;
	bool due;
};

static void
check(const struct thing *t, const struct thing_out *out,
    const struct expect *want)
{
	if (out->acts != want->acts) {
		print_message("    got ");
		print_acts(out->acts);
		print_message("    want");
		print_acts(want->acts);
	}
	assert_string_equal(claim_name(t->claim), claim_name(want->claim));
	assert_int_equal(out->acts, want->acts);
	assert_string_equal(t->owner, want->owner);
	assert_int_equal(t->unregister_due, want->due);
}

/* A thing as it is most of the time in a state. */
static struct thing
usual(enum claim c)
{
	struct thing t = { .claim = c };

	if (c == CLAIM_PUBLIC || c == CLAIM_PRIVATE || c == CLAIM_REMOVED)
		strcpy(t.owner, OWNER);
	t.self_owned = c == CLAIM_SELF_OWNED;
	t.unregister_due = c == CLAIM_GONE;
	return t;
}

/* N: nobody owns it after; O: its owner does; D: nobody, and it is to be
 * unregistered; B: both. */
#define N(claim, acts)                     \
	{                                  \
		claim, acts, NOBODY, false \
	}
#define O(claim, acts)                    \
	{                                 \
		claim, acts, OWNER, false \
	}
#define D(claim, acts)                    \
	{                                 \
		claim, acts, NOBODY, true \
	}
#define B(claim, acts)                   \
	{                                \
		claim, acts, OWNER, true \
	}

enum {
	TAKEN = PER | STO | FRI | UPD | ARM,
	AFRESH = KEY | FOR | PER | STO | REG,
};

/* Each event in each state; claimed means by OWNER and public, updated means
 * with KEY='', configured means as before. */
static const struct expect usual_cases[THING_EVENTS][CLAIMS] = {
	[THING_ONLINE] = { N(NEW, REG), N(UNC, REG), O(PUB, UPD | ARM),
	    O(PRI, UPD), O(REM, 0), N(SEL, REG), D(GON, UNR) },
	[THING_REGISTERED] = { N(UNC, PER), N(UNC, 0), O(PUB, 0), O(PRI, 0),
	    B(REM, PER | UNR), N(SEL, UPD), D(GON, 0) },
	[THING_REGISTER_CLAIMED] = { O(PUB, TAKEN), O(PUB, TAKEN), O(PUB, 0),
	    O(PRI, 0), O(PUB, TAKEN | FOR), O(PUB, TAKEN), D(GON, 0) },
	[THING_REGISTER_FAILED] = { N(NEW, RET), N(UNC, RET), O(PUB, 0),
	    O(PRI, 0), O(REM, 0), N(SEL, RET), D(GON, 0) },
	[THING_UPDATED] = { N(NEW, 0), N(UNC, 0), O(PUB, PER), O(PRI, PER),
	    O(REM, 0), N(SEL, PER), D(GON, 0) },
	[THING_UPDATE_DISOWNED] = { N(NEW, 0), N(UNC, 0), N(NEW, AFRESH | UNF),
	    N(NEW, AFRESH | UNF), O(REM, 0), N(NEW, AFRESH | RET), D(GON, 0) },
	[THING_UPDATE_NOTFOUND] = { N(NEW, 0), N(UNC, 0),
	    O(REM, PER | STO | WAR), O(REM, PER | STO | WAR), O(REM, 0),
	    N(NEW, PER | FOR | REG | RET), D(GON, 0) },
	[THING_UPDATE_FAILED] = { N(NEW, 0), N(UNC, 0), O(PUB, RET),
	    O(PRI, RET), O(REM, 0), N(SEL, RET), D(GON, 0) },
	[THING_UNREGISTERED] = { N(NEW, REG), N(NEW, PER | REG), O(PUB, UPD),
	    O(PRI, UPD), O(REM, 0), N(NEW, PER | FOR | REG), N(GON, DEL) },
	[THING_CLAIMED] = { O(PUB, ACK | TAKEN), O(PUB, ACK | TAKEN),
	    O(PUB, ACK), O(PUB, ACK | TAKEN), O(PUB, ACK | TAKEN | FOR),
	    O(PUB, ACK | TAKEN), D(GON, NAK) },
	[THING_REMOVED] = { N(NEW, ACK), N(REM, ACK | STO | PER),
	    O(REM, ACK | STO | PER), O(REM, ACK | STO | PER), O(REM, ACK),
	    N(REM, ACK | STO | PER), D(GON, NAK) },
	[THING_DISOWNED] = { N(NEW, ACK | AFRESH), N(NEW, ACK | AFRESH),
	    N(NEW, ACK | AFRESH | UNF), N(NEW, ACK | AFRESH | UNF),
	    N(NEW, ACK | AFRESH | UNF), N(NEW, ACK | AFRESH), D(GON, NAK) },
	[THING_TAGS_CHANGED] = { N(NEW, 0), N(UNC, 0), O(PUB, UPD), O(PRI, 0),
	    O(REM, 0), N(SEL, UPD), D(GON, 0) },
	[THING_KEY_CLEAR_DUE] = { N(NEW, 0), N(UNC, 0), O(PUB, UPD), O(PRI, 0),
	    O(REM, 0), N(SEL, 0), D(GON, 0) },
	[THING_CONFIGURED] = { N(NEW, 0), N(UNC, 0), O(PUB, 0), O(PRI, 0),
	    O(REM, 0), N(SEL, 0), N(NEW, PER | STO | REG) },
	[THING_DECONFIGURED] = { D(GON, FOR | PER | STO | UNR),
	    D(GON, FOR | PER | STO | UNR),
	    D(GON, FOR | PER | STO | UNR | KEY | UNF),
	    D(GON, FOR | PER | STO | UNR | KEY | UNF),
	    D(GON, FOR | PER | STO | UNR | KEY | UNF),
	    D(GON, FOR | PER | STO | UNR), D(GON, 0) },
	[THING_CMD_REGISTER] = { N(NEW, REG), N(UNC, REG), O(PUB, UPD),
	    O(PRI, UPD), O(REM, REF), N(SEL, REG), D(GON, REF) },
	[THING_CMD_UNREGISTER] = { D(REM, PER | STO | UNR),
	    D(REM, PER | STO | UNR), B(REM, PER | STO | UNR),
	    B(REM, PER | STO | UNR), B(REM, PER | STO | UNR),
	    D(REM, PER | STO | UNR), D(GON, REF) },
	[THING_CMD_RESET] = { N(NEW, AFRESH), N(NEW, AFRESH),
	    N(NEW, AFRESH | UNF), N(NEW, AFRESH | UNF), N(NEW, AFRESH | UNF),
	    D(NEW, (AFRESH & ~REG) | UNR), D(GON, REF) },
};

static void
every_event_in_every_state(void **state)
{
	(void)state;
	for (int e = 0; e < THING_EVENTS; e++) {
		for (int c = 0; c < CLAIMS; c++) {
			struct thing t = usual((enum claim)c);
			struct thing_event ev = {
				.kind = (enum thing_event_kind)e,
				.jid = OWNER,
				.is_public = true,
				.self_owned = t.self_owned,
				.updated_key = true,
			};
			struct thing_out out;

			print_message("  %s: %s\n", claim_name((enum claim)c),
			    event_names[e]);
			thing_step(&t, &ev, &out);
			check(&t, &out, &usual_cases[e][c]);
			assert_string_equal(out.old_owner,
			    out.acts & THING_UNFRIEND ? OWNER : NOBODY);
		}
	}
}

static const struct {
	const char *name;
	struct thing before;
	struct thing_event ev;
	struct expect want;
} special_cases[] = {
	{ "private claim: no updates, KEY stays", { .claim = CLAIM_UNCLAIMED },
	    { .kind = THING_CLAIMED, .jid = OWNER },
	    O(PRI, ACK | PER | STO | FRI) },
	{ "private claim told by register", { .claim = CLAIM_NEW },
	    { .kind = THING_REGISTER_CLAIMED, .jid = OWNER },
	    O(PRI, PER | STO | FRI) },
	{ "the owner makes it private",
	    { .claim = CLAIM_PUBLIC, .owner = OWNER },
	    { .kind = THING_CLAIMED, .jid = OWNER },
	    O(PRI, ACK | PER | STO | FRI) },
	{ "the owner makes it public again: KEY is cleared already",
	    { .claim = CLAIM_PRIVATE, .owner = OWNER, .key_cleared = true },
	    { .kind = THING_CLAIMED, .jid = OWNER, .is_public = true },
	    O(PUB, ACK | PER | STO | FRI | UPD) },
	{ "private claim told again",
	    { .claim = CLAIM_PRIVATE, .owner = OWNER },
	    { .kind = THING_CLAIMED, .jid = OWNER }, O(PRI, ACK) },
	{ "the registry names another owner",
	    { .claim = CLAIM_PUBLIC, .owner = OWNER, .key_cleared = true },
	    { .kind = THING_CLAIMED, .jid = OTHER, .is_public = true },
	    { PUB, ACK | TAKEN | UNF, OTHER, false } },
	{ "another claims a removed node: a stranger",
	    { .claim = CLAIM_REMOVED, .owner = OWNER },
	    { .kind = THING_CLAIMED, .jid = OTHER, .is_public = true },
	    B(REM, NAK | PER | UNR) },
	{ "register answered by a stranger's claim of a removed node",
	    { .claim = CLAIM_REMOVED, .owner = OWNER },
	    { .kind = THING_REGISTER_CLAIMED, .jid = OTHER },
	    B(REM, PER | UNR) },
	{ "a removed node whose claim was never told",
	    { .claim = CLAIM_REMOVED },
	    { .kind = THING_CLAIMED, .jid = OWNER, .is_public = true },
	    O(PUB, ACK | TAKEN | FOR) },
	{ "claimed before the installer's unregister got there",
	    { .claim = CLAIM_REMOVED, .unregister_due = true },
	    { .kind = THING_CLAIMED, .jid = OWNER, .is_public = true },
	    B(REM, ACK | PER | FRI) },
	{ "and told again",
	    { .claim = CLAIM_REMOVED, .owner = OWNER, .unregister_due = true },
	    { .kind = THING_CLAIMED, .jid = OWNER, .is_public = true },
	    B(REM, ACK) },
	{ "a stranger, while the unregister is on its way",
	    { .claim = CLAIM_REMOVED, .owner = OWNER, .unregister_due = true },
	    { .kind = THING_CLAIMED, .jid = OTHER }, B(REM, NAK) },
	{ "claimed without an address", { .claim = CLAIM_UNCLAIMED },
	    { .kind = THING_CLAIMED }, N(UNC, NAK) },
	{ "register claimed without an address", { .claim = CLAIM_UNCLAIMED },
	    { .kind = THING_REGISTER_CLAIMED }, N(UNC, 0) },

	{ "self-owned: registered", { .claim = CLAIM_NEW, .self_owned = true },
	    { .kind = THING_REGISTERED }, N(SEL, PER | UPD) },
	{ "self-owned: register says so",
	    { .claim = CLAIM_NEW, .self_owned = true },
	    { .kind = THING_REGISTER_CLAIMED, .is_self = true },
	    N(SEL, PER | UPD) },
	{ "self-owned: register says so again",
	    { .claim = CLAIM_SELF_OWNED, .self_owned = true },
	    { .kind = THING_REGISTER_CLAIMED, .is_self = true }, N(SEL, UPD) },
	{ "self-owned: the registry tells it",
	    { .claim = CLAIM_NEW, .self_owned = true },
	    { .kind = THING_CLAIMED, .is_self = true },
	    N(SEL, ACK | PER | UPD) },
	{ "no longer self-owned, the registry still thinks so",
	    { .claim = CLAIM_UNCLAIMED },
	    { .kind = THING_REGISTER_CLAIMED, .is_self = true },
	    D(NEW, PER | UNR) },
	{ "self-owned record, but somebody owns it",
	    { .claim = CLAIM_PUBLIC, .owner = OWNER },
	    { .kind = THING_CLAIMED, .is_self = true }, O(PUB, ACK) },
	{ "removed, self-owned: the registry has it again",
	    { .claim = CLAIM_REMOVED, .self_owned = true },
	    { .kind = THING_CLAIMED, .is_self = true },
	    N(SEL, ACK | PER | FOR | UPD) },
	{ "removed from an owner: a self-owned record goes",
	    { .claim = CLAIM_REMOVED, .self_owned = true, .owner = OWNER },
	    { .kind = THING_CLAIMED, .is_self = true },
	    B(REM, ACK | PER | UNR) },
	{ "self_owned switched on", { .claim = CLAIM_UNCLAIMED },
	    { .kind = THING_CONFIGURED, .self_owned = true },
	    N(NEW, PER | REG) },
	{ "self_owned switched off before it was registered",
	    { .claim = CLAIM_NEW, .self_owned = true },
	    { .kind = THING_CONFIGURED }, N(NEW, PER | REG) },
	{ "self_owned switched off",
	    { .claim = CLAIM_SELF_OWNED, .self_owned = true },
	    { .kind = THING_CONFIGURED }, D(NEW, FOR | PER | STO | UNR) },
	{ "self_owned switched on: an owner stays",
	    { .claim = CLAIM_PRIVATE, .owner = OWNER },
	    { .kind = THING_CONFIGURED, .self_owned = true }, O(PRI, PER) },

	{ "unregister goes first: online",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_ONLINE }, D(NEW, UNR) },
	{ "unregister goes first: online, removed",
	    { .claim = CLAIM_REMOVED, .unregister_due = true },
	    { .kind = THING_ONLINE }, D(REM, UNR) },
	{ "unregister goes first: installer's register",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_CMD_REGISTER }, D(NEW, UNR) },
	{ "unregister goes first: reset",
	    { .claim = CLAIM_REMOVED, .owner = OWNER, .unregister_due = true },
	    { .kind = THING_CMD_RESET },
	    D(NEW, KEY | FOR | PER | STO | UNR | UNF) },
	{ "late register while unregister is due",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_REGISTERED }, D(NEW, 0) },
	{ "late claimed-by-self while unregister is due",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_REGISTER_CLAIMED, .is_self = true }, D(NEW, 0) },
	{ "an owner after all: unregister would take his claim",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_REGISTER_CLAIMED, .jid = OWNER, .is_public = true },
	    O(PUB, TAKEN) },
	{ "unregistered, now offered",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_UNREGISTERED }, N(NEW, PER | REG) },
	{ "unregistered by the installer",
	    { .claim = CLAIM_REMOVED, .owner = OWNER, .unregister_due = true },
	    { .kind = THING_UNREGISTERED }, O(REM, PER) },
	{ "disowned while the installer's unregister is due",
	    { .claim = CLAIM_REMOVED, .owner = OWNER, .unregister_due = true },
	    { .kind = THING_DISOWNED },
	    D(REM, ACK | KEY | FOR | PER | STO | UNF | UNR) },
	{ "register failed, but unregister is due",
	    { .claim = CLAIM_NEW, .unregister_due = true },
	    { .kind = THING_REGISTER_FAILED }, D(NEW, 0) },

	{ "KEY cleared: online does not start the delay",
	    { .claim = CLAIM_PUBLIC, .owner = OWNER, .key_cleared = true },
	    { .kind = THING_ONLINE }, O(PUB, UPD) },
	{ "KEY cleared: nothing is due",
	    { .claim = CLAIM_PUBLIC, .owner = OWNER, .key_cleared = true },
	    { .kind = THING_KEY_CLEAR_DUE }, O(PUB, 0) },
	{ "an update without KEY", { .claim = CLAIM_PUBLIC, .owner = OWNER },
	    { .kind = THING_UPDATED }, O(PUB, 0) },
	{ "KEY cleared again",
	    { .claim = CLAIM_PUBLIC, .owner = OWNER, .key_cleared = true },
	    { .kind = THING_UPDATED, .updated_key = true }, O(PUB, 0) },
};

static void
special(void **state)
{
	size_t n = sizeof(special_cases) / sizeof(special_cases[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct thing t = special_cases[i].before;
		struct thing_out out;

		print_message("  %s\n", special_cases[i].name);
		thing_step(&t, &special_cases[i].ev, &out);
		check(&t, &out, &special_cases[i].want);
	}
}

static void
key_cleared_follows_the_claim(void **state)
{
	struct thing t = { .claim = CLAIM_PUBLIC, .owner = OWNER };
	struct thing_event ev = { .kind = THING_UPDATED, .updated_key = true };
	struct thing_out out;

	(void)state;
	thing_step(&t, &ev, &out);
	assert_true(t.key_cleared);
	ev.kind = THING_DISOWNED;
	thing_step(&t, &ev, &out);
	assert_false(t.key_cleared);
}

/* A small generator keeps the walk the same everywhere. */
static uint32_t
next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static struct thing_event
any_event(uint32_t *seed)
{
	uint32_t r = next(seed);
	struct thing_event ev = {
		.kind = (enum thing_event_kind)(r % THING_EVENTS),
		.jid = r & 1 << 20 ? OWNER : OTHER,
		.is_public = (r & 1 << 21) != 0,
		.is_self = (r & 7 << 22) == 0,
		.self_owned = (r & 1 << 25) != 0,
		.updated_key = (r & 1 << 26) != 0,
	};

	return ev;
}

static bool
among(enum claim c, unsigned states)
{
	return (states >> c & 1) != 0;
}

static void
check_state(const struct thing *t)
{
	assert_true(t->claim < CLAIMS);
	if (t->unregister_due)
		assert_true(among(t->claim, 1u << NEW | 1u << REM | 1u << GON));
	if (among(t->claim, 1u << PUB | 1u << PRI))
		assert_true(thing_has_owner(t));
	if (thing_has_owner(t))
		assert_true(among(t->claim, 1u << PUB | 1u << PRI | 1u << REM));
	if (t->claim == CLAIM_SELF_OWNED)
		assert_true(t->self_owned);
}

static void
check_sends(const struct thing *t, unsigned acts)
{
	if (t->unregister_due)
		assert_false(acts & (REG | UPD));
	if (acts & UNR)
		assert_true(t->unregister_due);
	if (acts & REG)
		assert_true(among(t->claim, 1u << NEW | 1u << UNC | 1u << SEL));
	if (acts & UPD)
		assert_true(among(t->claim, 1u << PUB | 1u << PRI | 1u << SEL));
	if (acts & ARM)
		assert_true(t->claim == CLAIM_PUBLIC && !t->key_cleared);
	if (acts & FRI)
		assert_true(thing_has_owner(t));
}

static bool
same(const struct thing *a, const struct thing *b)
{
	return a->claim == b->claim && a->self_owned == b->self_owned &&
	    a->key_cleared == b->key_cleared &&
	    a->unregister_due == b->unregister_due &&
	    strcmp(a->owner, b->owner) == 0;
}

static void
check_step(const struct thing *was, const struct thing *t,
    const struct thing_event *ev, const struct thing_out *out)
{
	bool iq = ev->kind == THING_CLAIMED || ev->kind == THING_REMOVED ||
	    ev->kind == THING_DISOWNED;
	bool told =
	    ev->kind == THING_CLAIMED || ev->kind == THING_REGISTER_CLAIMED;
	bool new_owner = *t->owner && strcmp(t->owner, was->owner) != 0;

	assert_int_equal(
	    ((out->acts & ACK) != 0) + ((out->acts & NAK) != 0), iq);
	if (!same(was, t))
		assert_true(out->acts & (PER | DEL));
	assert_int_equal((out->acts & UNF) != 0, out->old_owner[0] != '\0');
	assert_int_equal((out->acts & UNF) != 0,
	    *was->owner && strcmp(t->owner, was->owner) != 0);
	if (new_owner) {
		assert_true(told && !ev->is_self);
		assert_string_equal(t->owner, ev->jid);
		assert_false(was->claim == CLAIM_REMOVED && *was->owner);
	}
	/* Whoever loses the node must not know the KEY of the next offer. */
	if (*was->owner && !*t->owner)
		assert_true(out->acts & KEY);
	if (out->acts & REF)
		assert_int_equal(out->acts, REF);
}

static void
random_walk(void **state)
{
	struct thing t = { .claim = CLAIM_NEW };
	uint32_t seed = 0x2f6e2b1;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct thing_event ev = any_event(&seed);
		struct thing was = t;
		struct thing_out out;

		thing_step(&t, &ev, &out);
		check_state(&t);
		check_sends(&t, out.acts);
		check_step(&was, &t, &ev, &out);
		if (out.acts & THING_DELETE)
			t = (struct thing){ .claim = CLAIM_NEW };
	}
}

static void
claim_names(void **state)
{
	enum claim c;

	(void)state;
	for (int i = 0; i < CLAIMS; i++) {
		assert_int_equal(
		    claim_parse(claim_name((enum claim)i), &c), OK);
		assert_int_equal(c, i);
	}
	assert_int_equal(claim_parse("claimed", &c), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_in_every_state),
		cmocka_unit_test(special),
		cmocka_unit_test(key_cleared_follows_the_claim),
		cmocka_unit_test(random_walk),
		cmocka_unit_test(claim_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
