/* What is not well, in sentences, each with the command that leads on.
 * Thread: loop. */
#ifndef GATEWAY_WARNINGS_H
#define GATEWAY_WARNINGS_H

#include <jansson.h>

struct gateway;

/* warnings_json lists {"text", "command"}; command may be "".
 * Owns: returns owned. */
json_t *warnings_json(struct gateway *gw);

#endif
