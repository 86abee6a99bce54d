#include "xmpp/session.h"

#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"
#include "xmpp/backoff.h"
#include "xmpp/find.h"
#include "xmpp/iq_table.h"
#include "xmpp/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
	PORT_CLIENT = 5222,
	PORT_COMPONENT = 5347,
	PING_MS = 20000,
	PING_MIN_MS = 1000,
	/* Two programs with one address would throw each other out for ever. */
	REPLACED_WAIT_MS = 60000,
	QUEUE_MAX = 20000, /* stanzas that the server does not take */
	SERVER_TEXT = SRV_NAME + 16,
};

/* A server that was asked for an account and answered: it is asked once. */
struct asked {
	char server[SERVER_TEXT];
};

struct session {
	uv_loop_t *loop;
	const struct clock *clock;
	struct session_events ev;
	enum session_kind kind;
	enum session_tls tls;
	char *password, *host, *leases;
	uint16_t port;
	unsigned ways; /* of finding a server */
	int64_t ping_ms;
	bool once;
	bool create; /* the account, when the login is refused */
	struct jid jid;
	char *full; /* while online */
	char server[SERVER_TEXT];

	struct link *link;
	struct iq_table *iq;
	uv_timer_t wait, ping;
	struct find *find;
	unsigned ways_left; /* in this attempt, should nothing of these serve */
	enum find_way way;  /* how these were found */
	struct find_server place[RESOLVE_ADDRESSES];
	size_t n_places, next_place;
	struct asked asked[RESOLVE_ADDRESSES];
	size_t n_asked;
	bool asking; /* for the account, now */
	struct backoff backoff;
	int64_t online_at;
	uint64_t received; /* stanzas: any is a sign of life */
	uint64_t received_before_ping;
	bool online, stopping, reported;
	enum session_fault fault; /* of this attempt, when reported is set */
	struct errbuf text;

	void (*stopped)(void *arg);
	void *stopped_arg;
	int open_handles;
};

static void begin_attempt(struct session *s);
static void find(struct session *s, unsigned ways);
static void teardown(struct session *s);

/* ---------------------------------------------------------- an attempt ends */

static void
on_wait(uv_timer_t *t)
{
	struct session *s = t->data;

	if (s->stopping)
		teardown(s);
	else
		begin_attempt(s);
}

static void
retry_later(struct session *s, enum session_fault fault)
{
	int64_t ms = backoff_next(&s->backoff, random_below(BACKOFF_RANDOM));

	if (fault == SESSION_REPLACED)
		ms += REPLACED_WAIT_MS;
	uv_update_time(s->loop);
	uv_timer_start(&s->wait, on_wait, (uint64_t)ms, 0);
}

static void
report(struct session *s, enum session_fault fault, const char *text)
{
	if (!s->once)
		retry_later(s, fault);
	if (s->ev.offline)
		s->ev.offline(s->ev.arg, fault, text);
}

/* Of several addresses the one that got furthest tells most. */
static void
note_fault(
    struct session *s, enum session_fault fault, const struct errbuf *text)
{
	if (s->reported && fault == SESSION_NO_CONNECT)
		return;
	s->reported = true;
	s->fault = fault;
	s->text = *text;
}

static void
explain(const struct session *s, const struct link_end *end,
    enum session_fault *fault, struct errbuf *text)
{
	const struct fault_place at = { .kind = s->kind,
		.server = s->server,
		.name = s->jid.bare,
		.domain = s->jid.domain };

	*fault = fault_explain(end, &at, text);
}

/* Another address of the same server will not know another password, another
 * server may. */
static void
skip_server(struct session *s)
{
	unsigned number = s->place[s->next_place - 1].number;

	while (s->next_place < s->n_places &&
	    s->place[s->next_place].number == number)
		s->next_place++;
}

static void
next_place(struct session *s)
{
	while (s->next_place < s->n_places) {
		const struct address *a = &s->place[s->next_place++].address;
		const struct link_end end = { .stage = LINK_CONNECTING,
			.sys_error = ENETUNREACH };
		enum session_fault fault;
		struct errbuf text;

		snprintf(s->server, sizeof(s->server),
		    strchr(a->text, ':') ? "[%s]:%u" : "%s:%u", a->text,
		    a->port);
		if (link_open(s->link, a->text, a->port) == OK)
			return;
		explain(s, &end, &fault, &text);
		note_fault(s, fault, &text);
	}
	if (s->ways_left && s->fault == SESSION_NO_CONNECT)
		find(s, s->ways_left);
	else
		report(s, s->fault, s->text.text);
}

static void
lose(struct session *s)
{
	s->online = false;
	uv_timer_stop(&s->ping);
	mem_set(&s->full, NULL);
	iq_table_lost(s->iq);
}

/* Whether this server was asked already; notes that it now is. */
static bool
was_asked(struct session *s)
{
	for (size_t i = 0; i < s->n_asked; i++)
		if (strcmp(s->asked[i].server, s->server) == 0)
			return true;
	if (s->n_asked == RESOLVE_ADDRESSES)
		return true;
	memcpy(s->asked[s->n_asked++].server, s->server, sizeof(s->server));
	return false;
}

/* The account is asked for, when the login was refused, at the address that
 * refused it, until it has answered; true: an attempt goes on there. */
static bool
go_on_here(struct session *s, const struct link_end *end)
{
	const struct address *a = &s->place[s->next_place - 1].address;

	if (s->asking && end->account == ACCOUNT_NONE)
		s->n_asked--;
	s->asking = false;
	if (end->account == ACCOUNT_CREATED) {
		log_info("xmpp", "account created jid=%s", s->jid.bare);
		s->create = false;
		return link_open(s->link, a->text, a->port) == OK;
	}
	if (!end->auth_failed || !s->create || was_asked(s))
		return false;
	s->asking = link_register(s->link, a->text, a->port) == OK;
	return s->asking;
}

static void
on_down(void *arg, const struct link_end *end)
{
	struct session *s = arg;
	bool was_online = end->stage == LINK_ONLINE;
	enum session_fault fault;
	struct errbuf text;

	if (was_online) {
		backoff_was_online(
		    &s->backoff, clock_mono(s->clock) - s->online_at);
		if (s->kind == SESSION_COMPONENT) /* it is the only one */
			s->backoff.spread = false;
		lose(s);
	}
	if (s->stopping) {
		teardown(s);
		return;
	}
	if (!was_online && go_on_here(s, end))
		return;
	explain(s, end, &fault, &text);
	if (was_online) {
		report(s, fault, text.text);
		return;
	}
	note_fault(s, fault, &text);
	if (fault == SESSION_NO_AUTH)
		skip_server(s);
	else if (fault == SESSION_REPLACED)
		s->next_place = s->n_places;
	next_place(s);
}

/* ----------------------------------------------------------- life of a link */

static void
on_pong(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct session *s = arg;

	(void)stanza;
	if (outcome == IQ_TIMEOUT && s->received == s->received_before_ping) {
		link_cut(s->link, true);
		return;
	}
	/* An error is an answer too. */
	if (outcome != IQ_LOST)
		uv_timer_again(&s->ping);
}

/* A component has no server of its own to ask: its ping to its own domain goes
 * to the server and back. */
static void
on_ping(uv_timer_t *t)
{
	struct session *s = t->data;
	xmpp_stanza_t *ping = stanza_el(session_ctx(s), "ping", NS_PING);
	int64_t wait = s->ping_ms < PING_MS ? s->ping_ms : PING_MS;
	bool heard = s->received != s->received_before_ping;

	uv_timer_stop(t);
	s->received_before_ping = s->received;
	if (iq_request(s, "get", s->jid.domain, ping, wait, on_pong, s) == OK)
		return;
	/* So much waits that no ping goes out: has anything come meanwhile? */
	if (heard)
		uv_timer_again(t);
	else
		link_cut(s->link, true);
}

static void
on_up(void *arg, const char *full_jid)
{
	struct session *s = arg;

	s->online = !s->stopping;
	if (s->stopping)
		return;
	s->online_at = clock_mono(s->clock);
	mem_set(&s->full, full_jid);
	uv_update_time(s->loop);
	uv_timer_start(
	    &s->ping, on_ping, (uint64_t)s->ping_ms, (uint64_t)s->ping_ms);
	if (s->ev.online)
		s->ev.online(s->ev.arg, s->full);
}

static void
on_message(struct session *s, xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);
	bool error = type && strcmp(type, "error") == 0;

	if (error && s->ev.bounced)
		s->ev.bounced(s->ev.arg, stanza);
	else if (!error && s->ev.message)
		s->ev.message(s->ev.arg, stanza);
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct session *s = arg;
	const char *name = xmpp_stanza_get_name(stanza);

	s->received++;
	if (!s->online)
		return;
	if (strcmp(name, "iq") == 0)
		iq_table_take(s->iq, stanza);
	else if (strcmp(name, "presence") == 0 && s->ev.presence)
		s->ev.presence(s->ev.arg, stanza);
	else if (strcmp(name, "message") == 0)
		on_message(s, stanza);
}

/* --------------------------------------------------------- finding a server */

/* Optional TLS may send the password in the clear, so it stays on this
 * machine. */
static void
keep_allowed(struct session *s, const struct find_result *found)
{
	const struct find_server *v = found->v;
	bool local_only =
	    s->kind == SESSION_CLIENT && s->tls == SESSION_TLS_OPTIONAL;

	s->n_places = s->next_place = 0;
	for (size_t i = 0; i < found->n; i++)
		if (v[i].address.loopback || !local_only)
			s->place[s->n_places++] = v[i];
	if (s->kind == SESSION_COMPONENT && found->n > 0 &&
	    !v[0].address.loopback)
		log_warn("xmpp",
		    "component connections are not encrypted; use one only "
		    "inside a trusted network address=%s",
		    v[0].address.text);
	if (s->n_places > 0)
		return;
	s->reported = true;
	s->fault = SESSION_NO_TLS;
	errbuf_set(&s->text, ERR_CONFIG,
	    "tls = optional is allowed for a server on this machine "
	    "only, and %s is not one: set tls = required",
	    v[0].address.text);
}

static void
on_found(void *arg, const struct find_result *found)
{
	struct session *s = arg;

	s->find = NULL;
	s->ways_left = found->left;
	if (s->stopping) {
		teardown(s);
		return;
	}
	if (found->e != OK && s->reported) {
		report(s, s->fault, s->text.text);
		return;
	}
	if (found->e != OK) {
		errbuf_set(&s->text, found->e,
		    "%s; is the network up, and the name right?", found->why);
		report(s, SESSION_NO_ADDRESS, s->text.text);
		return;
	}
	s->way = found->way;
	if (found->way == FIND_MDNS || found->way == FIND_DHCP)
		log_info("xmpp", "%zu addresses of a server found by %s",
		    found->n, find_way_name(found->way));
	keep_allowed(s, found);
	next_place(s);
}

static void
find(struct session *s, unsigned ways)
{
	const struct find_config c = { .host = s->host,
		.domain = s->jid.domain,
		.leases = s->leases,
		.port = s->port,
		.ways = ways };

	s->ways_left = 0;
	s->find = find_start(s->loop, &c, on_found, s);
}

static void
begin_attempt(struct session *s)
{
	const char *name = s->host[0] ? s->host : s->jid.domain;

	snprintf(s->server, sizeof(s->server), "%.255s:%u", name, s->port);
	s->reported = false;
	find(s, s->ways);
}

/* --------------------------------------------------------------- life cycle */

static bool
is_foreign_literal(const char *host)
{
	unsigned char in6[16];
	struct in_addr in;

	if (inet_pton(AF_INET, host, &in) == 1)
		return ntohl(in.s_addr) >> 24 != IN_LOOPBACKNET;
	return inet_pton(AF_INET6, host, in6) == 1 && strcmp(host, "::1") != 0;
}

static enum err
check_jid(const struct session_config *c, struct jid *jid, struct errbuf *eb)
{
	if (!c->jid || jid_parse(c->jid, jid) != OK)
		return errbuf_set(eb, ERR_CONFIG,
		    "\"%.200s\" is not a JID; write it as name@server/resource",
		    c->jid ? c->jid : "");
	if (c->kind == SESSION_CLIENT && jid->local[0] == '\0')
		return errbuf_set(eb, ERR_CONFIG,
		    "the JID \"%.200s\" has no user name; write it as "
		    "name@server/resource",
		    c->jid);
	if (c->kind == SESSION_COMPONENT &&
	    (jid->local[0] != '\0' || jid->resource[0] != '\0'))
		return errbuf_set(eb, ERR_CONFIG,
		    "a component has a domain, not the JID \"%.200s\"", c->jid);
	return OK;
}

static enum err
check(const struct session_config *c, struct jid *jid, struct errbuf *eb)
{
	enum err e = check_jid(c, jid, eb);

	if (e != OK)
		return e;
	if (!c->password || c->password[0] == '\0')
		return errbuf_set(
		    eb, ERR_CONFIG, "no password is set for %s", jid->bare);
	if (c->kind == SESSION_CLIENT && c->tls == SESSION_TLS_OPTIONAL &&
	    c->host && is_foreign_literal(c->host))
		return errbuf_set(eb, ERR_CONFIG,
		    "tls = optional is allowed for a server on this machine "
		    "only, and %.200s is not one: set tls = required",
		    c->host);
	if (c->ca_file && c->ca_file[0] && access(c->ca_file, R_OK) != 0) {
		char why[128] = "";

		(void)strerror_r(errno, why, sizeof(why));
		return errbuf_set(eb, ERR_CONFIG,
		    "the certificate file %.200s cannot be read: %s",
		    c->ca_file, why);
	}
	return OK;
}

static void
take_config(struct session *s, const struct session_config *c)
{
	bool component = c->kind == SESSION_COMPONENT;
	const char *fallback = component ? "localhost" : "";

	s->kind = c->kind;
	s->tls = c->tls;
	s->password = mem_strdup(c->password);
	s->host = mem_strdup(c->host && c->host[0] ? c->host : fallback);
	s->leases = mem_strdup(c->leases);
	s->ways = s->host[0] ? FIND_HOST : c->ways ? c->ways : FIND_SRV;
	s->port = component ? PORT_COMPONENT : PORT_CLIENT;
	if (c->port)
		s->port = c->port;
	s->ping_ms = c->ping_ms > 0 ? c->ping_ms : PING_MS;
	if (s->ping_ms < PING_MIN_MS)
		s->ping_ms = PING_MIN_MS;
	s->once = c->once;
	s->create = c->create_account && !component;
}

static void
free_session(struct session *s)
{
	free(s->host);
	free(s->leases);
	free(s->full);
	mem_free_secret(s->password);
	free(s);
}

enum err
session_new(uv_loop_t *loop, const struct clock *clock,
    const struct session_config *config, const struct session_events *events,
    struct session **out, struct errbuf *eb)
{
	struct session *s = mem_zalloc(sizeof(*s));
	const struct link_events le = {
		.up = on_up, .down = on_down, .stanza = on_stanza, .arg = s
	};
	enum err e = check(config, &s->jid, eb);

	if (e == OK) {
		struct link_config lc = { .kind = config->kind,
			.tls = config->tls,
			.jid = s->jid.full,
			.password = config->password,
			.ca_file = config->ca_file };

		e = link_new(loop, &lc, &le, &s->link, eb);
	}
	if (e != OK) {
		free(s);
		return e;
	}
	/* libstrophe writes without MSG_NOSIGNAL. */
	(void)signal(SIGPIPE, SIG_IGN);
	take_config(s, config);
	s->loop = loop;
	s->clock = clock;
	s->ev = *events;
	s->iq = iq_table_new(s, loop, clock);
	uv_timer_init(loop, &s->wait);
	uv_timer_init(loop, &s->ping);
	s->wait.data = s->ping.data = s;
	s->open_handles = 2;
	*out = s;
	return OK;
}

void
session_start(struct session *s)
{
	begin_attempt(s);
}

static void
on_closed(uv_handle_t *h)
{
	struct session *s = h->data;
	void (*stopped)(void *arg) = s->stopped;
	void *arg = s->stopped_arg;

	if (--s->open_handles > 0)
		return;
	free_session(s);
	if (stopped)
		stopped(arg);
}

/* From the loop only, never from within libstrophe. */
static void
teardown(struct session *s)
{
	iq_table_lost(s->iq);
	iq_table_free(s->iq);
	link_free(s->link);
	uv_close((uv_handle_t *)&s->wait, on_closed);
	uv_close((uv_handle_t *)&s->ping, on_closed);
}

void
session_stop(struct session *s, void (*done)(void *arg), void *arg)
{
	bool was_online = s->online;

	if (s->stopping)
		return;
	s->stopping = true;
	s->online = false;
	s->stopped = done;
	s->stopped_arg = arg;
	uv_timer_stop(&s->ping);
	uv_timer_stop(&s->wait);
	if (s->find)
		find_cancel(s->find);
	else if (was_online)
		link_close(s->link);
	else
		uv_timer_start(&s->wait, on_wait, 0, 0);
}

/* ----------------------------------------------------------------- the rest */

bool
session_online(const struct session *s)
{
	return s->online;
}

const char *
session_jid(const struct session *s)
{
	return s->full ? s->full : s->jid.full;
}

const char *
session_bare(const struct session *s)
{
	return s->jid.bare;
}

xmpp_ctx_t *
session_ctx(const struct session *s)
{
	return link_ctx(s->link);
}

bool
session_secured(const struct session *s)
{
	return s->online && link_secured(s->link);
}

const char *
session_server(const struct session *s)
{
	return s->server;
}

const char *
session_way(const struct session *s)
{
	return s->online ? find_way_name(s->way) : "";
}

const struct hints *
session_hints(const struct session *s)
{
	return s->online ? &s->place[s->next_place - 1].hints : NULL;
}

enum err
session_send(struct session *s, xmpp_stanza_t *stanza)
{
	enum err e = OK;

	if (!s->online)
		e = ERR_OFFLINE;
	else if (s->kind == SESSION_COMPONENT && !xmpp_stanza_get_to(stanza))
		e = ERR_UNSUP;
	else if (link_queued(s->link) >= QUEUE_MAX)
		e = ERR_BUSY;
	if (e == OK) {
		if (s->kind == SESSION_COMPONENT &&
		    !xmpp_stanza_get_from(stanza))
			xmpp_stanza_set_from(stanza, s->jid.domain);
		link_send(s->link, stanza);
	}
	xmpp_stanza_release(stanza);
	return e;
}

int
session_queued(const struct session *s)
{
	return link_queued(s->link);
}

struct iq_table *
session_iq(struct session *s)
{
	return s->iq;
}
