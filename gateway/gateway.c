#include "gateway/gateway.h"

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/notify.h"
#include "common/utf8.h"
#include "config/secret.h"
#include "drivers/check.h"
#include "gateway/access.h"
#include "gateway/ask.h"
#include "gateway/browse.h"
#include "gateway/control.h"
#include "gateway/friends.h"
#include "gateway/judge.h"
#include "gateway/keeper.h"
#include "gateway/plant.h"
#include "gateway/provisioner.h"
#include "gateway/readout.h"
#include "gateway/registrar.h"
#include "gateway/resources.h"
#include "gateway/steer.h"
#include "gateway/store.h"
#include "gateway/tell.h"
#include "gateway/watch.h"
#include "protocol/concentrator.h"
#include "protocol/control.h"
#include "protocol/sensor_data.h"
#include "protocol/stanza.h"
#include "xmpp/find.h"
#include "xmpp/iq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 2000, TRIM_TICKS = 5 };

static const struct disco_identity identity = { "gateway", "iot",
	"thingbridge" };
static const char *const features[] = { NS_DISCO_INFO, NS_PING, SENSOR_NS,
	CONTROL_NS, CONCENTRATOR_NS, FORM_NS, VALIDATE_NS, DYNAMIC_NS, NULL };

/* Nodes and configuration. */

static struct node *
node_of(const struct gateway *gw, const struct cfg_node *section)
{
	const struct node_ref ref = { section->name_id, section->source,
		section->cache };

	return nodes_by_ref(&gw->nodes, &ref);
}

static void
event(struct gateway *gw, struct node *n, enum thing_event_kind kind)
{
	enum err e = registrar_event(gw->registrar, n, kind);

	(void)e; /* only commands are refused */
}

/* A node seen for the first time gets its KEY before anything else. */
static void
add_node(struct gateway *gw, const struct cfg_node *section)
{
	struct node_ref ref = { section->name_id, section->source,
		section->cache };
	struct node *n = nodes_add(&gw->nodes, &ref);

	key_new(n->key);
	n->key_gen = 1;
	n->thing.self_owned = section->self_owned;
	node_configure(n, section);
	registrar_touch(gw->registrar, n);
	store_node(gw->store, n);
}

/* Brings the node table in step with gw->cfg. */
static void
configure_nodes(struct gateway *gw, struct reload_counts *counts)
{
	const struct cfg *c = gw->cfg;
	size_t had = gw->nodes.n;

	for (size_t i = 0; i < c->n_nodes; i++) {
		struct node *n = node_of(gw, &c->nodes[i]);

		if (n)
			n->next_cfg = &c->nodes[i];
	}
	for (size_t i = 0; i < had; i++) {
		struct node *n = gw->nodes.v[i];
		const struct cfg_node *was = n->cfg, *is = n->next_cfg;

		n->next_cfg = NULL;
		if (was && is && !cfg_node_equal(was, is))
			counts->changed++;
		else if (was && !is)
			counts->removed++;
		else if (!was && is)
			counts->added++;
		tell_configure(gw->tell, n, is);
		node_configure(n, is);
		tell_news(gw->tell, n);
		event(gw, n, is ? THING_CONFIGURED : THING_DECONFIGURED);
	}
	for (size_t i = 0; i < c->n_nodes; i++) {
		if (node_of(gw, &c->nodes[i]))
			continue;
		add_node(gw, &c->nodes[i]);
		counts->added++;
	}
}

/* The first error of the notes is kept for `status`. */
static void
note_refusal(struct gateway *gw, const struct buf *notes)
{
	const char *text = notes->len ? notes->data : "", *line = text;

	while (*line && strncmp(line, "error", 5) != 0) {
		const char *end = strchr(line, '\n');
		const char *mark = strstr(line, ": error: ");

		if (mark && (!end || mark < end))
			break;
		line = end ? end + 1 : line + strlen(line);
	}
	if (!*line)
		line = text;
	utf8_sanitize(line, strcspn(line, "\n"), gw->cfg_refused,
	    sizeof(gw->cfg_refused));
	if (!gw->cfg_refused[0])
		snprintf(gw->cfg_refused, sizeof(gw->cfg_refused),
		    "it cannot be read");
	gw->cfg_refused_utc = clock_utc(gw->clock);
}

/* What runs is what was there at the start, whatever was read between. */
static void
note_restart(struct gateway *gw, const struct cfg *fresh, struct buf *notes)
{
	struct buf keys = { 0 };

	cfg_restart(gw->first, fresh, &keys);
	snprintf(gw->cfg_restart, sizeof(gw->cfg_restart), "%s",
	    keys.len ? keys.data : "");
	if (keys.len)
		buf_printf(notes, "note: takes effect after a restart: %s\n",
		    keys.data);
	buf_fini(&keys);
}

/* tell_status is what systemctl status shows. */
static void
tell_status(const struct gateway *gw)
{
	char *text = mem_printf("STATUS=%zu nodes, XMPP %s%s%s", gw->nodes.n,
	    session_online(gw->session) ? "online" : "offline",
	    gw->cfg_refused[0] ? "; configuration refused: " : "",
	    gw->cfg_refused);

	notify_send(text);
	free(text);
}

enum err
gateway_reload(struct gateway *gw, struct buf *notes, struct reload_counts *out)
{
	struct cfg *fresh, *old = gw->cfg;
	enum err e = cfg_load(old->path, true, &fresh, notes);

	memset(out, 0, sizeof(*out));
	if (e == OK && !check_config(fresh, notes))
		e = ERR_CONFIG;
	if (e != OK) {
		cfg_free(fresh);
		note_refusal(gw, notes);
		tell_status(gw);
		return e;
	}
	gw->cfg_refused[0] = '\0';
	note_restart(gw, fresh, notes);
	gw->cfg = fresh;
	gw->cfg_utc = clock_utc(gw->clock);
	log_open((enum log_level)fresh->gateway.log);
	configure_nodes(gw, out);
	out->buses = plant_apply(gw->plant, old == gw->first ? NULL : old);
	for (size_t i = 0; i < gw->nodes.n; i++) {
		if (gw->nodes.v[i]->cfg)
			event(gw, gw->nodes.v[i], THING_TAGS_CHANGED);
		if (session_online(gw->session) &&
		    gw->nodes.v[i]->thing.claim == CLAIM_NEW)
			event(gw, gw->nodes.v[i], THING_ONLINE);
	}
	tell_status(gw);
	log_info("config",
	    "reload: nodes %zu added, %zu changed, %zu removed; buses %zu "
	    "added, %zu reopened, %zu removed",
	    out->added, out->changed, out->removed, out->buses.added,
	    out->buses.reopened, out->buses.removed);
	return OK;
}

/* The connection. */

static void
online(void *arg, const char *full_jid)
{
	struct gateway *gw = arg;

	log_info("xmpp", "online as %s", full_jid);
	gw->offline_why[0] = '\0';
	tell_status(gw);
	friends_online(gw->friends);
	registrar_online(gw->registrar);
}

static void
offline(void *arg, enum session_fault fault, const char *text)
{
	struct gateway *gw = arg;
	char why[sizeof(gw->offline_why)];

	gw->offline_fault = fault;
	utf8_sanitize(text, strlen(text), why, sizeof(why));
	if (strcmp(gw->offline_why, why) != 0) /* changes, not repeats */
		log_warn("xmpp", "%s", why);
	memcpy(gw->offline_why, why, sizeof(why));
	tell_status(gw);
	registrar_offline(gw->registrar);
	provisioner_offline(gw->provisioner);
	readout_offline(gw->readout);
	tell_offline(gw->tell);
}

static void
presence(void *arg, xmpp_stanza_t *stanza)
{
	struct gateway *gw = arg;

	friends_presence(gw->friends, stanza);
	registrar_presence(gw->registrar, stanza);
	provisioner_presence(gw->provisioner, stanza);
	readout_presence(gw->readout, stanza);
	tell_presence(gw->tell, stanza);
}

static void
bounced(void *arg, xmpp_stanza_t *stanza)
{
	struct gateway *gw = arg;

	readout_bounced(gw->readout, stanza);
	tell_bounced(gw->tell, stanza);
}

static void
message(void *arg, xmpp_stanza_t *stanza)
{
	struct gateway *gw = arg;

	friends_message(gw->friends, stanza);
	steer_message(gw->steer, stanza);
}

/* host = a word: where to look for the server. */
static unsigned
ways_of(const char *host)
{
	static const struct {
		const char *word;
		unsigned ways;
	} words[] = { { "srv", FIND_SRV }, { "mdns", FIND_MDNS },
		{ "dhcp", FIND_DHCP } };

	if (!host || !*host)
		return FIND_ALL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(host, words[i].word) == 0)
			return words[i].ways;
	return 0;
}

/* host[:port], [IPv6][:port]; returns the host, owned. */
static char *
split_host(const char *text, uint16_t *port)
{
	const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
	bool has_port = colon && (!bracket || colon > bracket) &&
	    (bracket || strchr(text, ':') == colon);

	*port = has_port ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
	return has_port ? mem_strndup(text, (size_t)(colon - text))
			: mem_strdup(text);
}

/* The password of an account that does not exist yet is kept before it is used
 * for the first time. */
static enum err
make_password(struct cfg_xmpp *x, struct errbuf *eb)
{
	if (x->password || !x->new_secret)
		return OK;
	x->password = secret_make(x->new_secret, eb);
	if (!x->password)
		return ERR_IO;
	log_info("xmpp", "a new password is kept in %s", x->new_secret);
	return OK;
}

static enum err
connect_parts(struct gateway *gw, struct errbuf *eb)
{
	const struct cfg_xmpp *x = &gw->cfg->xmpp;
	unsigned ways = ways_of(x->host);
	uint16_t port = 0;
	char *host = ways ? NULL : split_host(x->host, &port);
	const struct session_config sc = {
		.kind = SESSION_CLIENT,
		.jid = x->jid,
		.password = x->password,
		.host = host,
		.port = port,
		.ways = ways,
		.leases = x->leases,
		.tls = x->tls == CFG_TLS_OPTIONAL ? SESSION_TLS_OPTIONAL
						  : SESSION_TLS_REQUIRED,
		.ca_file = x->ca_file,
		.create_account = x->register_,
	};
	const struct session_events ev = { online, offline, presence, message,
		bounced, gw };
	enum err e =
	    session_new(&gw->loop, gw->clock, &sc, &ev, &gw->session, eb);

	free(host);
	if (e != OK)
		return e;
	iq_disco(gw->session, &identity, features);
	iq_routes(gw->session, registrar_routes, gw->registrar);
	gw->readout = readout_new(gw);
	iq_routes(gw->session, readout_routes, gw->readout);
	iq_routes(gw->session, steer_routes, gw->steer);
	iq_routes(gw->session, browse_routes, gw->browse);
	iq_routes(gw->session, judge_routes, gw->judge);
	return OK;
}

/* The loop. */

static void
turn(uv_prepare_t *h)
{
	struct gateway *gw = h->data;
	bool kept;

	if (gw->stopping)
		return;
	kept = registrar_turn(gw->registrar) == OK;
	browse_turn(gw->browse, kept);
	if (kept)
		keeper_turn(gw->keeper);
}

static void
tick(uv_timer_t *h)
{
	struct gateway *gw = h->data;

	registrar_tick(gw->registrar);
	friends_tick(gw->friends);
	provisioner_tick(gw->provisioner);
	judge_tick(gw->judge);
	plant_tick(gw->plant);
	keeper_tick(gw->keeper);
	if (++gw->ticks % TRIM_TICKS == 0)
		resources_trim();
}

static void
alive(uv_timer_t *h)
{
	(void)h;
	notify_send("WATCHDOG=1");
}

static void
session_gone(void *arg)
{
	struct gateway *gw = arg;

	gw->session = NULL;
}

static void
stop(uv_signal_t *h, int signum)
{
	struct gateway *gw = h->data;
	uv_handle_t *handles[] = { (uv_handle_t *)&gw->turn,
		(uv_handle_t *)&gw->tick, (uv_handle_t *)&gw->watchdog,
		(uv_handle_t *)&gw->term, (uv_handle_t *)&gw->intr,
		(uv_handle_t *)&gw->hup };

	(void)signum;
	if (gw->stopping)
		return;
	log_info("gateway", "stopping");
	notify_send("STOPPING=1");
	browse_turn(gw->browse, registrar_turn(gw->registrar) == OK);
	gw->stopping = true;
	tell_stop(gw->tell);
	steer_stop(gw->steer);
	registrar_offline(gw->registrar);
	provisioner_offline(gw->provisioner);
	control_close(gw->control);
	readout_stop(gw->readout);
	plant_stop(gw->plant);
	session_stop(gw->session, session_gone, gw);
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		uv_close(handles[i], NULL);
}

static void
hangup(uv_signal_t *h, int signum)
{
	struct gateway *gw = h->data;
	struct reload_counts counts;
	struct buf notes = { 0 };
	char *text;

	(void)signum;
	notify_send("RELOADING=1");
	if (gateway_reload(gw, &notes, &counts) != OK)
		log_err("config", "reload: nothing was changed");
	text = buf_take(&notes);
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		log_warn("config", "%s", l);
	free(text);
	notify_send("READY=1");
}

static void
start_handles(struct gateway *gw)
{
	int64_t watch = notify_watchdog_ms();

	uv_prepare_init(&gw->loop, &gw->turn);
	uv_timer_init(&gw->loop, &gw->tick);
	uv_timer_init(&gw->loop, &gw->watchdog);
	uv_signal_init(&gw->loop, &gw->term);
	uv_signal_init(&gw->loop, &gw->intr);
	uv_signal_init(&gw->loop, &gw->hup);
	gw->turn.data = gw->tick.data = gw->term.data = gw->intr.data =
	    gw->hup.data = gw;
	uv_prepare_start(&gw->turn, turn);
	uv_timer_start(&gw->tick, tick, TICK_MS, TICK_MS);
	if (watch > 0)
		uv_timer_start(
		    &gw->watchdog, alive, (uint64_t)watch, (uint64_t)watch);
	uv_signal_start(&gw->term, stop, SIGTERM);
	uv_signal_start(&gw->intr, stop, SIGINT);
	uv_signal_start(&gw->hup, hangup, SIGHUP);
}

static enum err
open_parts(struct gateway *gw, struct errbuf *eb)
{
	const char *registry = gw->cfg->registry.jid;
	struct reload_counts counts = { 0 };
	enum err e = store_open(gw->cfg->gateway.state, &gw->store, eb);

	if (e == OK)
		e = store_load(gw->store, &gw->nodes, eb);
	if (e != OK)
		return e;
	gw->registrar = registrar_new(gw, registry);
	gw->friends = friends_new(gw);
	gw->provisioner = provisioner_new(gw);
	gw->judge = judge_new(gw);
	gw->access = access_new(gw);
	gw->steer = steer_new(gw);
	gw->tell = tell_new(gw);
	gw->browse = browse_new(gw);
	gw->keeper = keeper_new(gw);
	configure_nodes(gw, &counts);
	e = make_password(&gw->cfg->xmpp, eb);
	if (e == OK)
		e = connect_parts(gw, eb);
	if (e == OK)
		e = control_new(
		    &gw->loop, gw->cfg->gateway.control, gw, &gw->control, eb);
	return e;
}

static void
run(struct gateway *gw)
{
	gw->plant = plant_new(gw);
	start_handles(gw);
	plant_apply(gw->plant, NULL);
	session_start(gw->session);
	log_info("gateway", "thingbridged " TB_VERSION ": %zu nodes, %zu buses",
	    gw->cfg->n_nodes, gw->cfg->n_buses);
	notify_send("READY=1");
	uv_run(&gw->loop, UV_RUN_DEFAULT);
}

int
gateway_run(struct cfg *cfg, const struct clock *clock)
{
	struct gateway gw = { .clock = clock, .cfg = cfg, .first = cfg };
	struct errbuf eb = { "" };
	enum err e;

	gw.started_utc = gw.cfg_utc = clock_utc(clock);
	resources_claim(cfg->n_buses);
	uv_loop_init(&gw.loop);
	gw.asks = ask_new();
	gw.watches = watches_new(&gw);
	e = open_parts(&gw, &eb);
	if (e == OK) {
		run(&gw);
	} else {
		log_err("gateway", "%s", eb.text);
		control_close(gw.control);
		readout_stop(gw.readout);
		if (gw.steer)
			steer_stop(gw.steer);
		if (gw.tell)
			tell_stop(gw.tell);
		if (gw.session)
			session_stop(gw.session, session_gone, &gw);
		uv_run(&gw.loop, UV_RUN_DEFAULT);
	}
	registrar_free(gw.registrar);
	friends_free(gw.friends);
	provisioner_free(gw.provisioner);
	readout_free(gw.readout);
	steer_free(gw.steer);
	browse_free(gw.browse);
	tell_free(gw.tell);
	access_free(gw.access);
	judge_free(gw.judge);
	plant_free(gw.plant);
	ask_free(gw.asks);
	watches_free(gw.watches);
	keeper_free(gw.keeper);
	candidates_fini(&gw.candidates);
	nodes_fini(&gw.nodes);
	store_close(gw.store);
	if (gw.first != gw.cfg)
		cfg_free(gw.first);
	cfg_free(gw.cfg);
	uv_loop_close(&gw.loop);
	return (int)err_exit(e);
}
