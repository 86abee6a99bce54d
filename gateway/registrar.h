/* The registrar: keeps the registry and every node's claim in step.
 *
 * It carries out what the state machine of registry-client/thing.h decides, in
 * its order: on disk first, then acknowledged, then told on.  Requests wait in
 * one queue, at most `window` are in flight, what failed is sent again with
 * growing pauses.
 *
 * Thread: loop. */
#ifndef GATEWAY_REGISTRAR_H
#define GATEWAY_REGISTRAR_H

#include "gateway/node.h"
#include "xmpp/iq.h"

#include <stdbool.h>

struct gateway;
struct registrar;

/* The table of requests that the registry sends; its argument is the registrar.
 */
extern const struct iq_route registrar_routes[];

struct registrar *registrar_new(struct gateway *gw, const char *registry_jid);
void registrar_free(struct registrar *r);

/* Tell it of the connection; online starts with announcing the gateway to the
 * registry by directed presence (it holds a lease from it). */
void registrar_online(struct registrar *r);
void registrar_offline(struct registrar *r);

/* registrar_event applies an event that came from inside: configuration,
 * installer, changed tags.  The answer is kept until the end of the turn.
 * Errors: ERR_REFUSED: the command does not apply in this state; ERR_IO: what
 * the node is cannot be read. */
enum err registrar_event(
    struct registrar *r, struct node *n, enum thing_event_kind kind);

/* registrar_touch notes that n is written in this turn by somebody else: if
 * that fails, it is taken back too. */
void registrar_touch(struct registrar *r, struct node *n);

/* registrar_after calls done once this turn's writes are kept, or are not. */
void registrar_after(
    struct registrar *r, void (*done)(void *arg, bool kept), void *arg);

/* registrar_turn ends a turn of the loop: commits, then acknowledges.
 * Errors: ERR_IO: it could not be stored, and all of it was undone. */
enum err registrar_turn(struct registrar *r);

/* registrar_tick: retries, lease, clearing of keys, followed fields. */
void registrar_tick(struct registrar *r);

/* registrar_wake sends what waits; call when a node's claim tags were frozen.
 */
void registrar_wake(struct registrar *r, struct node *n);

/* Reachable until something speaks against it; heard once it has answered. */
bool registrar_reachable(const struct registrar *r);
bool registrar_heard(const struct registrar *r);
/* registrar_trouble says why it is not reachable, or is no registry; "". */
const char *registrar_trouble(const struct registrar *r);
const char *registrar_jid(const struct registrar *r); /* "": none found */
/* registrar_to: where requests go now; "". */
const char *registrar_to(const struct registrar *r);
const char *registrar_how(const struct registrar *r); /* it was found; "" */

/* registrar_rests: a registry that is an account was left, for there is nothing
 * to say to it; registrar_befriends: bare stays in the roster for its sake. */
bool registrar_rests(const struct registrar *r);
bool registrar_befriends(const struct registrar *r, const char *bare);

/* Presence of others: that of a registry that is an account lets it be
 * addressed. */
void registrar_presence(struct registrar *r, xmpp_stanza_t *presence);

#endif
