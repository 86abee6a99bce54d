#include "cli/bridge.h"

#include "cli/daemon.h"
#include "cli/say.h"
#include "common/mem.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum out_mode
bridge_mode(const struct call *c)
{
	if (c->global[BRIDGE_JSON])
		return OUT_JSON;
	return c->global[BRIDGE_PLAIN] ? OUT_PLAIN : OUT_TABLE;
}

const char *
bridge_conf(const struct call *c)
{
	const char *named = c->global[BRIDGE_CONFIG];

	return named ? named : BRIDGE_CONF;
}

/* The configuration may be half edited while the daemon runs on with the old
 * one: only a file that was named must be right.  NULL: said why. */
static char *
socket_path(const struct call *c)
{
	bool named = c->global[BRIDGE_CONFIG] != NULL;
	struct buf notes = { 0 };
	struct cfg *cfg = NULL;
	char *path = NULL;

	if (c->global[BRIDGE_SOCKET])
		return mem_strdup(c->global[BRIDGE_SOCKET]);
	if (!named && access(BRIDGE_CONF, R_OK) != 0)
		return mem_strdup(BRIDGE_SOCK);
	if (cfg_load(bridge_conf(c), false, &cfg, &notes) == OK)
		path = mem_strdup(cfg->gateway.control);
	else if (named)
		say("%s has errors (thingbridge check %s), so where is the "
		    "daemon's socket?  Give it with -s",
		    bridge_conf(c), bridge_conf(c));
	else
		path = mem_strdup(BRIDGE_SOCK);
	cfg_free(cfg);
	buf_fini(&notes);
	return path;
}

int
bridge_ask(const struct call *c, json_t *request, json_t **data)
{
	char *path = socket_path(c);
	int code;

	*data = NULL;
	if (!path) {
		json_decref(request);
		return EXIT_CONFIG;
	}
	code = daemon_ask(path, request, data);
	free(path);
	return code;
}

int
bridge_watch(
    const struct call *c, bool again, int (*show)(const struct call *c))
{
	static const struct timespec pause = { .tv_sec = 2 };
	bool clear =
	    again && isatty(STDOUT_FILENO) && bridge_mode(c) == OUT_TABLE;

	for (;;) {
		int code;

		if (clear)
			fputs("\033[H\033[2J", stdout);
		code = show(c);
		if (!again || code != EXIT_OK)
			return code;
		if (fflush(stdout) != 0)
			return EXIT_FAILED; /* the reader has gone */
		nanosleep(&pause, NULL);
	}
}

bool
bridge_confirm(const struct call *c, const char *what, const char *word)
{
	char line[256];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		verb_usage(c, "%s  Give --yes to do it", what);
		return false;
	}
	fprintf(stderr, "%s\nType \"%s\" to go on: ", what, word);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, word) == 0)
		return true;
	say("nothing was changed");
	return false;
}
