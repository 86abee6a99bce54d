#define _GNU_SOURCE /* struct timex */
#include "cli/bridge.h"

#include "cli/checkup.h"
#include "cli/say.h"
#include "common/clock.h"
#include "common/mem.h"
#include "config/config.h"
#include "drivers/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

static char *
mark_text(const json_t *row)
{
	const char *result = out_string(row, "result");

	return mem_strdup(strcmp(result, "ok") == 0 ? "ok"
		: strcmp(result, "error") == 0      ? "WRONG"
						    : "look");
}

static const struct column columns[] = {
	{ .title = "", .text = mark_text },
	{ .title = "CHECK", .member = "check" },
	{ .title = "WHAT", .member = "text" },
	{ .title = NULL },
};

static const struct column plain[] = {
	{ .title = "check", .member = "check" },
	{ .title = "result", .member = "result" },
	{ .title = "text", .member = "text" },
	{ .title = "command", .member = "command" },
	{ .title = NULL },
};

/* The configuration; the caller owns what it returns, NULL when it has
 * errors. */
static struct cfg *
check_file(const struct call *c, json_t *list)
{
	const char *path = bridge_conf(c);
	struct buf text = { 0 };
	struct cfg *cfg = NULL;
	bool good = cfg_load(path, geteuid() == 0, &cfg, &text) == OK &&
	    check_config(cfg, &text);
	json_t *notes, *note;
	size_t i;

	if (good)
		cfg_check_ports(cfg, &text);
	notes = bridge_notes(&text);
	json_array_foreach(notes, i, note)
	{
		const char *s = json_string_value(note);
		bool error = strstr(s, ": error: ");

		checkup_add(list, "config",
		    error ? CHECKUP_ERROR : CHECKUP_WARNING,
		    access(path, F_OK) == 0 ? "thingbridge check"
					    : "sudo thingbridge setup",
		    "%s", s);
	}
	if (good && json_array_size(notes) == 0)
		checkup_add(
		    list, "config", CHECKUP_OK, NULL, "%s has no error", path);
	json_decref(notes);
	buf_fini(&text);
	return cfg;
}

/* What the daemon says of itself is what status shows. */
static void
take_warnings(json_t *list, const json_t *status)
{
	bool online = strcmp(out_string(status, "xmpp"), "online") == 0;
	const json_t *w;
	size_t i;

	checkup_add(list, "xmpp", online ? CHECKUP_OK : CHECKUP_ERROR,
	    online ? NULL : "journalctl -u thingbridged -n 30",
	    online ? "online as %s" : "%s is not online",
	    out_string(status, "jid"));
	if (json_is_true(out_member(status, "registry.online")))
		checkup_add(list, "registry", CHECKUP_OK, NULL,
		    "the registry %s answers",
		    out_string(status, "registry.jid"));
	json_array_foreach(json_object_get(status, "warnings"), i, w)
	{
		const char *command = out_string(w, "command");

		checkup_add(list, "status", CHECKUP_WARNING,
		    *command ? command : NULL, "%s", out_string(w, "text"));
	}
}

static void
no_answer(json_t *list, int code, const char *why)
{
	const char *command = code == EXIT_NODAEMON
	    ? "sudo systemctl start thingbridged; journalctl -u "
	      "thingbridged -n 30"
	    : code == EXIT_REFUSED ? "sudo thingbridge doctor"
				   : "journalctl -u thingbridged -n 30";

	checkup_add(list, "daemon", CHECKUP_ERROR, command, "%s",
	    why ? why : "the daemon does not answer");
}

static void
check_daemon(const struct call *c, json_t *list)
{
	struct daemon_call dc = { .silence_ms = 0 };
	json_t *d = NULL;
	int code = bridge_talk(c, &dc, json_pack("{s:s}", "cmd", "status"), &d);

	if (code == EXIT_OK)
		take_warnings(list, d);
	else
		no_answer(list, code, dc.error);
	free(dc.error);
	dc.error = NULL;
	json_decref(d);
	if (code != EXIT_OK)
		return;
	if (bridge_talk(c, &dc, json_pack("{s:s}", "cmd", "ports"), &d) ==
	    EXIT_OK) {
		checkup_ports(list, json_object_get(d, "ports"));
		checkup_modem(list, "", json_object_get(d, "ports"));
	}
	free(dc.error);
	json_decref(d);
}

static void
check_clock(json_t *list)
{
	struct timex t = { .modes = 0 };
	bool synchronized = adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);

	checkup_clock(list, "", clock_utc(&clock_system), synchronized);
}

static void
print(enum out_mode mode, json_t *list)
{
	const json_t *f;
	size_t i;

	if (mode == OUT_JSON) {
		json_t *o =
		    json_pack("{s:i, s:O}", "schema", 1, "checks", list);

		out_json(o);
		json_decref(o);
		return;
	}
	if (mode == OUT_PLAIN) {
		out_rows(mode, plain, list);
		return;
	}
	out_rows(mode, columns, list);
	json_array_foreach(list, i, f)
	{
		const char *command = out_string(f, "command");

		if (*command)
			say("%s: %s", out_string(f, "check"), command);
	}
}

int
bridge_doctor(const struct call *c)
{
	json_t *list = json_array();
	struct cfg *cfg = check_file(c, list);
	enum checkup_result worst;

	check_daemon(c, list);
	checkup_user(list, "");
	checkup_service(list, "");
	check_clock(list);
	if (cfg) {
		checkup_name(list, cfg);
		checkup_disk(list, cfg->gateway.state);
	}
	print(bridge_mode(c), list);
	worst = checkup_worst(list);
	cfg_free(cfg);
	json_decref(list);
	return worst == CHECKUP_OK     ? EXIT_OK
	    : worst == CHECKUP_WARNING ? EXIT_PARTLY
				       : EXIT_FAILED;
}
