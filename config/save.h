/* Files that are there whole or not at all, also after a power cut. */
#ifndef CONFIG_SAVE_H
#define CONFIG_SAVE_H

#include "common/buf.h"

#include <stdbool.h>
#include <sys/types.h>

/* save_lock keeps other programs of ours from changing files of a folder until
 * *fd is closed, or the process ends.
 * Errors: ERR_BUSY another one is at it; ERR_IO. */
enum err save_lock(const char *folder, int *fd, struct errbuf *eb) MUST_USE;

/* save_read reads a file of ours; one that is not there is empty.
 * Errors: ERR_IO, ERR_RANGE too large. */
enum err save_read(
    const char *path, struct buf *out, bool *there, struct errbuf *eb) MUST_USE;

/* save_write replaces a file, or the one that a link leads to.  A file that was
 * there keeps its owner, and its mode unless `mode` is for the owner alone; a
 * new one gets mode.
 * Errors: ERR_IO, and the file is as it was; eb says what helps. */
enum err save_write(const char *path, const struct buf *text, mode_t mode,
    struct errbuf *eb) MUST_USE;

enum err save_remove(const char *path, struct errbuf *eb) MUST_USE;

#endif
