/* Random numbers and the KEY of a claim. */
#ifndef COMMON_KEY_H
#define COMMON_KEY_H

#include <stddef.h>
#include <stdint.h>

enum { KEY_LEN = 26, KEY_SIZE = KEY_LEN + 1 };

/* key_new writes 128 random bits from getrandom(2) as 26 Crockford base32
 * capitals.  Aborts if the kernel has no random numbers.  Thread: any. */
void key_new(char out[KEY_SIZE]);

/* key_mask writes the first four characters and "…", for people to compare
 * without learning the rest.  Thread: any. */
void key_mask(const char *key, char out[16]);

void random_bytes(void *out, size_t len);
uint32_t random_below(uint32_t n); /* 0..n-1; n > 0 */

#endif
