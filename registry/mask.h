/* Masks of strMask: a text with a wildcard of any characters in any place.
 * Pure. */
#ifndef REGISTRY_MASK_H
#define REGISTRY_MASK_H

#include <stdbool.h>

/* mask_match tells whether the whole of text fits mask, byte for byte but for
 * each occurrence of wildcard (not ""), which stands for any run, also none.
 * Thread: any.  Spec: XEP-0347 3.13, strMask. */
bool mask_match(const char *text, const char *mask, const char *wildcard);

#endif
