/* What thingregistryd does with its store besides serving it: all of it out and
 * in, a copy, figures. */
#ifndef REGISTRY_SERVICE_H
#define REGISTRY_SERVICE_H

#include "common/err.h"

#include <stdbool.h>
#include <uv.h>

/* file NULL is standard input or output.  A file that is written is readable by
 * its user alone, and appears when it is complete.  Each says on stderr what
 * went wrong, and returns what the program ends with. */
enum exit_code service_export(
    const char *store, const char *file, bool show_secrets);
enum exit_code service_import(const char *store, const char *file);
enum exit_code service_backup(const char *store, const char *file);
enum exit_code service_stats(const char *store, bool json);

/* Figures in the log, counted by a thread of their own: when it starts, and
 * once a day. */
struct service_figures {
	uv_timer_t timer;
	uv_work_t work;
	const char *store; /* borrowed */
	bool counting;
};
void service_figures_start(
    struct service_figures *f, uv_loop_t *loop, const char *store);
void service_figures_stop(struct service_figures *f);

#endif
