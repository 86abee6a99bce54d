/* Sensor data (XEP-0323): answers those who read nodes.
 *
 * A request is accepted when its nodes exist and access is granted; then come
 * the values, paced by what the server takes, and last what could not be read,
 * a message a node.  A value is the cached one as long as it is within its
 * max_age; else its device is read first.
 *
 * Thread: loop. */
#ifndef GATEWAY_READOUT_H
#define GATEWAY_READOUT_H

#include "gateway/node.h"
#include "xmpp/iq.h"

struct gateway;
struct readout;

/* The table of requests; its argument is the readout. */
extern const struct iq_route readout_routes[];

struct readout *readout_new(struct gateway *gw);
/* readout_stop ends all requests; readout_free follows the loop's end. */
void readout_stop(struct readout *r);
void readout_free(struct readout *r);

/* What ends requests: the connection is gone, or their client is. */
void readout_offline(struct readout *r);
void readout_presence(struct readout *r, xmpp_stanza_t *presence);
void readout_bounced(struct readout *r, xmpp_stanza_t *message);

/* readout_news: something was heard of a device, or that it is silent. */
void readout_news(struct readout *r);

#endif
