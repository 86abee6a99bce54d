/* The daemon is the test of account, server and registry: it is started, and
 * says what is wrong. */
#include "cli/say.h"
#include "cli/setup.h"
#include "cli/spawn.h"
#include "common/clock.h"
#include "common/mem.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	STEP_MS = 250,
	/* How long trouble may go by: it has a reason; it is being looked. */
	REASON_MS = 2000,
	LOOKING_MS = 6000,
	SETTLE_MS = 1500,
	SILENT_MS = 120000, /* then nobody starts it */
};

#define UNIT "thingbridged"

/* Returns the daemon's status, or NULL; what keeps it from answering is told by
 * whoever waits. */
static json_t *
status(struct setup *s)
{
	struct daemon_call dc = { .silence_ms = 0 };
	json_t *d;

	(void)bridge_talk(s->c, &dc, json_pack("{s:s}", "cmd", "status"), &d);
	free(dc.error);
	return d;
}

static bool
is_restarted(const struct setup *s, const json_t *d)
{
	return !s->restart && !*out_string(d, "restart");
}

/* What to tell the person, or NULL: all is well. */
static const char *
trouble(const json_t *d)
{
	const json_t *all = json_object_get(d, "warnings"), *w;
	const char *text = out_string(json_array_get(all, 0), "text");
	size_t i;

	if (strcmp(out_string(d, "xmpp"), "online") != 0)
		return *text ? text : out_string(d, "xmpp");
	json_array_foreach(all, i, w)
	{
		if (strcmp(out_string(w, "command"), "thingbridge registry") ==
		    0)
			return out_string(w, "text");
	}
	return NULL;
}

char *
setup_online(struct setup *s)
{
	json_t *d = status(s);
	char *text = NULL;

	if (d && is_restarted(s, d) && !trouble(d))
		text = mem_printf("online as %s, registry %s",
		    out_string(d, "jid"), out_string(d, "registry.jid"));
	json_decref(d);
	return text;
}

/* The service of the package reads the usual file. */
static bool
has_service(const struct setup *s)
{
	return strcmp(s->conf, BRIDGE_CONF) == 0 &&
	    access("/run/systemd/system", F_OK) == 0 &&
	    (access("/lib/systemd/system/" UNIT ".service", F_OK) == 0 ||
		access("/etc/systemd/system/" UNIT ".service", F_OK) == 0);
}

/* Starts it, or starts it anew: what is read at the start only has changed. */
static int
start(struct setup *s, bool runs)
{
	static const char *const argv[] = { "systemctl", "restart", UNIT,
		NULL };
	int code = EXIT_OK;

	if (has_service(s)) {
		say("starting it: systemctl restart " UNIT);
		code = spawn_run(argv);
		if (code != EXIT_OK)
			say("it does not start; its log tells why: journalctl "
			    "-u " UNIT);
	} else {
		say("%s, in another terminal or by your init: thingbridged -c "
		    "%s\n"
		    "waiting for that (Ctrl-C leaves) ...",
		    runs ? "stop thingbridged and start it again"
			 : "start thingbridged",
		    s->conf);
	}
	return code;
}

/* Whether the one that answers has begun after `since`: by its process, since
 * nobody else starts another. */
static bool
is_new(const struct setup *s, const json_t *d, const char *since)
{
	return !s->restart || strcmp(out_string(d, "started"), since) != 0;
}

static bool
fits_change(const char *text, struct errbuf *eb)
{
	if (value_word(
		text, "account|password|host|ca_file|registry|wait|go") >= 0)
		return true;
	errbuf_set(eb, ERR_RANGE,
	    "one of account, password, host, ca_file, registry, wait and go");
	return false;
}

/* What is to be done about it; *go: nothing, go on as it is. */
static int
ask_change(struct setup *s, const json_t *d, bool *go)
{
	static const struct question q = { "change",
		"What is to be changed?  account, password, host, ca_file, "
		"registry",
		"wait: nothing, look again.  go: go on without.", false,
		fits_change };
	char *what;
	int code = EXIT_OK;

	say("%s", trouble(d));
	what = ask(&s->asker, &q, "wait");
	*go = what && strcmp(what, "go") == 0;
	if (!what)
		code = setup_left();
	else if (s->asker.from_file && !*go)
		code = say_exit(EXIT_OFFLINE, "the answers do not lead online");
	else if (!*go && strcmp(what, "wait") != 0)
		code = setup_change(s, what);
	free(what);
	return code;
}

static int64_t
now(void)
{
	return clock_mono(&clock_system);
}

/* How long the state must last to be believed.  The registry is asked only
 * after the login, and without nodes it may have no reason to answer. */
static int64_t
patience(const json_t *d)
{
	if (!trouble(d))
		return json_is_true(out_member(d, "registry.online"))
		    ? 0
		    : SETTLE_MS;
	return strcmp(out_string(d, "xmpp"), "offline") == 0 ? REASON_MS
							     : LOOKING_MS;
}

/* wait_well waits until all is well, or trouble lasts: *d is the last status,
 * owned, NULL when nobody has answered. */
static void
wait_well(struct setup *s, const char *since, json_t **d)
{
	static const struct timespec pause = { .tv_nsec =
						   (long)STEP_MS * 1000000 };
	int64_t began = now(), changed = began;
	bool was_well = false;

	for (*d = NULL;;) {
		bool well;

		json_decref(*d);
		*d = status(s);
		if (*d && !is_new(s, *d, since)) {
			json_decref(*d);
			*d = NULL;
		}
		well = *d && !trouble(*d);
		if (!*d || well != was_well)
			changed = now();
		was_well = well;
		if (*d && now() - changed >= patience(*d))
			return;
		if (!*d && now() - began > SILENT_MS)
			return;
		nanosleep(&pause, NULL);
	}
}

int
setup_bring_online(struct setup *s)
{
	bool go = false;
	int code = EXIT_OK;

	while (code == EXIT_OK && !go) {
		json_t *d = status(s);
		char *since = mem_strdup(out_string(d, "started"));

		if (d && *out_string(d, "restart"))
			s->restart = true;
		if (!d || s->restart)
			code = start(s, d != NULL);
		json_decref(d);
		d = NULL;
		if (code == EXIT_OK)
			wait_well(s, since, &d);
		free(since);
		if (d)
			s->restart = false;
		if (d && !trouble(d))
			go = true;
		else if (d)
			code = ask_change(s, d, &go);
		else if (code == EXIT_OK)
			code = say_exit(EXIT_NODAEMON,
			    "thingbridged did not start; its log tells why "
			    "(journalctl -u " UNIT ")");
		json_decref(d);
	}
	return code;
}
