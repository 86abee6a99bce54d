/* The daemon: what its parts share, and the turns of its loop.
 * Thread: loop. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "common/clock.h"
#include "config/config.h"
#include "gateway/candidate.h"
#include "gateway/node.h"
#include "gateway/plant.h"
#include "xmpp/session.h"

#include <uv.h>

struct access;
struct browse;
struct ask_table;
struct control_socket;
struct friends;
struct judge;
struct keeper;
struct provisioner;
struct readout;
struct registrar;
struct steer;
struct store;
struct tell;
struct watches;

struct gateway {
	uv_loop_t loop;
	const struct clock *clock;
	struct cfg *cfg;
	struct cfg *first; /* of the start: what a reload cannot change */
	int64_t started_utc;
	int64_t cfg_utc;       /* when it was read */
	char cfg_refused[256]; /* why the last reload was; "" when it was not */
	int64_t cfg_refused_utc;
	char cfg_restart[256]; /* keys that wait for a restart, or "" */
	struct nodes nodes;
	struct store *store;
	struct session *session;
	struct registrar *registrar;
	struct friends *friends;
	struct provisioner *provisioner;
	struct access *access;
	struct judge *judge;
	struct plant *plant;
	struct keeper *keeper;
	struct readout *readout;
	struct steer *steer;
	struct browse *browse;
	struct tell *tell;
	struct control_socket *control;
	struct ask_table *asks;
	struct watches *watches;
	LIST_HEAD(, scan) scans; /* that run */
	struct candidates candidates;
	char offline_why[256]; /* "" when online */
	enum session_fault offline_fault;
	uv_prepare_t turn;
	uv_timer_t tick, watchdog;
	uv_signal_t term, intr, hup;
	unsigned ticks;
	bool stopping;
	bool copying; /* for a backup */
};

/* gateway_run takes cfg and runs until SIGTERM or SIGINT.
 * Returns the exit code of the program; what could not be started is logged. */
int gateway_run(struct cfg *cfg, const struct clock *clock);

/* gateway_reload reads the configuration again: all of it or, on any error,
 * nothing.  notes receives a line each.  Errors: ERR_CONFIG, ERR_IO. */
struct reload_counts {
	size_t added, changed, removed; /* nodes */
	struct bus_counts buses;
};
enum err gateway_reload(
    struct gateway *gw, struct buf *notes, struct reload_counts *out) MUST_USE;

#endif
