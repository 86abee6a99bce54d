/* The forms that values take in our files. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* value_int reads a decimal or 0x number.  Errors: ERR_PROTO, ERR_RANGE. */
enum err value_int(const char *text, int64_t *out) MUST_USE;

/* value_duration reads "500ms", "10s", "5min", "2h", "1d" or "0".
 * Errors: ERR_PROTO, ERR_RANGE. */
enum err value_duration(const char *text, int64_t *ms) MUST_USE;

/* value_duration_add appends ms in the largest unit that keeps it whole. */
void value_duration_add(int64_t ms, struct buf *out);

/* value_micros and value_micros_add are the same of microseconds: "500us",
 * "2ms", "1s" or "0". */
enum err value_micros(const char *text, int64_t *us) MUST_USE;
void value_micros_add(int64_t us, struct buf *out);

/* value_word returns the index of text in "a|b|c", or -1. */
int value_word(const char *text, const char *words);
void value_word_add(int index, const char *words, struct buf *out);

/* value_bytes undoes the C escapes \r \n \t \0 \\ \" \xHH.  *out is owned and
 * NUL-terminated besides.  Errors: ERR_PROTO. */
enum err value_bytes(const char *text, char **out, size_t *len) MUST_USE;

enum { VALUE_HOST = 256 };

/* value_hostport splits host[:port], [v6]:port or v6; host in lower case, port
 * def when not given.  Errors: ERR_PROTO. */
enum err value_hostport(
    const char *text, int def, char host[VALUE_HOST], int *port) MUST_USE;

/* value_loopback: localhost, 127.0.0.0/8 or ::1. */
bool value_loopback(const char *host);

/* value_jid tells whether text has the form of a JID; local and resource tell
 * whether it has those parts and may be NULL. */
bool value_jid(const char *text, bool *local, bool *resource);

/* value_double tells whether text is a finite xs:double. */
bool value_double(const char *text);

/* value_near tells how many letters must change to make b of a, swaps counted
 * as one; only small answers are exact. */
size_t value_near(const char *a, const char *b);

/* The best of the words seen so far, for "did you mean". */
struct guess {
	const char *word, *best;
	size_t cost;
};
void guess_try(struct guess *g, const char *candidate);
/* guess_hint writes ` (did you mean "x"?)` or nothing to out, returns out. */
const char *guess_hint(const struct guess *g, char *out, size_t size);

#endif
