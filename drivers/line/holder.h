/* Which process has a serial port. */
#ifndef DRIVERS_LINE_HOLDER_H
#define DRIVERS_LINE_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

enum { HOLDER_NAME = 160 };

/* holder_find returns the process that locked the file at path, a resolved
 * path, or else any that has it open (ours aside), or 0; others' processes
 * show their files to root only. */
pid_t holder_find(const char *path);

/* holder_name names a process for people: "getty (pid 812)"; for 0, "another
 * program". */
void holder_name(pid_t pid, char out[HOLDER_NAME]);

#endif
