/* Speeds that termios has no constant for. */
#ifndef DRIVERS_LINE_BAUD_H
#define DRIVERS_LINE_BAUD_H

#include "common/err.h"

/* baud_set sets an open terminal to any number of bits a second.
 * Errors: ERR_CONFIG, it cannot come near it; ERR_IO. */
enum err baud_set(int fd, int baud) MUST_USE;

#endif
