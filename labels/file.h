/* Where pictures go: files that only their maker can read. */
#ifndef LABELS_FILE_H
#define LABELS_FILE_H

#include "common/buf.h"
#include "common/err.h"

/* file_name puts "-NODE" before the suffix of path; characters of node that do
 * not belong in a file name become "_".  Returns owned. */
char *file_name(const char *path, const char *node);

/* file_write writes what holds KEYs, as disk_private does.
 * Errors:  ERR_IO, eb says what. */
enum err file_write(
    const char *path, const struct buf *data, struct errbuf *eb) MUST_USE;

/* file_put writes all of data to a descriptor. */
enum err file_put(int fd, const struct buf *data) MUST_USE;

#endif
