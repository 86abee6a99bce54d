/* What fields were: gives the readings of nodes to their history, and sees to
 * it that an owner's readings are nobody else's.  Without a history that can be
 * opened the gateway does all the rest.  Thread: loop. */
#ifndef GATEWAY_KEEPER_H
#define GATEWAY_KEEPER_H

#include "gateway/history.h"
#include "gateway/node.h"

struct gateway;
struct keeper;

/* keeper_new opens the history beside the claims. */
struct keeper *keeper_new(struct gateway *gw);
/* keeper_free writes what waits. */
void keeper_free(struct keeper *k);

/* keeper_readings takes the good readings of the fields that say keep. */
void keeper_readings(
    struct keeper *k, struct node *n, const struct drv_event *ev);

/* keeper_series is the history of a field in the hands of n's owner, and
 * keeper_history that of all; NULL: there is none. */
struct series *keeper_series(struct keeper *k, struct node *n, size_t field);
struct history *keeper_history(const struct keeper *k);

/* keeper_unbind forgets where n's readings go: its fields have changed. */
void keeper_unbind(struct node *n);

/* keeper_tick writes and tidies what is due.  keeper_turn, after a commit of
 * the claims, deletes what was of owners that are none any more. */
void keeper_tick(struct keeper *k);
void keeper_turn(struct keeper *k);

/* keeper_state is as history_state; its trouble says also why there is no
 * history. */
void keeper_state(const struct keeper *k, struct history_state *out);

#endif
