/* What the installer's tool can ask: one function a command of
 * gateway/control.h.  Thread: loop. */
#ifndef GATEWAY_COMMANDS_H
#define GATEWAY_COMMANDS_H

#include "common/err.h"
#include "gateway/gateway.h"

#include <jansson.h>
#include <sys/types.h>

/* Who asks. */
struct caller {
	uid_t uid;
	pid_t pid;
};

/* command_run carries out one request object.  *data is owned, set on OK.
 * Errors: any; eb holds the sentence for people. */
enum err command_run(struct gateway *gw, const struct caller *who,
    const json_t *request, json_t **data, struct errbuf *eb) MUST_USE;

#endif
