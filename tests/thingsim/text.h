/* Devices that speak lines of text: on request, or by themselves. */
#ifndef THINGSIM_TEXT_H
#define THINGSIM_TEXT_H

#include "tests/thingsim/plant.h"

struct chan;

/* text_input answers the requests of the bus's units that stand in c->in. */
void text_input(struct chan *c);

/* text_message appends what the unit says now, checked and framed as its
 * template has it.  *garble_at is the byte whose change spoils it. */
void text_message(struct unit *u, struct buf *out, size_t *garble_at);

/* text_stream sends a message every u->period_us from now on. */
void text_stream(struct unit *u);

/* text_answer_default is the answer of templates whose format (a regular
 * expression) does not tell how to write one, or NULL. */
const char *text_answer_default(const struct tmpl *t);

#endif
