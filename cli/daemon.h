/* The daemon's control socket, from the client's side (gateway/control.h). */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	DAEMON_LINE_MAX = 16 << 20, /* bytes of an answer */
	DAEMON_WAIT_MS = 30000,
	DAEMON_STOP_MS = 10000, /* for the last line after a stop */
	DAEMON_FOREVER = -1,
};

/* One request and its answers. */
struct daemon_call {
	const char *path;   /* of the control socket */
	const char *conf;   /* what a daemon there would be started with */
	int64_t silence_ms; /* that is an end; 0: DAEMON_WAIT_MS */
	/* NULL, or takes each line that is not the last; false ends the
	 * command.  So does a first SIGINT or SIGTERM; a second one kills. */
	bool (*more)(void *arg, const json_t *data);
	void *arg;
	bool stopped;    /* set: it was ended before its end */
	bool unanswered; /* set: it was sent, and no answer came */
	char *error;     /* set: a sentence, owned; NULL when EXIT_OK */
};

/* daemon_ask sends request and waits for the last line of the answer.
 * Owns:    takes request; *data is owned, NULL unless EXIT_OK.
 * Errors:  returns an exit code: EXIT_NODAEMON, EXIT_REFUSED no permission,
 *          EXIT_TIMEOUT, EXIT_FAILED an answer that is none, or the code of
 *          the daemon.
 * Thread:  main, since it borrows the signals' handlers. */
int daemon_ask(struct daemon_call *call, json_t *request, json_t **data);

#endif
