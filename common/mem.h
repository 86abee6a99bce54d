/* Memory that is there or the process ends: no out-of-memory branches.
 * Sizes that a peer chooses are capped by their caller first. */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* All return owned memory, released with free(), or abort.  Thread: any. */
void *mem_zalloc(size_t size);                    /* zeroed */
void *mem_array(size_t n, size_t size);           /* zeroed, n * size checked */
void *mem_resize(void *p, size_t n, size_t size); /* new part not zeroed */
char *mem_strdup(const char *s);                  /* NULL stays NULL */
char *mem_strndup(const char *s, size_t n);
/* mem_pack copies text to *at, which it moves behind it; returns the copy. */
const char *mem_pack(char **at, const char *text);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

/* mem_grow makes room for one more element in an array that holds *cap:
 * doubles the capacity from 8 when n has reached it. */
void *mem_grow(void *p, size_t n, size_t *cap, size_t size);

/* mem_set replaces the string *p, freeing the old one. */
void mem_set(char **p, const char *s);

/* mem_free_secret wipes a string before it frees it.  NULL is allowed. */
void mem_free_secret(char *s);

#endif
