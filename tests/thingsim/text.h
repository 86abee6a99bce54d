/* Devices that speak lines of text: on request, or by themselves. */
#ifndef THINGSIM_TEXT_H
#define THINGSIM_TEXT_H

#include "tests/thingsim/plant.h"

struct chan;

/* text_input answers the requests of the bus's units that stand in c->in. */
void text_input(struct chan *c);

/* text_stream sends a message every u->period_ns from now on. */
void text_stream(struct unit *u);

#endif
