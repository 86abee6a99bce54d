/* The CRC-32 of ISO/IEC 15948 and zlib.  Thread: any. */
#ifndef COMMON_CRC32_H
#define COMMON_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* crc32_add goes on from the sum of what came before, 0 at the beginning. */
uint32_t crc32_add(uint32_t sum, const void *data, size_t len);

#endif
