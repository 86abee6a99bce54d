/* What the loop asks of buses between their polls, and who waits for the
 * answers.  Thread: loop. */
#ifndef GATEWAY_ASK_H
#define GATEWAY_ASK_H

#include "drivers/bus.h"

struct ask_table;
struct gateway;

/* a lives for the call; back is the value read back after a write, or NULL. */
typedef void (*ask_done)(
    void *arg, const struct drv_answer *a, const struct reading *back);

struct ask_table *ask_new(void);
void ask_free(struct ask_table *s);

/* ask_bus fills in the token and asks the bus of that name.  done is called
 * exactly once, never from within this call, unless ask_forget comes first.
 * Errors: ERR_NOTFOUND no such bus runs; ERR_BUSY: done is then not called. */
enum err ask_bus(struct gateway *gw, const char *bus, struct drv_ask *q,
    ask_done done, void *arg) MUST_USE;

/* ask_forget calls nothing any more for asks with this arg: their owner is
 * about to be freed. */
void ask_forget(struct ask_table *s, const void *arg);

/* ask_line_down says why a bus cannot be asked: its line's own trouble if that
 * is known, else why, which may be NULL.  Returns ERR_IO. */
enum err ask_line_down(
    struct gateway *gw, const char *bus, const char *why, struct errbuf *eb);

/* Of the plant: an answer came; a bus has stopped and answers no more. */
void ask_answer(struct ask_table *s, const struct drv_event *ev);
void ask_stopped(struct ask_table *s, const struct drv_bus *bus);

#endif
