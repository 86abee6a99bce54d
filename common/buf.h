/* A growing text buffer. */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include "common/err.h"

#include <stddef.h>

/* Zero-initialised is empty.  data is NUL-terminated once anything was added.
 */
struct buf {
	char *data;
	size_t len, cap;
};

/* Appending never fails; the caller caps what a peer can make it append. */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* buf_take returns the text (owned by the caller, never NULL) and empties b. */
char *buf_take(struct buf *b);
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes */
void buf_fini(struct buf *b);

#endif
