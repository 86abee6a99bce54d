#include "cli/online.h"

#include "cli/say.h"
#include "common/key.h"
#include "common/log.h"
#include "common/mem.h"
#include "config/value.h"
#include "protocol/jid.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

struct online {
	uv_loop_t loop;
	uv_timer_t timer; /* for the login; then for the end */
	uv_signal_t interrupt;
	struct session *session;
	const struct cfg_account *account;
	int64_t timeout_ms;
	void (*ready)(struct online *o, void *arg);
	void *arg;
	const struct online_watch *watch;
	void *watcher;
	uv_timer_t ticks;
	bool ended;
	int code;
};

enum { TICK_MS = 500 };

struct session *
online_session(struct online *o)
{
	return o->session;
}

static void
on_stopped(void *arg)
{
	struct online *o = arg;

	o->session = NULL;
	uv_close((uv_handle_t *)&o->timer, NULL);
	uv_close((uv_handle_t *)&o->interrupt, NULL);
	uv_close((uv_handle_t *)&o->ticks, NULL);
}

static void
on_end(uv_timer_t *t)
{
	struct online *o = t->data;

	session_stop(o->session, on_stopped, o);
}

void
online_end(struct online *o, int code)
{
	if (o->ended)
		return;
	o->ended = true;
	o->code = code;
	uv_timer_stop(&o->ticks);
	/* The session must not end inside one of its own callbacks. */
	uv_timer_start(&o->timer, on_end, 0, 0);
}

static void
on_online(void *arg, const char *full_jid)
{
	struct online *o = arg;

	(void)full_jid;
	if (o->ended)
		return;
	uv_timer_stop(&o->timer);
	o->ready(o, o->arg);
}

static void
on_presence(void *arg, xmpp_stanza_t *stanza)
{
	struct online *o = arg;

	if (!o->ended && o->watch && o->watch->presence)
		o->watch->presence(o->watcher, stanza);
}

static void
on_message(void *arg, xmpp_stanza_t *stanza)
{
	struct online *o = arg;

	if (!o->ended && o->watch && o->watch->message)
		o->watch->message(o->watcher, stanza);
}

static void
on_tick(uv_timer_t *t)
{
	struct online *o = t->data;

	if (!o->ended && o->watch->tick)
		o->watch->tick(o->watcher, clock_mono(&clock_system));
}

void
online_watch(struct online *o, const struct online_watch *watch, void *arg)
{
	o->watch = watch;
	o->watcher = arg;
	uv_timer_start(&o->ticks, on_tick, TICK_MS, TICK_MS);
}

static void
on_offline(void *arg, enum session_fault fault, const char *text)
{
	struct online *o = arg;

	if (o->ended)
		return;
	online_end(o,
	    say_exit(fault == SESSION_NO_AUTH ? EXIT_REFUSED : EXIT_OFFLINE,
		"%s", text));
}

static void
on_late(uv_timer_t *t)
{
	struct online *o = t->data;

	online_end(o,
	    say_exit(EXIT_OFFLINE,
		"no connection to the server of %s within %d s; nothing was "
		"sent",
		o->account->jid, (int)(o->timeout_ms / 1000)));
}

static void
on_interrupt(uv_signal_t *s, int number)
{
	struct online *o = s->data;

	(void)number;
	online_end(o,
	    say_exit(EXIT_FAILED,
		"interrupted; whether a request was carried out is not known"));
}

/* Two runs of the tool must not throw each other out: a resource of its own,
 * unless the account names one. */
static char *
full_jid(const char *jid)
{
	struct jid j;

	if (jid_parse(jid, &j) != OK || *j.resource)
		return mem_strdup(jid);
	return mem_printf(
	    "%s/thingowner-%04x", jid, (unsigned)random_below(0x10000));
}

static enum err
make_session(struct online *o, struct errbuf *eb)
{
	const struct cfg_account *a = o->account;
	struct session_events ev = {
		.online = on_online,
		.offline = on_offline,
		.presence = on_presence,
		.message = on_message,
		.arg = o,
	};
	char host[VALUE_HOST] = "";
	char *jid = full_jid(a->jid);
	int port = 0;
	struct session_config cfg = {
		.kind = SESSION_CLIENT,
		.jid = jid,
		.password = a->password,
		.host = host,
		.tls = a->tls == CFG_TLS_OPTIONAL ? SESSION_TLS_OPTIONAL
						  : SESSION_TLS_REQUIRED,
		.ca_file = a->ca_file,
		.once = true,
	};
	enum err e = OK;

	if (a->host && *a->host)
		e = value_hostport(a->host, 0, host, &port);
	cfg.port = (uint16_t)port;
	if (e == OK)
		e = session_new(
		    &o->loop, &clock_system, &cfg, &ev, &o->session, eb);
	else
		errbuf_set(eb, e, "host: \"%s\" is not host[:port]", a->host);
	free(jid);
	return e;
}

int
online_run(const struct cfg_account *account, int64_t timeout_ms,
    void (*ready)(struct online *o, void *arg), void *arg)
{
	struct online o = {
		.account = account,
		.timeout_ms = timeout_ms,
		.ready = ready,
		.arg = arg,
		.code = EXIT_FAILED,
	};
	struct errbuf eb = { "" };

	log_open(LOG_LVL_ERROR);
	uv_loop_init(&o.loop);
	if (make_session(&o, &eb) != OK) {
		uv_loop_close(&o.loop);
		return say_exit(EXIT_CONFIG, "%s", eb.text);
	}
	uv_timer_init(&o.loop, &o.timer);
	uv_signal_init(&o.loop, &o.interrupt);
	uv_timer_init(&o.loop, &o.ticks);
	o.timer.data = o.interrupt.data = o.ticks.data = &o;
	uv_signal_start(&o.interrupt, on_interrupt, SIGINT);
	uv_timer_start(&o.timer, on_late, (uint64_t)timeout_ms, 0);
	session_start(o.session);
	uv_run(&o.loop, UV_RUN_DEFAULT);
	uv_loop_close(&o.loop);
	return o.code;
}
