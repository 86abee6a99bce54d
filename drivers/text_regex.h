/* The regular expression of a template, within bounds of time and memory. */
#ifndef DRIVERS_TEXT_REGEX_H
#define DRIVERS_TEXT_REGEX_H

#include "common/err.h"
#include "drivers/span.h"

struct text_regex;

/* text_regex_new compiles pattern; NULL when it is wrong (why says so, and that
 * it is of the template id).  Owns: returns owned. */
struct text_regex *text_regex_new(
    const char *id, const char *pattern, struct errbuf *why);
void text_regex_free(struct text_regex *re);

/* text_regex_match tells whether msg matches.  Thread: one at a time. */
bool text_regex_match(struct text_regex *re, struct span msg);

/* text_regex_group finds where group n of the last match stands in its msg.
 * Errors: ERR_NOTFOUND it took no part, ERR_PROTO it has no place (\K). */
enum err text_regex_group(const struct text_regex *re, struct span msg, int n,
    struct span *out) MUST_USE;

#endif
