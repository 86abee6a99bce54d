#include "registry/requests.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/adhoc.h"
#include "protocol/form.h"
#include "protocol/provisioning.h"
#include "protocol/stanza.h"
#include "registry/allow.h"
#include "registry/pace.h"

#include <stdlib.h>
#include <string.h>

struct requests {
	struct disown_uses use;
	struct request_rules rules;
	struct rule_commands commands;
	struct disowns *disowns;
	struct searches *searches;
	struct pace *pace;
};

/* One request on its way through parse, check, act and answer. */
struct call {
	struct requests *r;
	struct iq_in *rq;
	struct jid from;
	struct disc_msg msg;
	char target[JID_SIZE]; /* bare JID of the thing meant, own or given */
	struct errbuf why;
	xmpp_stanza_t *answer; /* payload of the result, or NULL */
	bool later;            /* somebody else answers */
};

static struct thing_origin
own_thing(const struct call *c)
{
	return (struct thing_origin){
		.key = { .jid = c->from.bare, .node = c->msg.node },
		.via = c->from.full,
	};
}

static struct thing_key
named_thing(const struct call *c)
{
	return (struct thing_key){ .jid = c->target, .node = c->msg.node };
}

static void
put_answer(struct call *c, const struct disc_msg *m)
{
	c->answer = discovery_build(session_ctx(c->r->use.session), m);
}

static enum err
too_many(struct call *c, enum err e)
{
	if (e == ERR_REFUSED)
		return errbuf_set(&c->why, e,
		    "this account has %zu things and notices: unregister some",
		    c->r->rules.max_things);
	if (e == ERR_RANGE)
		return errbuf_set(&c->why, e,
		    "more than %zu tags for one thing", c->r->rules.max_tags);
	return e;
}

static bool
has_key(const struct tags *tags)
{
	const struct tag *key = tags_find(tags, "KEY");

	return key && *key->value;
}

static enum err
act_register(struct call *c)
{
	struct thing_origin from = own_thing(c);
	struct disown_uses *use = &c->r->use;
	struct thing t;
	enum err e;

	if (disown_defer(c->r->disowns, &from.key, c->rq)) {
		c->later = true;
		return OK;
	}
	if (c->r->rules.require_key && !c->msg.self_owned &&
	    !has_key(&c->msg.tags))
		return errbuf_set(
		    &c->why, ERR_PROTO, "a registration needs a KEY");
	e = things_register(
	    use->things, &from, &c->msg.tags, c->msg.self_owned, &t);
	if (e == ERR_BUSY) {
		put_answer(c,
		    &(struct disc_msg){ .op = DISC_CLAIMED,
			.jid = t.owner,
			.node = c->msg.node,
			.has_public = true,
			.is_public = t.is_public });
		e = OK;
	} else if (e == OK) {
		log_debug("thing", "%s registered", from.via);
		e = notices_void(use->notices, &from.key);
	}
	thing_fini(&t);
	return too_many(c, e);
}

static enum err
act_mine(struct call *c)
{
	struct disown_uses *use = &c->r->use;
	char safe[LOG_SAFE];
	struct thing t;
	bool news;
	enum err e;

	e = things_claim(use->things,
	    &(struct thing_claim){ .owner = c->from.bare,
		.is_public = c->msg.is_public,
		.tags = &c->msg.tags,
		.node = c->msg.node },
	    &t, &news);
	if (e == ERR_NOTFOUND)
		log_info("claim", "%s claimed nothing that can be claimed",
		    c->from.bare);
	if (e != OK)
		return e;
	put_answer(c,
	    &(struct disc_msg){
		.op = DISC_CLAIMED, .jid = t.jid, .node = thing_key(&t).node });
	if (news)
		e = provision_changed(c->r->commands.provision, t.owner, t.id);
	if (news && e == OK) {
		log_info("claim", "%s claimed %s %s node=%s", t.owner,
		    t.is_public ? "public" : "private", t.jid,
		    log_safe(safe, t.node));
		e = notices_add(use->notices, DISC_CLAIMED, &t);
	}
	thing_fini(&t);
	return e;
}

static enum err
update_own(struct call *c)
{
	struct thing_origin from = own_thing(c);
	enum err e;

	e = things_update(c->r->use.things, &from, &c->msg.tags);
	if (e != ERR_REFUSED)
		return e;
	put_answer(
	    c, &(struct disc_msg){ .op = DISC_DISOWNED, .node = c->msg.node });
	return OK;
}

static enum err
update_owned(struct call *c)
{
	struct thing_key key = named_thing(c);
	struct things *things = c->r->use.things;
	struct thing t;
	enum err e;

	e = things_owned(things, &key, c->from.bare, &t);
	if (e != OK)
		return e;
	e = things_merge(things, t.id, &c->msg.tags);
	thing_fini(&t);
	return e;
}

static enum err
act_update(struct call *c)
{
	bool own = strcmp(c->target, c->from.bare) == 0;

	return too_many(c, own ? update_own(c) : update_owned(c));
}

static enum err
act_remove(struct call *c)
{
	struct disown_uses *use = &c->r->use;
	struct thing_key key = named_thing(c);
	char safe[LOG_SAFE];
	struct thing t;
	enum err e;

	e = things_owned(use->things, &key, c->from.bare, &t);
	if (e != OK)
		return e;
	log_info("claim", "%s removed %s node=%s", t.owner, t.jid,
	    log_safe(safe, t.node));
	e = provision_changed(c->r->commands.provision, t.owner, t.id);
	if (e == OK)
		e = things_delete(use->things, t.id);
	if (e == OK)
		e = notices_add(use->notices, DISC_REMOVED, &t);
	thing_fini(&t);
	return e;
}

static enum err
act_unregister(struct call *c)
{
	struct disown_uses *use = &c->r->use;
	struct thing_origin from = own_thing(c);
	struct thing t;
	enum err e;

	e = things_find(use->things, &from.key, &t);
	if (e == OK && t.owner)
		e = provision_changed(use->provision, t.owner, t.id);
	thing_fini(&t);
	if (e == OK || e == ERR_NOTFOUND)
		e = things_unregister(use->things, &from.key);
	return e != OK ? e : notices_void(use->notices, &from.key);
}

static enum err
act_disown(struct call *c)
{
	struct thing_key key = named_thing(c);
	struct thing t;
	enum err e;

	e = things_owned(c->r->use.things, &key, c->from.bare, &t);
	if (e != OK)
		return e;
	disown_start(c->r->disowns, &t, c->rq);
	c->later = true;
	thing_fini(&t);
	return OK;
}

/* own: it is the thing itself that speaks, unless it names another. */
static const struct {
	enum err (*act)(struct call *);
	bool own;
} acts[DISC_OPS] = {
	[DISC_REGISTER] = { act_register, true },
	[DISC_MINE] = { act_mine, false },
	[DISC_UPDATE] = { act_update, true },
	[DISC_REMOVE] = { act_remove, false },
	[DISC_UNREGISTER] = { act_unregister, true },
	[DISC_DISOWN] = { act_disown, false },
};

static enum err
admit(struct call *c)
{
	if (jid_parse(iq_in_from(c->rq), &c->from) != OK)
		return errbuf_set(
		    &c->why, ERR_PROTO, "the sender is not an address");
	if (!pace_take(c->r->pace, c->from.bare))
		return errbuf_set(&c->why, ERR_REFUSED,
		    "this account asks too much: try again in a while");
	friends_heard(c->r->use.friends, c->from.bare);
	return OK;
}

static enum err
parse(struct call *c)
{
	enum err e = admit(c);

	if (e != OK)
		return e;
	e = discovery_parse(iq_in_payload(c->rq), &c->msg, &c->why);
	if (e != OK)
		return e;
	return jid_bare(c->msg.jid ? c->msg.jid : c->from.bare, c->target);
}

static enum err
check(struct call *c)
{
	const struct request_rules *rules = &c->r->rules;

	if (!acts[c->msg.op].act)
		return ERR_UNSUP;
	if (!iq_in_is_set(c->rq) && !rules->lenient)
		return ERR_UNSUP;
	/* A claim that names others just finds nothing. */
	return c->msg.op == DISC_MINE
	    ? OK
	    : allow_check(rules->allow_tags, &c->msg.tags, &c->why);
}

static void
hear(const struct call *c)
{
	if (acts[c->msg.op].own && strcmp(c->target, c->from.bare) == 0)
		peers_heard(c->r->use.peers, &c->from);
	notices_wake(c->r->use.notices, c->from.bare);
}

static const char *
condition(enum err e)
{
	switch (e) {
	case ERR_NOTFOUND:
		return "item-not-found";
	case ERR_PROTO:
	case ERR_RANGE:
		return "bad-request";
	case ERR_UNSUP:
		return "feature-not-implemented";
	case ERR_REFUSED:
	case ERR_TIMEOUT:
		return "resource-constraint";
	case OK:
	case ERR_IO:
	case ERR_BUSY:
	case ERR_OFFLINE:
	case ERR_CONFIG:
		break;
	}
	return "internal-server-error";
}

static void
answer(struct call *c, enum err e)
{
	struct turn *turn = c->r->use.turn;

	if (e == OK) {
		turn_reply(turn, c->rq, c->answer);
		return;
	}
	if (c->answer)
		xmpp_stanza_release(c->answer);
	turn_reply_error(
	    turn, c->rq, condition(e), *c->why.text ? c->why.text : NULL);
}

static void
handle(void *arg, struct iq_in *rq)
{
	struct call c = { .r = arg, .rq = rq };
	enum err e;

	e = parse(&c);
	if (e == OK)
		e = check(&c);
	if (e == OK) {
		hear(&c);
		e = acts[c.msg.op].act(&c);
	}
	if (!c.later)
		answer(&c, e);
	discovery_fini(&c.msg);
	turn_relieve(c.r->use.turn);
}

/* Anybody may search, and nothing changes by it. */
static void
search(void *arg, struct iq_in *rq)
{
	struct call c = { .r = arg, .rq = rq };
	struct search s;
	enum err e;

	e = admit(&c);
	if (e == OK)
		e = search_parse(iq_in_payload(rq), &s, &c.why);
	if (e == OK)
		e = search_run(c.r->searches, session_ctx(c.r->use.session), &s,
		    &c.answer);
	if (e == ERR_TIMEOUT)
		errbuf_set(&c.why, e,
		    "this search takes too long: add an operator that few "
		    "things meet");
	else if (e == ERR_REFUSED && !*c.why.text)
		errbuf_set(
		    &c.why, e, "too many long searches: try again in a while");
	answer(&c, e);
	turn_relieve(c.r->use.turn);
}

/* What a thing asks about those who ask it. */
static void
decide(void *arg, struct iq_in *rq)
{
	struct call c = { .r = arg, .rq = rq };
	enum err e = admit(&c);

	if (e == OK) {
		notices_wake(c.r->use.notices, c.from.bare);
		e = provision_answer(c.r->commands.provision, &c.from,
		    iq_in_payload(rq), session_ctx(c.r->use.session), &c.answer,
		    &c.why);
	}
	answer(&c, e);
	turn_relieve(c.r->use.turn);
}

static void
command(void *arg, struct iq_in *rq)
{
	struct call c = { .r = arg, .rq = rq };
	enum err e = admit(&c);

	if (e == OK)
		e = rule_commands_run(&c.r->commands, c.from.bare,
		    iq_in_payload(rq), session_ctx(c.r->use.session), &c.answer,
		    &c.why);
	answer(&c, e);
	turn_relieve(c.r->use.turn);
}

/* A ping is how an idle gateway keeps its lease. */
static void
ping(void *arg, struct iq_in *rq)
{
	struct requests *r = arg;
	struct jid from;

	if (jid_parse(iq_in_from(rq), &from) == OK) {
		friends_heard(r->use.friends, from.bare);
		peers_alive(r->use.peers, &from);
		notices_wake(r->use.notices, from.bare);
	}
	turn_reply(r->use.turn, rq, NULL);
	turn_relieve(r->use.turn);
}

enum { ANY = IQ_GET | IQ_SET };

static const struct iq_route routes[] = {
	{ DISCOVERY_NS, "register", ANY, handle },
	{ DISCOVERY_NS, "mine", ANY, handle },
	{ DISCOVERY_NS, "update", ANY, handle },
	{ DISCOVERY_NS, "remove", ANY, handle },
	{ DISCOVERY_NS, "unregister", ANY, handle },
	{ DISCOVERY_NS, "disown", ANY, handle },
	{ DISCOVERY_NS, "search", IQ_GET, search },
	{ NS_PING, "ping", IQ_GET, ping },
	{ NULL, NULL, 0, NULL },
};

static const struct disco_identity identity = { "component", "generic",
	"Thing Registry" };
static const char *const features[] = { NS_DISCO_INFO, DISCOVERY_NS, NS_PING,
	NULL };
static const char *const all_features[] = { NS_DISCO_INFO, NS_DISCO_ITEMS,
	DISCOVERY_NS, PROVISIONING_NS, ADHOC_NS, FORM_NS, NS_PING, NULL };

/* with_node says whose part query is about, as the request did. */
static xmpp_stanza_t *
with_node(xmpp_stanza_t *query, const char *node)
{
	if (node)
		xmpp_stanza_set_attribute(query, "node", node);
	return query;
}

static void
info(void *arg, struct iq_in *rq)
{
	const struct requests *r = arg;
	xmpp_ctx_t *ctx = session_ctx(r->use.session);
	const char *node = xmpp_stanza_get_attribute(iq_in_payload(rq), "node");
	xmpp_stanza_t *query = node ? rule_commands_info(ctx, node) : NULL;

	if (!query)
		query = stanza_disco_info(ctx, &identity, all_features);
	iq_reply(rq, with_node(query, node));
}

static void
items(void *arg, struct iq_in *rq)
{
	const struct requests *r = arg;
	xmpp_ctx_t *ctx = session_ctx(r->use.session);
	const char *node = xmpp_stanza_get_attribute(iq_in_payload(rq), "node");
	xmpp_stanza_t *query = node && strcmp(node, ADHOC_NS) == 0
	    ? rule_commands_items(ctx, session_jid(r->use.session))
	    : stanza_el(ctx, "query", NS_DISCO_ITEMS);

	iq_reply(rq, with_node(query, node));
}

static const struct iq_route judging[] = {
	{ PROVISIONING_NS, "isFriend", ANY, decide },
	{ PROVISIONING_NS, "canRead", ANY, decide },
	{ PROVISIONING_NS, "canControl", ANY, decide },
	{ ADHOC_NS, "command", IQ_SET, command },
	{ NS_DISCO_INFO, "query", IQ_GET, info },
	{ NS_DISCO_ITEMS, "query", IQ_GET, items },
	{ NULL, NULL, 0, NULL },
};

struct requests *
requests_new(const struct disown_uses *use, struct searches *searches,
    const struct rule_commands *commands, const struct request_rules *rules)
{
	struct requests *r = mem_zalloc(sizeof(*r));

	r->use = *use;
	r->rules = *rules;
	r->rules.allow_tags = mem_strdup(rules->allow_tags);
	r->pace = pace_new(&clock_system, rules->rate, rules->burst);
	r->searches = searches;
	r->commands = *commands;
	r->disowns = disowns_new(use, handle, r);
	iq_routes(use->session, routes, r);
	if (rules->provisions)
		iq_routes(use->session, judging, r);
	iq_disco(use->session, &identity,
	    rules->provisions ? all_features : features);
	return r;
}

void
requests_free(struct requests *r)
{
	if (!r)
		return;
	disowns_free(r->disowns);
	pace_free(r->pace);
	free(r->rules.allow_tags);
	free(r);
}

void
requests_run(struct requests *r, bool kept)
{
	disowns_run(r->disowns, kept);
}
