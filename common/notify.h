/* The service manager's notification socket (sd_notify without its library). */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

#include <stdint.h>

/* notify_send passes a state such as "READY=1" or "STATUS=10 nodes" to
 * $NOTIFY_SOCKET; without one nothing happens.  Thread: any. */
void notify_send(const char *state);

/* notify_watchdog_ms is half of $WATCHDOG_USEC: how often to send WATCHDOG=1;
 * 0 when nobody watches. */
int64_t notify_watchdog_ms(void);

#endif
