#include "registry/mask.h"

#include <string.h>

/* Between two wildcards the first place that fits is the best one: it leaves
 * most for what follows, so nothing is ever tried twice. */
bool
mask_match(const char *text, const char *mask, const char *wildcard)
{
	size_t skip = strlen(wildcard), left = strlen(text);
	const char *end = strstr(mask, wildcard);
	size_t n = end ? (size_t)(end - mask) : strlen(mask);

	if (!end)
		return strcmp(text, mask) == 0;
	if (strncmp(text, mask, n) != 0)
		return false;
	for (text += n, left -= n;; text += n, left -= n) {
		mask = end + skip;
		end = strstr(mask, wildcard);
		if (!end)
			break;
		n = (size_t)(end - mask);
		while (left >= n && memcmp(text, mask, n) != 0)
			text++, left--;
		if (left < n)
			return false;
	}
	n = strlen(mask);
	return left >= n && strcmp(text + left - n, mask) == 0;
}
