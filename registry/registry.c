#include "registry/registry.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/notify.h"
#include "config/value.h"
#include "registry/friends.h"
#include "registry/requests.h"

#include <stdlib.h>
#include <string.h>

enum { TIDY_MS = 60000 }; /* at the longest */

struct registry {
	struct db *db;
	struct friends *friends;
	struct peers *peers;
	struct things *things;
	struct notices *notices;
	struct rules *rules;
	struct provision *provision;
	struct searches *searches;
	struct turn *turn;
	struct session *session;
	struct requests *requests;
	uv_timer_t tidy;
	int64_t tidy_ms;
	struct registry **owner; /* set while stopping */
};

static void
on_online(void *arg, const char *full_jid)
{
	struct registry *r = arg;

	log_info("xmpp", "online as %s", full_jid);
	notify_send("STATUS=online");
	friends_online(r->friends, r->session);
}

static void
on_offline(void *arg, enum session_fault fault, const char *text)
{
	(void)arg;
	(void)fault;
	log_warn("xmpp", "offline: %s", text);
	notify_send("STATUS=offline");
}

static void
on_presence(void *arg, xmpp_stanza_t *stanza)
{
	struct registry *r = arg;
	struct jid who;

	friends_presence(r->friends, r->session, stanza);
	switch (peers_presence(r->peers, r->session, stanza, &who)) {
	case PEER_CAME:
		notices_wake(r->notices, who.bare);
		break;
	case PEER_WENT:
		notices_recall(r->notices, who.full);
		break;
	case PEER_NOTHING:
		break;
	}
}

static void
on_turn_end(void *arg, bool kept)
{
	struct registry *r = arg;

	/* A thing claimed and disowned in one turn must hear it in that order.
	 */
	notices_run(r->notices);
	if (r->requests)
		requests_run(r->requests, kept);
}

static void
on_tidy(uv_timer_t *timer)
{
	struct registry *r = timer->data;

	friends_tidy(r->friends, r->session);
	peers_tidy(r->peers);
}

static enum err
open_store(
    struct registry *r, const struct cfg_component *config, struct errbuf *eb)
{
	const struct clock *clock = &clock_system;
	enum err e;

	e = db_open(config->store, &r->db, eb);
	if (e == OK)
		e = things_new(r->db, (size_t)config->tags, &r->things, eb);
	if (e == OK)
		things_limit(r->things, (size_t)config->things);
	if (e == OK)
		e = peers_new(r->db, clock, config->lease_ms, &r->peers, eb);
	if (e == OK)
		e = friends_new(r->db, clock, config->friends,
		    config->friend_idle_ms, &r->friends, eb);
	if (e == OK)
		e = notices_new(r->db, r->peers, clock, &r->notices, eb);
	if (e == OK)
		e = rules_new(r->db, &r->rules, eb);
	if (e == OK)
		e = provision_new(
		    r->db, r->things, r->rules, r->notices, &r->provision, eb);
	if (e == OK)
		e = searches_new(r->db, r->things, clock,
		    (size_t)config->max_count, &r->searches, eb);
	return e;
}

static enum err
open_session(struct registry *r, uv_loop_t *loop,
    const struct cfg_component *config, struct errbuf *eb)
{
	const struct cfg_client *c = &config->client;
	const char *at = c->jid ? c->host : config->host;
	struct session_config sc = {
		.kind = c->jid ? SESSION_CLIENT : SESSION_COMPONENT,
		.jid = c->jid ? c->jid : config->jid,
		.password = c->jid ? c->password : config->secret,
		.tls = c->tls == CFG_TLS_OPTIONAL ? SESSION_TLS_OPTIONAL
						  : SESSION_TLS_REQUIRED,
		.ca_file = c->ca_file,
		.create_account = c->register_,
	};
	const struct session_events events = {
		.online = on_online,
		.offline = on_offline,
		.presence = on_presence,
		.arg = r,
	};
	char host[VALUE_HOST];
	int port;

	if (at && *at) {
		if (value_hostport(at, 0, host, &port) != OK)
			return errbuf_set(eb, ERR_CONFIG,
			    "host = %s: must be host[:port]", at);
		sc.host = host;
		sc.port = (uint16_t)port;
	}
	return session_new(loop, &clock_system, &sc, &events, &r->session, eb);
}

static void
close_store(struct registry *r)
{
	requests_free(r->requests);
	searches_free(r->searches);
	provision_free(r->provision);
	rules_free(r->rules);
	notices_free(r->notices);
	friends_free(r->friends);
	peers_free(r->peers);
	things_free(r->things);
	db_close(r->db);
	free(r);
}

static void
make_rooms(
    struct registry *r, uv_loop_t *loop, const struct cfg_component *config)
{
	const struct request_rules rules = {
		.max_tags = (size_t)config->tags,
		.max_things = (size_t)config->things,
		.allow_tags = config->allow_tags,
		.rate = config->rate,
		.burst = config->burst,
		.require_key = config->require_key,
		.lenient = config->lenient,
		.provisions = config->provisions,
	};
	const struct rule_commands commands = { .things = r->things,
		.rules = r->rules,
		.provision = r->provision };

	r->turn = turn_new(loop, r->db, on_turn_end, r);
	r->requests = requests_new(&(struct disown_uses){ .things = r->things,
				       .friends = r->friends,
				       .peers = r->peers,
				       .notices = r->notices,
				       .provision = r->provision,
				       .turn = r->turn,
				       .session = r->session },
	    r->searches, &commands, &rules);
	notices_attach(r->notices, r->session);
	r->tidy_ms =
	    config->friend_idle_ms < TIDY_MS ? config->friend_idle_ms : TIDY_MS;
	uv_timer_init(loop, &r->tidy);
	r->tidy.data = r;
}

enum err
registry_new(uv_loop_t *loop, const struct cfg_component *config,
    struct registry **out, struct errbuf *eb)
{
	struct registry *r = mem_zalloc(sizeof(*r));
	enum err e;

	*out = NULL;
	e = open_store(r, config, eb);
	if (e == OK)
		e = open_session(r, loop, config, eb);
	if (e != OK) {
		close_store(r);
		return e;
	}
	make_rooms(r, loop, config);
	*out = r;
	return OK;
}

void
registry_start(struct registry *r)
{
	uv_timer_start(
	    &r->tidy, on_tidy, (uint64_t)r->tidy_ms, (uint64_t)r->tidy_ms);
	session_start(r->session);
	notify_send("READY=1");
}

static void
on_closed(uv_handle_t *handle)
{
	struct registry *r = handle->data;
	struct registry **owner = r->owner;

	close_store(r);
	*owner = NULL;
}

static void
on_session_closed(void *arg)
{
	struct registry *r = arg;

	notices_attach(r->notices, NULL);
	turn_free(r->turn);
	uv_close((uv_handle_t *)&r->tidy, on_closed);
}

void
registry_stop(struct registry **rp)
{
	struct registry *r = *rp;

	if (r->owner)
		return;
	r->owner = rp;
	notify_send("STOPPING=1");
	session_stop(r->session, on_session_closed, r);
}
