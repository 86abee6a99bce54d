/* Talk: everything that is not data goes to standard error. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "common/err.h"

/* say_open names the program that speaks. */
void say_open(const char *program);

void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* say_exit says it and returns code, for "return say_exit(...)". */
int say_exit(enum exit_code code, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
