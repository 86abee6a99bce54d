#include "common/key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void
random_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

uint32_t
random_below(uint32_t n)
{
	uint64_t r;

	random_bytes(&r, sizeof(r));
	return (uint32_t)(r % n);
}

/* 26 digits of 5 bits hold 130: the first digit carries only 3. */
void
key_new(char out[KEY_SIZE])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned char r[16];
	unsigned bits = 0, have = 2, i = 0;

	random_bytes(r, sizeof(r));
	for (size_t n = 0; n < KEY_LEN; n++) {
		if (have < 5) {
			bits = bits << 8 | r[i++];
			have += 8;
		}
		have -= 5;
		out[n] = digits[bits >> have & 31];
	}
	out[KEY_LEN] = '\0';
	explicit_bzero(r, sizeof(r));
}

void
key_mask(const char *key, char out[16])
{
	snprintf(out, 16, "%.4s…", key);
}
