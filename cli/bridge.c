#include "cli/bridge.h"

#include "cli/control_path.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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

/* Only a file that was named must be there. */
static char *
socket_path(const struct call *c, char **error)
{
	struct errbuf eb = { "" };
	char *path;

	if (c->global[BRIDGE_SOCKET])
		return mem_strdup(c->global[BRIDGE_SOCKET]);
	if (control_path(bridge_conf(c), &path, &eb) == OK)
		return path;
	if (!c->global[BRIDGE_CONFIG])
		return mem_strdup(CONTROL_PATH_DEFAULT);
	*error = mem_printf("%s, so where is the daemon's socket?  Give it "
			    "with -s",
	    eb.text);
	return NULL;
}

/* A typing error may hide where the daemon really is. */
static void
hint_usual(const struct call *c, struct daemon_call *dc)
{
	char *said = dc->error;

	if (c->global[BRIDGE_SOCKET] || dc->unanswered ||
	    strcmp(dc->path, CONTROL_PATH_DEFAULT) != 0 ||
	    access(dc->conf, R_OK) != 0)
		return;
	dc->error = mem_printf("%s.  %s, as it stands now, names no other "
			       "socket; -s SOCKET does",
	    said, dc->conf);
	free(said);
}

int
bridge_talk(const struct call *c, struct daemon_call *dc, json_t *request,
    json_t **data)
{
	char *path = socket_path(c, &dc->error);
	int code;

	*data = NULL;
	if (!path) {
		json_decref(request);
		return EXIT_CONFIG;
	}
	dc->path = path;
	dc->conf = bridge_conf(c);
	code = daemon_ask(dc, request, data);
	if (code == EXIT_NODAEMON)
		hint_usual(c, dc);
	dc->path = NULL;
	free(path);
	return code;
}

int
bridge_tell(const struct call *c, struct daemon_call *dc, json_t *request,
    json_t **data)
{
	int code = bridge_talk(c, dc, request, data);

	if (dc->error)
		say("%s", dc->error);
	free(dc->error);
	dc->error = NULL;
	return code;
}

int
bridge_ask(const struct call *c, json_t *request, json_t **data)
{
	struct daemon_call dc = { .silence_ms = 0 };

	return bridge_tell(c, &dc, request, data);
}

int
bridge_watch(const struct call *c, bool again,
    int (*show)(const struct call *c, void *arg), void *arg)
{
	static const struct timespec pause = { .tv_sec = 2 };
	bool clear =
	    again && isatty(STDOUT_FILENO) && bridge_mode(c) == OUT_TABLE;

	/* A screen goes out whole, so that it does not flicker. */
	if (clear)
		setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	for (;;) {
		int code;

		if (clear)
			fputs("\033[H\033[2J", stdout);
		code = show(c, arg);
		if (!again || code != EXIT_OK)
			return code;
		if (fflush(stdout) != 0)
			return EXIT_FAILED; /* the reader has gone */
		nanosleep(&pause, NULL);
	}
}

/* asked reads the answer to a question; false: there is no terminal. */
static bool
asked(const struct call *c, const char *what, const char *question, char *line,
    int size)
{
	*line = '\0';
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		verb_usage(c, "%s  Give --yes to do it", what);
		return false;
	}
	fprintf(stderr, "%s%s", what, question);
	if (!stop_wait(STDIN_FILENO) || !fgets(line, size, stdin))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

bool
bridge_confirm(const struct call *c, const char *what, const char *word)
{
	char *question = mem_printf("\nType \"%s\" to go on: ", word);
	char line[256];
	bool on_terminal = asked(c, what, question, line, sizeof(line));

	free(question);
	if (on_terminal && strcmp(line, word) == 0)
		return true;
	if (on_terminal)
		say("nothing was changed");
	return false;
}

bool
bridge_yes(const struct call *c, const char *what, const char *do_it)
{
	char *question = mem_printf("   %s? [y/N] ", do_it);
	char line[16];
	bool on_terminal = asked(c, what, question, line, sizeof(line));

	free(question);
	if (on_terminal &&
	    (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0))
		return true;
	if (on_terminal)
		say("nothing was changed");
	return false;
}
