/* Those who are told of events, and saw nodes by decisions that hold no more:
 * the server is asked about them again, and then they are told what they see
 * no longer.  Thread: loop. */
#ifndef GATEWAY_REVIEW_H
#define GATEWAY_REVIEW_H

#include "gateway/decisions.h"

struct gateway;
struct reviews;

struct reviews *reviews_new(struct gateway *gw);
/* reviews_free comes when no answer can come any more. */
void reviews_free(struct reviews *t);

/* review_add notes a decision that is about to be forgotten; reviews_run asks
 * once they are.  About the node except nobody is asked. */
void review_add(struct reviews *t, const struct decision *d);
void reviews_run(struct reviews *t, const struct node_ref *except);

#endif
