/* Where values stand in a message, as a template's [parse] says: keys, columns,
 * groups, sentences, codes. */
#ifndef DRIVERS_TEXT_FIND_H
#define DRIVERS_TEXT_FIND_H

#include "config/template.h"
#include "drivers/span.h"
#include "drivers/text_regex.h"

/* What parse_text.h makes of a template. */
struct text_parser {
	const struct tmpl *t;     /* borrowed */
	struct text_regex *regex; /* owned; NULL: the format needs none */
};

/* What stands in a message for a field. */
struct text_token {
	struct span value; /* "22.5C" */
	struct span unit;  /* where a format keeps the unit apart, or empty */
};

enum text_found {
	TEXT_ABSENT,
	TEXT_FOUND,
	TEXT_BROKEN, /* it stands there twice */
	TEXT_VOID    /* the device says that it does not count */
};

/* text_accepts tells whether the message as a whole holds; text_find is for one
 * that does.  Thread: one at a time. */
bool text_accepts(struct text_parser *p, struct span msg);
enum text_found text_find(const struct text_parser *p, struct span msg,
    const struct field *f, struct text_token *out);

#endif
