#include "cli/own.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "config/value.h"
#include "xmpp/presence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 30000, TIMEOUT_MAX_MS = 3600000 };

enum out_mode
own_mode(const struct call *c)
{
	if (c->global[OWN_JSON])
		return OUT_JSON;
	return c->global[OWN_PLAIN] ? OUT_PLAIN : OUT_TABLE;
}

char *
own_account_file(const struct call *c)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (c->global[OWN_ACCOUNT])
		return mem_strdup(c->global[OWN_ACCOUNT]);
	if (config && *config == '/')
		return mem_printf("%s/thingowner/account.conf", config);
	return mem_printf(
	    "%s/.config/thingowner/account.conf", home ? home : "");
}

/* "30", "30s", "2min". */
int
own_timeout(const struct call *c, int64_t *ms)
{
	const char *text = c->global[OWN_TIMEOUT];

	*ms = TIMEOUT_MS;
	if (!text)
		return EXIT_OK;
	if (value_int(text, ms) == OK && *ms <= TIMEOUT_MAX_MS / 1000)
		*ms *= 1000;
	else if (value_duration(text, ms) != OK)
		*ms = 0;
	if (*ms >= 1000 && *ms <= TIMEOUT_MAX_MS)
		return EXIT_OK;
	return verb_usage(
	    c, "--timeout is 1 to %d seconds", TIMEOUT_MAX_MS / 1000);
}

int
own_account(const struct call *c, const char *file, struct cfg_account *out)
{
	struct buf notes = { 0 };
	int64_t ms;
	int code = own_timeout(c, &ms);

	if (code != EXIT_OK)
		return code;
	if (access(file, F_OK) != 0 && errno == ENOENT)
		return say_exit(EXIT_CONFIG,
		    "there is no account file %s; \"%s login\" makes one, "
		    "--account FILE names another",
		    file, c->program->name);
	if (cfg_load_account(file, out, &notes) != OK)
		code = EXIT_CONFIG;
	if (notes.data)
		fputs(notes.data, stderr);
	buf_fini(&notes);
	return code;
}

static void
on_reply(void *arg, const struct owner_reply *reply)
{
	struct own_request *rq = arg;
	int code = rq->done(rq, reply);

	if (code != OWN_WAITS)
		own_end(rq, code);
}

void
own_end(struct own_request *rq, int code)
{
	if (rq->befriend)
		presence_send(online_session(rq->online), PRESENCE_SUBSCRIBE,
		    rq->befriend);
	online_end(rq->online, code);
}

static int
not_reached(const struct own_request *rq, const char *why)
{
	if (rq->registry)
		return say_exit(EXIT_OFFLINE,
		    "the registry %s is not reached: %s; nothing was sent",
		    rq->registry, why);
	if (rq->reach.err != ERR_NOTFOUND)
		return say_exit(err_exit(rq->reach.err),
		    "no registry is found: %s; nothing was sent.  Try again, "
		    "or give --registry JID (it stands on the sticker)",
		    why);
	return say_exit(EXIT_USAGE,
	    "which registry?  None is named, and the server of this account "
	    "has none (%s).  Give --registry JID (it stands on the sticker), "
	    "or set registry in the account file",
	    why);
}

static void
on_reached(void *arg, const char *to, const char *why)
{
	struct own_request *rq = arg;

	if (!to) {
		online_end(rq->online, not_reached(rq, why));
		return;
	}
	snprintf(rq->to, sizeof(rq->to), "%s", to);
	if (!rq->registry) {
		rq->registry = rq->to;
		say("registry %s (found by searching the server)", rq->to);
	}
	rq->go(rq);
}

static void
on_presence(void *arg, xmpp_stanza_t *presence)
{
	reach_presence(&((struct own_request *)arg)->reach, presence);
}

static void
on_tick(void *arg, int64_t mono)
{
	struct own_request *rq = arg;

	if (!rq->reach.seek || mono < rq->until) {
		reach_tick(&rq->reach, mono);
		return;
	}
	reach_end(&rq->reach);
	rq->reach.err = ERR_TIMEOUT;
	on_reached(rq, NULL, "no answer in time");
}

void
own_reach(struct own_request *rq, struct online *o, void (*go)(void *rq))
{
	static const struct online_watch watch = { .presence = on_presence,
		.tick = on_tick };

	rq->online = o;
	rq->go = go;
	rq->until = clock_mono(&clock_system) + rq->timeout_ms;
	rq->reach = (struct reach){ .named = rq->registry,
		.feature = DISCOVERY_NS,
		.done = on_reached,
		.arg = rq };
	online_watch(o, &watch, rq);
	reach_begin(&rq->reach, o);
}

static void
send_request(void *arg)
{
	struct own_request *rq = arg;

	if (owner_request(online_session(rq->online), rq->to, rq->msg,
		rq->timeout_ms, on_reply, rq) != OK)
		online_end(rq->online,
		    say_exit(EXIT_OFFLINE,
			"the connection was lost; nothing was sent"));
}

static void
on_ready(struct online *o, void *arg)
{
	own_reach(arg, o, send_request);
}

int
own_ask(struct own_request *rq, const struct cfg_account *account)
{
	int code = own_timeout(rq->call, &rq->timeout_ms);

	if (code != EXIT_OK)
		return code;
	code = online_run(account, rq->timeout_ms, on_ready, rq);
	reach_end(&rq->reach);
	return code;
}

int
own_registry(const struct call *c, const char *known,
    const struct cfg_account *a, char out[JID_SIZE], const char **registry)
{
	const char *named = c->global[OWN_REGISTRY];

	if (!named)
		named = known && *known ? known : a->registry;
	*registry = NULL;
	if (!named || !*named)
		return EXIT_OK;
	if (jid_bare(named, out) != OK)
		return say_exit(
		    EXIT_USAGE, "\"%s\" is not a registry's JID", named);
	*registry = out;
	return EXIT_OK;
}

int
own_failed(const char *verb, const struct own_request *rq,
    const struct owner_reply *reply)
{
	const char *why = reply->text ? reply->text : err_str(reply->err);

	if (reply->err == ERR_TIMEOUT)
		return say_exit(EXIT_TIMEOUT,
		    "outcome unknown: %s has not answered for %d s; the same "
		    "command again does no harm",
		    rq->registry, (int)(rq->timeout_ms / 1000));
	if (reply->err == ERR_OFFLINE && !reply->condition)
		return say_exit(EXIT_OFFLINE, "outcome unknown: %s", why);
	return say_exit(err_exit(reply->err),
	    "not %s: %s%s%s%s (registry %s)%s", verb, why,
	    reply->condition ? " (" : "",
	    reply->condition ? reply->condition : "",
	    reply->condition ? ")" : "", rq->registry,
	    reply->err == ERR_OFFLINE ? ".  Is it running?  Try again later, "
					"or ask whoever runs it"
				      : "");
}
