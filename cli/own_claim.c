#include "cli/own.h"

#include "cli/claim_text.h"
#include "cli/say.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "protocol/jid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_PRIVATE, OPT_NO_SUBSCRIBE };

const struct opt own_claim_opts[] = {
	{ "private", 0, NULL, "not to be found by search" },
	{ "no-subscribe", 0, NULL, "do not ask the thing for its presence" },
	{ NULL, 0, NULL, NULL },
};

/* One claim, from text to record. */
struct claim {
	const struct call *call;
	struct own_request *rq;
	char *named; /* the registry that the text names */
	char to[JID_SIZE];
	const char *registry; /* where it goes; NULL: searched for */
	struct tags tags;
	struct cfg_account account;
	char *things_file;
	char bare[JID_SIZE]; /* of the thing */
};

/* announce says what will be claimed, the KEY excepted. */
static void
announce(const struct claim *cl)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < cl->tags.n; i++) {
		const struct tag *t = &cl->tags.v[i];
		bool key = strcmp(t->name, "KEY") == 0;

		buf_printf(&b, "%s %s  ", t->name, key ? "(hidden)" : t->value);
	}
	say("%sat %s", b.data ? b.data : "",
	    cl->registry ? cl->registry : "a registry of this server");
	buf_fini(&b);
}

static const struct column columns[] = {
	{ .title = "jid", .member = "jid" },
	{ .title = "node", .member = "node" },
	{ .title = "source", .member = "source" },
	{ .title = "cache", .member = "cache" },
	{ .title = "public", .member = "public" },
	{ .title = NULL },
};

static void
print(const struct claim *cl, const struct thing_name *n, bool is_public)
{
	enum out_mode mode = own_mode(cl->call);
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:b}", "schema", 1,
	    "jid", n->jid, "node", n->node.node, "source", n->node.source,
	    "cache", n->node.cache, "public", is_public);

	if (mode == OUT_JSON)
		out_json(o);
	else if (mode == OUT_PLAIN)
		out_fields(mode, columns, o);
	else
		printf("claimed: %s%s%s%s%s%s%s   (%s)\n", n->jid,
		    *n->node.node ? " node " : "", n->node.node,
		    *n->node.source ? " source " : "", n->node.source,
		    *n->node.cache ? " cache " : "", n->node.cache,
		    is_public ? "public" : "private");
	json_decref(o);
}

/* record remembers the thing.  It is owned by now: failing here is no failure
 * of the claim. */
static void
record(struct claim *cl, const struct thing_name *n, bool is_public)
{
	struct errbuf eb = { "" };
	struct owned_edit ed;

	if (owned_begin(cl->things_file, &ed, &eb) != OK) {
		say("%s", eb.text);
		return;
	}
	owned_put(ed.things, n, &cl->tags, is_public, cl->registry,
	    clock_utc(&clock_system));
	if (owned_end(&ed, true, &eb) != OK)
		say("%s", eb.text);
}

/* already says so when this account has claimed the thing itself, as far as
 * it remembers: the registry does not tell. */
static bool
already(const struct claim *cl)
{
	struct errbuf eb = { "" };
	const json_t *entry;
	json_t *things;

	if (owned_load(cl->things_file, &things, &eb) != OK)
		return false;
	entry = owned_same(things, &cl->tags, cl->registry);
	if (entry) {
		const char *node = out_string(entry, "node");

		say("it is already yours: %s%s%s, claimed %s with this "
		    "account.\n"
		    "(If it was disowned or reset since, its sticker is a new "
		    "one: claim with that.)",
		    out_string(entry, "jid"), *node ? " node " : "", node,
		    out_string(entry, "when"));
	}
	json_decref(things);
	return entry != NULL;
}

static int
not_found(const struct claim *cl)
{
	return say_exit(EXIT_NOTFOUND,
	    "not claimed: not found or already claimed (item-not-found). %s "
	    "has no unclaimed thing with exactly these tags, and never says "
	    "which it is.\n"
	    "Usual reasons: somebody has claimed it, or you, privately; its "
	    "gateway is not yet online; the sticker is older than the last "
	    "reset or disown; "
	    "a character was read wrong.\n"
	    "Ask the installer for: thingbridge nodes",
	    cl->registry);
}

static void
won(struct claim *cl, const struct thing_name *name, bool is_public)
{
	record(cl, name, is_public);
	if (!cl->call->opt[OPT_NO_SUBSCRIBE] &&
	    jid_bare(name->jid, cl->bare) == OK) {
		cl->rq->befriend = cl->bare;
		say("contact request sent to %s", cl->bare);
	}
}

/* The one thing found that is this account's, or NULL. */
static const struct found_thing *
own_one(const struct claim *cl, const struct found *found)
{
	const struct found_thing *mine = NULL;
	char me[JID_SIZE], owner[JID_SIZE];

	if (jid_bare(cl->account.jid, me) != OK || found->n != 1 || found->more)
		return NULL;
	if (jid_bare(found->v[0].owner, owner) == OK && strcmp(owner, me) == 0)
		mine = &found->v[0];
	return mine;
}

static void
on_found(void *arg, const struct owner_reply *reply)
{
	struct claim *cl = arg;
	const struct found_thing *mine =
	    reply->err == OK ? own_one(cl, reply->found) : NULL;
	char jid[JID_SIZE];

	if (!mine || jid_bare(mine->jid, jid) != OK) {
		own_end(cl->rq, not_found(cl));
		return;
	}
	say("not claimed now, but %s%s%s with the same tags is yours: an "
	    "earlier claim was carried out, it seems.  It is among \"things\" "
	    "now, public",
	    jid, *mine->node.node ? " node " : "", mine->node.node);
	won(cl, &(struct thing_name){ jid, mine->node }, true);
	own_end(cl->rq, EXIT_NOTFOUND);
}

/* look_for asks for a claimed thing with these tags: when the answer to an
 * earlier claim was lost, and the KEY is no longer in the registry. */
static bool
look_for(struct claim *cl)
{
	struct search s = { .count = 2 };

	for (size_t i = 0; i < cl->tags.n; i++) {
		const struct tag *t = &cl->tags.v[i];
		struct search_op op = {
			.kind = SEARCH_EQ, .num = t->num, .value = t->value
		};

		if (strcmp(t->name, "KEY") != 0 && *t->value &&
		    search_add(&s, t->name, &op, NULL) != OK)
			return false;
	}
	return s.n > 0 &&
	    owner_search(online_session(cl->rq->online), cl->rq->to, &s,
		cl->rq->timeout_ms, on_found, cl) == OK;
}

static int
done(struct own_request *rq, const struct owner_reply *reply)
{
	struct claim *cl = rq->arg;
	struct thing_name name = { reply->jid, reply->node };

	cl->rq = rq;
	cl->registry = rq->registry; /* it may have been searched for */
	if (reply->err == ERR_NOTFOUND && already(cl))
		return EXIT_NOTFOUND;
	if (reply->err == ERR_NOTFOUND)
		return look_for(cl) ? OWN_WAITS : not_found(cl);
	if (reply->err != OK)
		return own_failed("claimed", rq, reply);
	print(cl, &name, rq->msg->is_public);
	won(cl, &name, rq->msg->is_public);
	return EXIT_OK;
}

static int
send_claim(struct claim *cl)
{
	struct disc_msg msg = {
		.op = DISC_MINE,
		.node = { "", "", "" },
		.has_public = true,
		.is_public = !cl->call->opt[OPT_PRIVATE],
		.tags = cl->tags, /* borrowed */
	};
	struct own_request rq = {
		.call = cl->call,
		.registry = cl->registry,
		.msg = &msg,
		.done = done,
		.arg = cl,
	};

	announce(cl);
	return own_ask(&rq, &cl->account);
}

int
own_claim(const struct call *c)
{
	struct claim cl = { .call = c };
	char *file = own_account_file(c);
	int code;

	cl.things_file = owned_path(file);
	code = claim_text(c, &cl.tags, &cl.named);
	if (code == EXIT_OK)
		code = own_account(c, file, &cl.account);
	if (code == EXIT_OK)
		code =
		    own_registry(c, cl.named, &cl.account, cl.to, &cl.registry);
	if (code == EXIT_OK)
		code = send_claim(&cl);
	cfg_account_fini(&cl.account);
	tags_fini(&cl.tags);
	free(cl.named);
	free(cl.things_file);
	free(file);
	return code;
}
