/* Who may do what with a node, the provisioning server's answers, and what is
 * remembered of them. */
#include "gateway/access.h"

#include "common/mem.h"
#include "fake_session.h"
#include "gateway/decisions.h"
#include "gateway/friends.h"
#include "gateway/gateway.h"
#include "gateway/judge.h"
#include "gateway/provisioner.h"
#include "gateway/registrar.h"
#include "gateway/store.h"
#include "gateway/tell.h"
#include "protocol/provisioning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GW "plant@example.org"
#define OWNER "owner@example.org"
#define OTHER "other@example.org"
#define STRANGER "curious@example.org"
#define REGISTRY "registry.example.org"
#define SERVER "prov.example.org"

/* The parts beside, as far as access looks at them. */

static struct provisioning_peer server, others; /* for OTHER, if set */
static int dropped, approved;
static void (*after_done)(void *arg, bool kept);
static void *after_arg;
static bool has_subscriber;
static int hidden;

const char *
registrar_jid(const struct registrar *r)
{
	(void)r;
	return REGISTRY;
}

void
registrar_touch(struct registrar *r, struct node *n)
{
	(void)r;
	(void)n;
}

void
registrar_after(
    struct registrar *r, void (*done)(void *arg, bool kept), void *arg)
{
	(void)r;
	assert_null(after_done); /* once a turn */
	after_done = done;
	after_arg = arg;
}

bool
tell_has(const struct tell *t, const char *bare)
{
	(void)t;
	return has_subscriber && strcmp(bare, STRANGER) == 0;
}

void
tell_hide(struct tell *t, const struct node *n, const char *bare)
{
	(void)t;
	(void)n;
	(void)bare;
	hidden++;
}

const struct provisioning_peer *
provisioner_for(const struct provisioner *p, const char *owner)
{
	(void)p;
	if (others.jid[0] && strcmp(owner, OTHER) == 0)
		return &others;
	return server.jid[0] ? &server : NULL;
}

bool
provisioner_is(const struct provisioner *p, const char *bare)
{
	(void)p;
	return strcmp(bare, SERVER) == 0;
}

void
friends_mend(struct friends *f)
{
	(void)f;
}

void
friends_approve(struct friends *f, const char *bare)
{
	(void)f;
	(void)bare;
	approved++;
}

void
friends_drop(struct friends *f, const char *bare)
{
	(void)f;
	(void)bare;
	dropped++;
}

/* The rig: two nodes. */

struct rig {
	struct gateway gw;
	struct session s;
	struct clock_fake clock;
	struct cfg_node cfg;
	struct node *a, *b;
	char dir[32], path[64];
	int calls;
	bool busy, reduced;
	size_t n;
};

static int
set_up(void **state)
{
	static const struct node_ref refs[] = { { "a", "S", "" },
		{ "b", "S", "" } };
	struct rig *r = mem_zalloc(sizeof(*r));
	struct errbuf eb;

	strcpy(r->dir, "/tmp/tbaccessXXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/state.db", r->dir);
	assert_int_equal(store_open(r->path, &r->gw.store, &eb), OK);
	fake_session_init(&r->s, GW "/gateway", GW);
	clock_fake_init(&r->clock, 1000, 0);
	r->gw.clock = &r->clock.clock;
	r->gw.session = &r->s;
	r->a = nodes_add(&r->gw.nodes, &refs[0]);
	r->b = nodes_add(&r->gw.nodes, &refs[1]);
	r->a->cfg = r->b->cfg = &r->cfg;
	for (size_t i = 0; i < 2; i++) {
		struct thing *t = &r->gw.nodes.v[i]->thing;

		t->claim = CLAIM_PUBLIC;
		strcpy(t->owner, OWNER);
	}
	memset(&server, 0, sizeof(server));
	memset(&others, 0, sizeof(others));
	after_done = NULL;
	has_subscriber = false;
	hidden = 0;
	strcpy(server.jid, SERVER);
	strcpy(server.to, SERVER);
	dropped = approved = 0;
	r->gw.judge = judge_new(&r->gw);
	r->gw.access = access_new(&r->gw);
	iq_routes(&r->s, judge_routes, r->gw.judge);
	*state = r;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *r = *state;
	char cmd[64];

	access_free(r->gw.access);
	judge_free(r->gw.judge);
	r->a->cfg = r->b->cfg = NULL;
	nodes_fini(&r->gw.nodes);
	fake_session_fini(&r->s);
	store_close(r->gw.store);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", r->dir);
	assert_int_equal(system(cmd), 0);
	free(r);
	return 0;
}

static void
granted(void *arg, const struct access_grant *g)
{
	struct rig *r = arg;

	r->calls++;
	r->n = g->n;
	r->busy = g->busy;
	r->reduced = g->reduced;
}

static void
ask(struct rig *r, const char *from, enum access_what what, size_t n,
    const char *const *name)
{
	static const struct tokens tokens = { "st", "", "" };
	struct names names = { 0 };
	const struct access_q q = { .from = from,
		.what = what,
		.tokens = &tokens,
		.nodes = r->gw.nodes.v,
		.n = n,
		.types = what == ACCESS_READ ? SD_MOMENTARY | SD_IDENTITY : 0,
		.names = &names };

	while (name && *name)
		names_add(&names, *name++);
	r->calls = 0;
	r->n = 0;
	r->busy = false;
	access_ask(r->gw.access, &q, granted, r);
	names_fini(&names);
}

/* The server answers the last request; from NULL: as itself. */
static void
answer(struct rig *r, const char *from, const char *xml)
{
	const char *id = strstr(r->s.last, "id=\"");
	char text[4096];

	assert_non_null(id);
	id += 4;
	snprintf(text, sizeof(text),
	    "<iq type='result' from='%s' to='" GW "/gateway' id='%.*s'>%s</iq>",
	    from ? from : SERVER, (int)strcspn(id, "\""), id, xml);
	fake_session_receive(&r->s, text);
}

#define NS "xmlns='" PROVISIONING_NS "' "
#define MAY_READ(attrs, kids)                                       \
	"<canReadResponse " NS "jid='" STRANGER "' " attrs ">" kids \
	"</canReadResponse>"

/* Every cell of who x node: what he may do, read, control and browse. */

enum { WHOS = 8, STATES = 8 };

static const char *const whos[WHOS] = { OWNER "/phone", OTHER "/phone",
	"reader@example.org/x", "controller@example.org/x", STRANGER "/x",
	REGISTRY, SERVER, GW "/gateway" };

static const struct {
	const char *name;
	enum claim claim;
	const char *owner;
	bool gone;
	const char *alone[WHOS]; /* without a provisioning server */
	const char *asked[WHOS]; /* with one that allows everything */
} states[STATES] = {
	{ "new", CLAIM_NEW, "", false,
	    { "---", "---", "---", "---", "---", "---", "---", "---" },
	    { "---", "---", "---", "---", "---", "---", "---", "---" } },
	{ "unclaimed", CLAIM_UNCLAIMED, "", false,
	    { "---", "---", "---", "---", "---", "---", "---", "---" },
	    { "---", "---", "---", "---", "---", "---", "---", "---" } },
	{ "public", CLAIM_PUBLIC, OWNER, false,
	    { "rcb", "---", "r-b", "rcb", "---", "---", "---", "---" },
	    { "rcb", "rcb", "rcb", "rcb", "rcb", "---", "---", "rcb" } },
	{ "private", CLAIM_PRIVATE, OWNER, false,
	    { "rcb", "---", "r-b", "rcb", "---", "---", "---", "---" },
	    { "rcb", "rcb", "rcb", "rcb", "rcb", "---", "---", "rcb" } },
	{ "removed", CLAIM_REMOVED, OWNER, false,
	    { "rcb", "---", "r-b", "rcb", "---", "---", "---", "---" },
	    { "rcb", "rcb", "rcb", "rcb", "rcb", "---", "---", "rcb" } },
	{ "self-owned", CLAIM_SELF_OWNED, "", false,
	    { "---", "---", "r-b", "rcb", "---", "---", "---", "rcb" },
	    { "rcb", "rcb", "rcb", "rcb", "rcb", "---", "---", "rcb" } },
	{ "gone", CLAIM_GONE, OWNER, true,
	    { "---", "---", "---", "---", "---", "---", "---", "---" },
	    { "---", "---", "---", "---", "---", "---", "---", "---" } },
	{ "public, not configured", CLAIM_PUBLIC, OWNER, true,
	    { "---", "---", "---", "---", "---", "---", "---", "---" },
	    { "---", "---", "---", "---", "---", "---", "---", "---" } },
};

static bool
may(struct rig *r, const char *who, enum access_what what)
{
	char yes[JID_SIZE + 128], bare[JID_SIZE];
	int sent = r->s.sent;

	assert_int_equal(jid_bare(who, bare), OK);
	ask(r, who, what, 1, NULL);
	if (r->s.sent > sent) {
		snprintf(yes, sizeof(yes),
		    "<%sResponse " NS "jid='%s' result='true'/>",
		    what == ACCESS_READ ? "canRead" : "canControl", bare);
		answer(r, NULL, yes);
	}
	assert_int_equal(r->calls, 1);
	return r->n == 1;
}

static void
cell(struct rig *r, const char *who, const char *want)
{
	char bare[JID_SIZE], got[4] = "---";

	assert_int_equal(jid_bare(who, bare), OK);
	if (may(r, who, ACCESS_READ))
		got[0] = 'r';
	if (may(r, who, ACCESS_CONTROL))
		got[1] = 'c';
	if (access_sees(r->gw.access, bare, r->a))
		got[2] = 'b';
	print_message("    %s %s\n", bare, got);
	assert_string_equal(got, want);
}

static void
matrix(void **state)
{
	struct rig *r = *state;

	shares_set(&r->a->shares, "reader@example.org", false);
	shares_set(&r->a->shares, "controller@example.org", true);
	strcpy(r->b->thing.owner, OTHER);
	for (size_t i = 0; i < (size_t)2 * STATES; i++) {
		bool with = i >= STATES;
		const char *const *want =
		    with ? states[i - STATES].asked : states[i].alone;

		print_message("  %s%s\n", states[i % STATES].name,
		    with ? ", the server allows" : "");
		snprintf(server.jid, JID_SIZE, "%s", with ? SERVER : "");
		r->a->thing.claim = states[i % STATES].claim;
		snprintf(r->a->thing.owner, JID_SIZE, "%s",
		    states[i % STATES].owner);
		r->a->cfg = states[i % STATES].gone ? NULL : &r->cfg;
		judge_trust(r->gw.judge, "none.example.org");
		for (size_t w = 0; w < WHOS; w++)
			cell(r, whos[w], want[w]);
	}
}

static void
names_of_people(void **state)
{
	struct rig *r = *state;

	strcpy(server.jid, "");
	assert_true(may(r, "Owner@Example.ORG/other", ACCESS_CONTROL));
	assert_true(may(r, OWNER, ACCESS_READ));
	assert_false(may(r, "owner@example.org.evil/x", ACCESS_READ));
	assert_false(may(r, "xowner@example.org/x", ACCESS_READ));
	ask(r, "@/", ACCESS_READ, 1, NULL);
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 0);
}

/* Answers of the server: what of them counts. */

static const struct {
	const char *name, *xml;
	size_t n;
	bool reduced;
	const char *fields; /* temperature, humidity, and either's identity */
} answers[] = {
	{ "yes", MAY_READ("result='true'", ""), 2, false, "thi" },
	{ "no", MAY_READ("result='false'", ""), 0, true, "---" },
	{ "result missing", MAY_READ("", ""), 0, true, "---" },
	{ "one node",
	    MAY_READ("result='true'", "<node nodeId='b' sourceId='S'/>"), 1,
	    true, "thi" },
	{ "a node that was not asked",
	    MAY_READ("result='true'", "<node nodeId='c' sourceId='S'/>"), 0,
	    true, "---" },
	{ "more nodes than asked",
	    MAY_READ("result='true'",
		"<node nodeId='a' sourceId='S'/>"
		"<node nodeId='z' sourceId='S'/>"),
	    1, true, "thi" },
	{ "one field", MAY_READ("result='true'", "<field name='temperature'/>"),
	    2, true, "t-i" },
	{ "a field that was not asked",
	    MAY_READ("result='true'", "<field name='secret'/>"), 0, true,
	    "---" },
	{ "more fields than asked",
	    MAY_READ("result='true'",
		"<field name='secret'/><field name='humidity'/>"),
	    2, true, "-hi" },
	{ "one type", MAY_READ("result='true' momentary='true'", ""), 2, true,
	    "th-" },
	{ "more types", MAY_READ("result='true' all='true'", ""), 2, false,
	    "thi" },
	{ "a type that was not asked",
	    MAY_READ("result='true' peak='true'", ""), 0, true, "---" },
	{ "about somebody else",
	    "<canReadResponse " NS "jid='" OTHER "' result='true'/>", 0, true,
	    "---" },
	{ "to another question",
	    "<canControlResponse " NS "jid='" STRANGER "' result='true'/>", 0,
	    true, "---" },
	{ "of another namespace",
	    "<canReadResponse xmlns='x' jid='" STRANGER "' result='true'/>", 0,
	    true, "---" },
	{ "empty", "", 0, true, "---" },
};

static void
reductions(void **state)
{
	static const char *const fields[] = { "temperature", "humidity", NULL };
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		print_message("  %s\n", answers[i].name);
		judge_trust(r->gw.judge, "none.example.org");
		/* About one person only so much is asked. */
		r->clock.mono += 60000;
		ask(r, STRANGER "/x", ACCESS_READ, 2, fields);
		assert_int_equal(r->calls, 0);
		assert_non_null(strstr(r->s.last, "serviceToken=\"st\""));
		assert_null(strstr(r->s.last, STRANGER "/x"));
		answer(r, NULL, answers[i].xml);
		assert_int_equal(r->calls, 1);
		assert_int_equal(r->n, answers[i].n);
		assert_int_equal(r->reduced, answers[i].reduced);
		if (!r->n)
			continue;
		/* The same is known from now on. */
		ask(r, STRANGER "/y", ACCESS_READ, 2, fields);
		assert_int_equal(r->calls, 1);
		assert_int_equal(r->n, answers[i].n);
	}
}

static void
each_field(void *arg, const struct access_grant *g)
{
	char *got = arg;

	memcpy(got, "---", 4);
	if (g->n && access_allows(&g->v[0], "temperature", SD_MOMENTARY))
		got[0] = 't';
	if (g->n && access_allows(&g->v[0], "humidity", SD_MOMENTARY))
		got[1] = 'h';
	if (g->n &&
	    (access_allows(&g->v[0], "temperature", SD_IDENTITY) ||
		access_allows(&g->v[0], "humidity", SD_IDENTITY)))
		got[2] = 'i';
}

static void
fields_and_types(void **state)
{
	struct rig *r = *state;
	const struct tokens none = { "", "", "" };
	char got[4];

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct names names = { 0 };
		const struct access_q q = { STRANGER "/x", ACCESS_READ, &none,
			r->gw.nodes.v, 2, SD_MOMENTARY | SD_IDENTITY, &names };

		print_message("  %s\n", answers[i].name);
		judge_trust(r->gw.judge, "none.example.org");
		names_add(&names, "temperature");
		names_add(&names, "humidity");
		access_ask(r->gw.access, &q, each_field, got);
		answer(r, NULL, answers[i].xml);
		names_fini(&names);
		assert_string_equal(got, answers[i].fields);
	}
}

static void
spoofed_and_late(void **state)
{
	struct rig *r = *state;

	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	answer(r, STRANGER, MAY_READ("result='true'", ""));
	answer(r, "prov.example.org.evil", MAY_READ("result='true'", ""));
	assert_int_equal(r->calls, 0);
	r->s.clock.mono += JUDGE_ANSWER_MS + 1;
	iq_table_expire(r->s.iq);
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 0);
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->calls, 1);
	/* And it was not remembered. */
	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	assert_int_equal(r->calls, 0);
	iq_table_lost(r->s.iq);
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 0);
	/* It is not there. */
	server.to[0] = '\0';
	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 0);
}

/* An answer about what has changed meanwhile is none. */
static void
changed_meanwhile(void **state)
{
	struct rig *r = *state;

	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	strcpy(r->a->thing.owner, OTHER);
	access_lapse(r->gw.access, r->a);
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 0);
	assert_false(access_sees(r->gw.access, STRANGER, r->a));

	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	r->a->thing.claim = CLAIM_NEW;
	r->a->thing.owner[0] = '\0';
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->n, 0);
	r->a->thing.claim = CLAIM_PUBLIC;
	strcpy(r->a->thing.owner, OWNER);

	judge_trust(r->gw.judge, "none.example.org");
	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	access_forget(r->gw.access, r);
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->calls, 0);
}

static bool
remembers(struct rig *r)
{
	int sent = r->s.sent;

	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	if (r->s.sent > sent)
		answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->n, 1);
	return r->s.sent == sent;
}

/* The turn ends; false: it could not be stored. */
static void
turn_ends(bool kept)
{
	void (*done)(void *arg, bool kept) = after_done;

	after_done = NULL;
	if (done)
		done(after_arg, kept);
}

static void
clear_cache(struct rig *r, const char *type, const char *from)
{
	char xml[256];

	snprintf(xml, sizeof(xml),
	    "<iq type='%s' id='c' from='%s' to='" GW "/gateway'><clearCache " NS
	    "/></iq>",
	    type, from);
	fake_session_receive(&r->s, xml);
}

static void
start_again(struct rig *r)
{
	struct errbuf eb;

	turn_ends(true);
	access_free(r->gw.access);
	r->gw.access = NULL;
	judge_free(r->gw.judge);
	assert_int_equal(store_commit(r->gw.store, &eb), OK);
	store_close(r->gw.store);
	assert_int_equal(store_open(r->path, &r->gw.store, &eb), OK);
	r->gw.judge = judge_new(&r->gw);
	r->gw.access = access_new(&r->gw);
}

static void
memory(void **state)
{
	struct rig *r = *state;

	assert_false(remembers(r));
	assert_true(remembers(r));
	assert_true(access_sees(r->gw.access, STRANGER, r->a));
	assert_false(access_sees(r->gw.access, STRANGER, r->b));
	start_again(r);
	assert_true(remembers(r));
	/* Its words count only while it is the one to decide. */
	strcpy(server.jid, "new.example.org");
	assert_false(access_sees(r->gw.access, STRANGER, r->a));
	judge_trust(r->gw.judge, "new.example.org");
	strcpy(server.jid, SERVER);
	start_again(r);
	assert_false(remembers(r));
}

static void
cleared(void **state)
{
	static const char *const type[] = { "get", "set" };
	struct rig *r = *state;

	for (size_t i = 0; i < 2; i++) {
		assert_false(remembers(r));
		clear_cache(r, type[i], STRANGER "/x");
		assert_non_null(strstr(r->s.last, "forbidden"));
		clear_cache(r, type[i], OWNER "/phone");
		assert_non_null(strstr(r->s.last, "forbidden"));
		assert_true(remembers(r));
		clear_cache(r, type[i], SERVER);
		assert_null(strstr(r->s.last, "clearCacheResponse"));
		turn_ends(true);
		assert_non_null(strstr(r->s.last, "clearCacheResponse"));
	}
}

struct row {
	char *question, *answer;
};

static void
take_row(void *arg, const char *question, const char *answer)
{
	struct row *row = arg;

	row->question = mem_strdup(question);
	row->answer = mem_strdup(answer);
}

/* The disk was full: what it still says is not believed after a start. */
static void
cleared_in_vain(void **state)
{
	struct rig *r = *state;
	struct row row = { 0 };

	assert_false(remembers(r));
	turn_ends(true);
	store_decisions(r->gw.store, take_row, &row);
	clear_cache(r, "set", SERVER);
	turn_ends(false);
	assert_non_null(strstr(r->s.last, "internal-server-error"));
	assert_false(access_sees(r->gw.access, STRANGER, r->a));
	/* As a rollback does. */
	assert_int_equal(
	    store_decide(r->gw.store, row.question, row.answer), OK);
	judge_tick(r->gw.judge);
	start_again(r);
	assert_false(access_sees(r->gw.access, STRANGER, r->a));
	assert_false(remembers(r));
	free(row.question);
	free(row.answer);
}

/* A question waits for one judge, and what another has said, or what needed
 * none, is taken back meanwhile. */
static void
taken_back(void **state)
{
	static const char yes[] =
	    "<canReadResponse " NS "jid='" OWNER "' result='true'/>";
	struct rig *r = *state;

	strcpy(r->b->thing.owner, OTHER);
	ask(r, OWNER "/x", ACCESS_READ, 2, NULL);
	assert_int_equal(r->calls, 0);
	strcpy(r->a->thing.owner, OTHER);
	access_lapse(r->gw.access, r->a);
	answer(r, NULL, yes);
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 1);
	assert_true(r->reduced);
	strcpy(r->a->thing.owner, OWNER);
	turn_ends(true);

	judge_trust(r->gw.judge, "none.example.org");
	assert_int_equal(access_share(r->gw.access, r->a, STRANGER, false), OK);
	ask(r, STRANGER "/x", ACCESS_READ, 2, NULL);
	assert_int_equal(access_unshare(r->gw.access, r->a, STRANGER), OK);
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->n, 1);
	turn_ends(true);

	judge_trust(r->gw.judge, "none.example.org");
	strcpy(others.jid, "b.example.org");
	strcpy(others.to, "b.example.org");
	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->n, 1);
	ask(r, STRANGER "/x", ACCESS_READ, 2, NULL); /* a is remembered */
	assert_int_equal(r->calls, 0);
	clear_cache(r, "set", SERVER);
	answer(r, "b.example.org", MAY_READ("result='true'", ""));
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 1);
}

/* What a server says that is not trusted any more. */
static void
distrusted(void **state)
{
	struct rig *r = *state;

	ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	judge_trust(r->gw.judge, "new.example.org");
	answer(r, NULL, MAY_READ("result='true'", ""));
	assert_int_equal(r->calls, 1);
	assert_int_equal(r->n, 0);
}

/* Of other nodes it is still known who reads them. */
static void
lapsed(void **state)
{
	struct rig *r = *state;

	assert_false(remembers(r));
	access_lapse(r->gw.access, r->b);
	assert_true(remembers(r));
	access_lapse(r->gw.access, r->a);
	assert_false(access_sees(r->gw.access, STRANGER, r->a));
	assert_false(remembers(r));
}

/* One who asks much pushes out his own decisions alone. */
static void
crowd(void **state)
{
	struct rig *r = *state;
	char name[SD_NAME_MAX + 1], other[512];
	const char *names[SD_NAMES_MAX + 1] = { NULL };
	int sent;

	snprintf(other, sizeof(other),
	    "<canReadResponse " NS "jid='" GW "' result='true'/>");
	ask(r, GW "/x", ACCESS_READ, 1, NULL);
	answer(r, NULL, other);
	memset(name, 'x', SD_NAME_MAX);
	name[SD_NAME_MAX] = '\0';
	for (size_t i = 0; i < 20; i++)
		names[i] = name;
	for (int i = 0; i < DECISIONS_EACH + 10; i++) {
		r->clock.mono += 2000;
		snprintf(name, 5, "f%03d", i);
		name[4] = 'x';
		ask(r, STRANGER "/x", ACCESS_READ, 1, names);
		answer(r, NULL, MAY_READ("result='true'", ""));
		assert_int_equal(r->n, 1);
	}
	sent = r->s.sent;
	ask(r, GW "/x", ACCESS_READ, 1, NULL);
	assert_int_equal(r->n, 1);
	ask(r, STRANGER "/x", ACCESS_READ, 1, names);
	assert_int_equal(r->s.sent, sent);
	memcpy(name, "f000", 4);
	ask(r, STRANGER "/x", ACCESS_READ, 1, names);
	assert_int_equal(r->s.sent, sent + 1);
}

/* Who is told of events is judged anew, and told what he sees no more. */
static void
reviewed(void **state)
{
	struct rig *r = *state;

	has_subscriber = true;
	assert_false(remembers(r));
	turn_ends(true);
	for (int yes = 1; yes >= 0; yes--) {
		int sent = r->s.sent;

		clear_cache(r, "set", SERVER);
		assert_int_equal(r->s.sent, sent + 1);
		assert_non_null(strstr(r->s.last, "canRead"));
		assert_int_equal(hidden, !yes);
		answer(r, NULL,
		    yes ? MAY_READ("result='true'", "")
			: MAY_READ("result='false'", ""));
		/* tell looks whether he sees it still. */
		assert_int_equal(
		    access_sees(r->gw.access, STRANGER, r->a), yes);
		assert_int_equal(hidden, 2 - yes);
		turn_ends(true);
	}
	judge_trust(r->gw.judge, "none.example.org");
	turn_ends(true);
	assert_false(remembers(r));
	access_lapse(r->gw.access, r->a);
	assert_int_equal(hidden, 3);
	assert_false(access_sees(r->gw.access, STRANGER, r->a));
}

static void
limits(void **state)
{
	struct rig *r = *state;
	int sent = r->s.sent;
	char name[16];
	const char *names[] = { name, NULL };

	for (int i = 0; i < 20; i++)
		ask(r, STRANGER "/x", ACCESS_READ, 1, NULL);
	assert_true(r->busy);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->s.sent - sent, 16);
	iq_table_lost(r->s.iq);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ask(r, STRANGER "/x", ACCESS_READ, 1, names);
		iq_table_lost(r->s.iq);
	}
	assert_true(r->busy);
	assert_int_equal(r->s.sent - sent, JUDGE_MINUTE_MAX);
	/* Others, and the owner, are not held up. */
	ask(r, OTHER "/x", ACCESS_READ, 1, NULL);
	assert_false(r->busy);
	ask(r, OWNER "/x", ACCESS_READ, 1, NULL);
	assert_int_equal(r->n, 1);
	r->clock.mono += 60000;
	ask(r, STRANGER "/x", ACCESS_READ, 1, names);
	assert_int_equal(r->calls, 0);
}

static void
count(void *arg, const char *bare, bool control)
{
	int *n = arg;

	(void)bare;
	*n += control ? 100 : 1;
}

/* After a start: 1 for each that may read, 100 for each that may control. */
static int
shares_on_disk(struct rig *r, const struct node *n)
{
	const struct node_ref ref = node_ref_of(n);
	struct nodes t = { 0 };
	struct errbuf eb;
	int found = 0;

	start_again(r);
	assert_int_equal(store_load(r->gw.store, &t, &eb), OK);
	access_shares(r->gw.access, nodes_by_ref(&t, &ref), count, &found);
	nodes_fini(&t);
	return found;
}

static void
sharing(void **state)
{
	struct rig *r = *state;
	char jid[64];
	int n = 0;

	assert_int_equal(
	    access_share(r->gw.access, r->a, "Reader@example.org/x", false),
	    OK);
	assert_int_equal(
	    access_share(r->gw.access, r->a, "ctl@example.org", true), OK);
	assert_int_equal(approved, 2);
	access_shares(r->gw.access, r->a, count, &n);
	assert_int_equal(n, 101);
	assert_int_equal(shares_on_disk(r, r->a), 101);
	assert_int_equal(
	    access_standing(r->gw.access, "reader@example.org", r->a),
	    ACCESS_READER);
	assert_int_equal(
	    access_share(r->gw.access, r->a, "reader@example.org", true), OK);
	assert_int_equal(
	    access_standing(r->gw.access, "reader@example.org", r->a),
	    ACCESS_CONTROLLER);
	assert_int_equal(
	    access_standing(r->gw.access, "reader@example.org", r->b),
	    ACCESS_STRANGER);
	assert_int_equal(
	    access_share(r->gw.access, r->a, "@", true), ERR_PROTO);
	assert_int_equal(
	    access_unshare(r->gw.access, r->a, "nobody@x"), ERR_NOTFOUND);
	assert_int_equal(
	    access_unshare(r->gw.access, r->a, "ctl@example.org/y"), OK);
	assert_int_equal(dropped, 1);
	for (int i = 1; i < ACCESS_SHARES_MAX; i++) {
		snprintf(jid, sizeof(jid), "u%d@example.org", i);
		assert_int_equal(
		    access_share(r->gw.access, r->a, jid, false), OK);
	}
	assert_int_equal(
	    access_share(r->gw.access, r->a, "more@x", false), ERR_RANGE);
	assert_int_equal(access_share(r->gw.access, r->a, jid, true), OK);
	access_lapse(r->gw.access, r->a);
	assert_int_equal(r->a->shares.n, 0);
	assert_int_equal(shares_on_disk(r, r->a), 0);
	assert_int_equal(dropped, 1 + ACCESS_SHARES_MAX);
	assert_int_equal(
	    access_standing(r->gw.access, "reader@example.org", r->a),
	    ACCESS_STRANGER);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(matrix),
		TEST(names_of_people),
		TEST(reductions),
		TEST(fields_and_types),
		TEST(spoofed_and_late),
		TEST(changed_meanwhile),
		TEST(memory),
		TEST(cleared),
		TEST(cleared_in_vain),
		TEST(taken_back),
		TEST(distrusted),
		TEST(lapsed),
		TEST(crowd),
		TEST(reviewed),
		TEST(limits),
		TEST(sharing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
