/* What the daemon takes of the machine: many buses need many descriptors, and
 * should not need much memory. */
#ifndef GATEWAY_RESOURCES_H
#define GATEWAY_RESOURCES_H

#include <stddef.h>

/* resources_claim raises the limit of open files as far as it goes, warns when
 * that is too low for so many buses, and keeps the memory of many threads
 * small.  Thread: main, before there are others. */
void resources_claim(size_t buses);

/* resources_trim gives back what a start, a login or a large answer has left
 * free.  Thread: loop. */
void resources_trim(void);

#endif
