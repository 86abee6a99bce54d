/* The daemon's control socket, from the client's side (gateway/control.h). */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include <jansson.h>

enum {
	DAEMON_ANSWER_MAX = 16 << 20, /* bytes */
	DAEMON_WAIT_MS = 30000,
};

/* daemon_ask sends one request to the daemon at path and waits for its answer.
 * Owns:    takes request; *data is owned, NULL unless EXIT_OK.
 * Errors:  returns an exit code; what went wrong was said: EXIT_NODAEMON,
 *          EXIT_REFUSED no permission, EXIT_TIMEOUT, EXIT_FAILED an answer
 *          that is none, or the code of the daemon. */
int daemon_ask(const char *path, json_t *request, json_t **data);

#endif
