/* The signals that end a program, for a verb that must put things away first.
 * Thread: main. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>
#include <sys/types.h>

/* stop_note lets SIGINT, SIGTERM and SIGHUP be noted, instead of ending the
 * program; they end stop_wait and the child that was named last (0: none).
 * stop_wait waits until fd can be read; false when one came.  stop_asked tells
 * whether one came, and stop_end then ends the program by it. */
void stop_note(void);
void stop_child(pid_t pid);
bool stop_wait(int fd);
bool stop_asked(void);
void stop_end(void);

#endif
