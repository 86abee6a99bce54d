/* The daemon: what its parts share, and the turns of its loop.
 * Thread: loop. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "common/clock.h"
#include "config/config.h"
#include "gateway/node.h"
#include "xmpp/session.h"

#include <uv.h>

struct control;
struct friends;
struct plant;
struct registrar;
struct store;

struct gateway {
	uv_loop_t loop;
	const struct clock *clock;
	struct cfg *cfg;
	int64_t cfg_utc; /* when it was read */
	struct nodes nodes;
	struct store *store;
	struct session *session;
	struct registrar *registrar;
	struct friends *friends;
	struct plant *plant;
	struct control *control;
	char offline_why[256]; /* "" when online */
	uv_prepare_t turn;
	uv_timer_t tick, watchdog;
	uv_signal_t term, intr, hup;
	bool stopping;
};

/* gateway_run takes cfg and runs until SIGTERM or SIGINT.
 * Returns the exit code of the program; what could not be started is logged. */
int gateway_run(struct cfg *cfg, const struct clock *clock);

/* gateway_reload reads the configuration again: all of it or, on any error,
 * nothing.  notes receives a line each.  Errors: ERR_CONFIG, ERR_IO. */
struct reload_counts {
	size_t added, changed, removed;
};
enum err gateway_reload(
    struct gateway *gw, struct buf *notes, struct reload_counts *out) MUST_USE;

#endif
