/* The log: one line an event on stderr, with the priority prefix that the
 * journal understands ("<4>").  Changes are logged, not repeats.  Never a KEY,
 * never a password. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/err.h"

#include <stdbool.h>

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARNING, LOG_LVL_INFO, LOG_LVL_DEBUG };

/* log_open sets what is shown; may be called again.  Thread: any. */
void log_open(enum log_level level);
bool log_shows(enum log_level level);

/* area names the part that speaks: "xmpp", "bus", "claim" ...  Text after it
 * is for people, with key=value tails.  Text from peers and devices goes
 * through log_safe() first.  Thread: any; lines are never mixed. */
void log_err(const char *area, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *area, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *area, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *area, const char *fmt, ...) PRINTF_LIKE(2, 3);

enum { LOG_SAFE = 128 };

/* log_safe copies a peer's text into out, cut and with control characters
 * shown as "?", and returns out.  text may be NULL.  Thread: any. */
const char *log_safe(char out[LOG_SAFE], const char *text);

#endif
