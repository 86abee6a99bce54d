/* Modbus exceptions that a healthy device answers with.
 * Spec: MODBUS Application Protocol V1.1b3, 7. */
#ifndef THINGSIM_EXCEPTION_H
#define THINGSIM_EXCEPTION_H

enum exception { EX_NONE, EX_FUNCTION, EX_ADDRESS, EX_VALUE };

#endif
