/* A device with controls for tests, written by way of its bus. */
#ifndef TESTS_FIELD_CONTROLS_H
#define TESTS_FIELD_CONTROLS_H

#include "field_rig.h"

enum { SETPOINT, RELAY, MASKED, BITS, BLIND, ELSEWHERE, PULSED, WIDE };

/* plant makes the device: its fields 0 to 3 are the holding registers 0, 20, 40
 * and 60.  allow_pulse lets a control be set for a time. */
void plant(struct device *d);
void allow_pulse(struct rig *r, size_t control);

/* begin starts a bus with such a device, or begin_n with some, and listens for
 * a moment. */
void begin(struct rig *r, slave_fn *fn, void *arg, int type);
void begin_n(struct rig *r, slave_fn *fn, void *arg, int type, size_t n_units);

struct drv_ask number(uint16_t control, int64_t v);
struct drv_ask on_off(uint16_t control, bool on);

/* write_it writes, and waits for the answer. */
struct heard_answer write_it(struct rig *r, struct drv_ask ask);

#endif
