/* UTF-8: checked where text enters, made safe for XML where a device wrote it.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* utf8_next decodes one code point of s[len] into *cp and returns its length
 * in bytes, or 0 when the bytes are not UTF-8 (overlong forms, surrogates and
 * values above U+10FFFF included).  Thread: any. */
size_t utf8_next(const char *s, size_t len, uint32_t *cp);

bool utf8_valid(const char *s, size_t len);

/* utf8_count counts code points; s must be valid.  Thread: any. */
size_t utf8_count(const char *s);

/* utf8_xml tells whether cp may stand in XML 1.0 (2.2 Char). */
bool utf8_xml(uint32_t cp);

/* utf8_control tells whether cp may move a terminal's cursor, or worse: C0, DEL
 * and C1, line ends and tabs too. */
bool utf8_control(uint32_t cp);

/* utf8_blot puts c in place of each byte of s's control characters, and of what
 * is not UTF-8.  Thread: any. */
void utf8_blot(char *s, char c);

/* utf8_sanitize copies s[len] to out[size], cut at a code point, with bytes
 * that are not UTF-8 and characters that XML forbids replaced by U+FFFD, and
 * trailing NULs and blanks (register padding) dropped.  Thread: any. */
void utf8_sanitize(const char *s, size_t len, char *out, size_t size);

#endif
