/* What a text device says, written as its template would read it. */
#ifndef THINGSIM_MESSAGE_H
#define THINGSIM_MESSAGE_H

#include "tests/thingsim/plant.h"

/* message_write appends what the unit says now, checked and framed.
 * *garble_at is the byte whose change spoils it. */
void message_write(struct unit *u, struct buf *out, size_t *garble_at);

/* message_address appends text with {address} replaced. */
void message_address(struct buf *out, const struct bytes *text, int address);

#endif
