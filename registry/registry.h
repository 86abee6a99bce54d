/* The registry as a whole: its rooms, its session, its loop handles.
 *
 * Thread: loop. */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "config/config.h"

#include <uv.h>

struct registry;

/* registry_new opens the store and makes everything ready.
 * Owns: *out is owned; config is borrowed for the call.
 * Errors: ERR_IO the store, ERR_CONFIG; eb says what. */
enum err registry_new(uv_loop_t *loop, const struct cfg_component *config,
    struct registry **out, struct errbuf *eb) MUST_USE;

void registry_start(struct registry *r);

/* registry_stop ends the session, stores what there is and closes all handles;
 * *rp is NULL once r is freed, in the loop's next iterations. */
void registry_stop(struct registry **rp);

#endif
