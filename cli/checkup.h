/* What of a machine would keep a gateway from working: each check adds what it
 * finds to a list of {"check", "result", "text", "command"}; result is "ok",
 * "warning" or "error", command what mends it, or null.
 *
 * root is the folder that the machine's own files are read under, "" for the
 * real one.  Thread: main. */
#ifndef CLI_CHECKUP_H
#define CLI_CHECKUP_H

#include "common/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct cfg;

enum checkup_result { CHECKUP_OK, CHECKUP_WARNING, CHECKUP_ERROR };

/* checkup_add adds a finding; command may be NULL. */
void checkup_add(json_t *list, const char *check, enum checkup_result result,
    const char *command, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* checkup_worst is the worst result in the list. */
enum checkup_result checkup_worst(const json_t *list);

/* The clock: readings carry times.  synchronized: the kernel's word. */
void checkup_clock(
    json_t *list, const char *root, int64_t utc_ms, bool synchronized);

/* ports as the daemon lists them: those that buses use, and who else would. */
void checkup_ports(json_t *list, const json_t *ports);
void checkup_modem(json_t *list, const char *root, const json_t *ports);

/* The daemon's user: it must be in the group of serial ports. */
void checkup_user(json_t *list, const char *root);

/* Room for claims and history in the folder of that file. */
void checkup_disk(json_t *list, const char *state);

/* The address of the server, when the configuration names a host. */
void checkup_name(json_t *list, const struct cfg *cfg);

/* The service starts by itself after a power cut. */
void checkup_service(json_t *list, const char *root);

#endif
