/* A bounded queue of pointers between two threads. */
#ifndef COMMON_MAILBOX_H
#define COMMON_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mailbox;

/* mailbox_new makes a box of cap messages.  wake(arg) is called after each push
 * into an empty box, on the pusher's thread; it may be NULL.
 * Owns: returns owned. */
struct mailbox *mailbox_new(size_t cap, void (*wake)(void *), void *arg);

/* mailbox_free frees the box; messages left in it go to drop first. */
void mailbox_free(struct mailbox *mb, void (*drop)(void *));

/* mailbox_push gives msg to the receiver; false when full (msg stays the
 * caller's).  Thread: any. */
bool mailbox_push(struct mailbox *mb, void *msg);

/* mailbox_push_newest gives msg to the receiver.  When full, the oldest message
 * that gives way to it is taken out, counted and returned to the caller, else
 * NULL; when none does, the box grows.  gives_way is called under the lock.
 * Thread: any. */
void *mailbox_push_newest(struct mailbox *mb, void *msg,
    bool (*gives_way)(const void *old, const void *msg));

/* mailbox_pop takes the oldest message, or NULL.  Thread: any. */
void *mailbox_pop(struct mailbox *mb);

/* mailbox_wait is mailbox_pop that waits up to ms for a message. */
void *mailbox_wait(struct mailbox *mb, int64_t ms);

uint64_t mailbox_dropped(struct mailbox *mb);

#endif
