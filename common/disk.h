/* Files that are there whole or not at all, also after a power cut.  Each
 * returns false with errno set.  Thread: any. */
#ifndef COMMON_DISK_H
#define COMMON_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* disk_write writes all of data. */
bool disk_write(int fd, const void *data, size_t len);

/* disk_place gives the file fd, which stands at fresh, the name path in the
 * same folder; what had it is replaced.  fd stays open. */
bool disk_place(int fd, const char *fresh, const char *path);

/* disk_sync_folder makes sure of the names in the folder of path. */
bool disk_sync_folder(const char *path);

/* disk_private gives data the name path: a fresh file that only its owner can
 * read, who is the one that ran sudo, if that is how this program is root.  A
 * device or a pipe is written as it stands, and so is what a link leads to; but
 * not what another user has put there: EPERM. */
bool disk_private(const char *path, const void *data, size_t len);

#endif
