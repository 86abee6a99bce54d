/* Modbus on the wire: the frames of TCP and of serial lines. */
#ifndef THINGSIM_WIRE_H
#define THINGSIM_WIRE_H

struct chan;

/* Both take the whole frames out of c->in and answer them.  A unit that the
 * bus does not have stays silent, as on a real line and behind a gateway. */
void wire_tcp_input(struct chan *c);
void wire_rtu_input(struct chan *c);

#endif
