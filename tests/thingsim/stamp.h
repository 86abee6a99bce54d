/* Values that tell where they stand. */
#ifndef THINGSIM_STAMP_H
#define THINGSIM_STAMP_H

#include "config/template.h"

#include <stdint.h>

/* stamp is what a register holds that is stamped: 16 bits of
 *     addr * 40503 + unit * 31153 + table * 8017
 * with table 0 coil, 1 discrete, 2 input, 3 holding.  The factors are odd: two
 * registers of a unit never have the same, nor have two units at one address.
 * A coil or discrete input has the highest bit of it. */
uint16_t stamp(unsigned unit, enum modbus_table table, unsigned addr);

#endif
