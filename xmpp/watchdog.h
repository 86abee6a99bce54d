/* A thread that shuts a socket down when a handshake falls silent.
 *
 * libstrophe does the TLS handshake in one blocking call without a limit, so no
 * timer of the loop can end it.  The thread sleeps on a condition and costs no
 * wake-up while no handshake is under way. */
#ifndef XMPP_WATCHDOG_H
#define XMPP_WATCHDOG_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

/* watchdog_new starts the thread.  Owns: returns owned.  Errors: NULL when no
 * thread can be started. */
struct watchdog *watchdog_new(void);
void watchdog_free(struct watchdog *w);

/* watchdog_arm shuts fd down unless it is armed anew or disarmed within ms.
 * fd is borrowed until watchdog_disarm returns.  Thread: loop. */
void watchdog_arm(struct watchdog *w, int fd, int64_t ms);

/* watchdog_disarm returns whether the thread has shut the socket down since it
 * was last disarmed. */
bool watchdog_disarm(struct watchdog *w);

#endif
