/* Small forms of text that commands read and print.  Pure. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stdbool.h>
#include <stdint.h>

enum { WORDS_SPAN = 48 };

/* words_span writes a length of time in its two largest units: "0.8 s", "34 s",
 * "1 min 10 s", "2 h 10 min", "3 d 4 h". */
void words_span(int64_t ms, char out[WORDS_SPAN]);

/* words_utc reads "2026-11-22T18:07:00.123Z", as clock_format writes it. */
bool words_utc(const char *text, int64_t *ms);

/* words_range reads "5" or "1-32", both within min..max and in order. */
bool words_range(
    const char *text, int64_t min, int64_t max, int64_t *first, int64_t *last);

/* words_size reads bytes: "4096", "64k", "10M", "1G"; not 0. */
bool words_size(const char *text, int64_t *bytes);

/* words_hex sets apart the bytes of a frame: "0c03" becomes "0C 03"; what is no
 * frame stays as it is.  Returns owned. */
char *words_hex(const char *hex);

/* words_unit joins a value and its unit: "21.5 °C"; NULL is "unknown".
 * Returns owned. */
char *words_unit(const char *value, const char *unit);

#endif
