#include "tests/thingsim/stamp.h"

enum { BY_ADDR = 40503, BY_UNIT = 31153, BY_TABLE = 8017 };

uint16_t
stamp(unsigned unit, enum modbus_table table, unsigned addr)
{
	unsigned v = addr * BY_ADDR + unit * BY_UNIT + table * BY_TABLE;

	if (table == MB_COIL || table == MB_DISCRETE)
		v = v >> 15 & 1;
	return (uint16_t)v;
}
