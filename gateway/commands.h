/* What the installer's tool can ask: one function a command of
 * gateway/control.h.  Thread: loop. */
#ifndef GATEWAY_COMMANDS_H
#define GATEWAY_COMMANDS_H

#include "common/err.h"
#include "gateway/gateway.h"
#include "gateway/job.h"
#include "gateway/listing.h"

#include <jansson.h>
#include <sys/types.h>

/* Who asks. */
struct caller {
	uid_t uid;
	pid_t pid;
};

/* What a command comes to at once: an answer, or a job that will give it, or
 * an answer that is made as it is taken. */
struct outcome {
	json_t *data;
	struct job *job;
	struct listing *listing;
};

/* command_run carries out one request object; a job speaks to `to`.
 * Owns: out's one member is owned, set on OK.
 * Errors: any; eb holds the sentence for people. */
enum err command_run(struct gateway *gw, const struct caller *who,
    const json_t *request, const struct listener *to, struct outcome *out,
    struct errbuf *eb) MUST_USE;

#endif
