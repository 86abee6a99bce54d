/* Meta tags of a thing (XEP-0347 3.4 and 5.2): names, values, sets of them. */
#ifndef PROTOCOL_TAG_H
#define PROTOCOL_TAG_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	TAG_NAME_MAX = 32,   /* code points */
	TAG_VALUE_MAX = 128, /* code points */
	TAGS_MAX = 64,       /* tags of one thing, or in one request */
};

struct tag {
	char *name;  /* ASCII letters in upper case */
	char *value; /* of a number: its text as given, an xs:double */
	bool num;
};

/* A set of tags, names distinct; zero-initialised is empty.  Order is kept. */
struct tags {
	struct tag *v;
	size_t n, cap;
};

/* tag_check tells whether name and value may make a tag; eb says why not.
 * Errors: ERR_RANGE too long or too short, ERR_PROTO a character that must not
 * be there, not UTF-8, not XML, or not an xs:double.  An empty value is allowed
 * (it deletes, 3.11) for strings.  Thread: any.  Spec: XEP-0347 3.5, 5.2. */
enum err tag_check(
    const char *name, const char *value, bool num, struct errbuf *eb) MUST_USE;

/* tag_is_name tells whether a tag may have that name. */
bool tag_is_name(const char *s);

/* tag_is_text tells whether s is UTF-8 of characters that XML allows. */
bool tag_is_text(const char *s);

/* tags_add checks and appends a copy.
 * Errors: as tag_check; ERR_BUSY: a tag of that name is in the set already;
 * ERR_RANGE also for more than TAGS_MAX.  eb may be NULL. */
enum err tags_add(struct tags *t, const char *name, const char *value, bool num,
    struct errbuf *eb) MUST_USE;

/* tags_set appends, or replaces value and type of the tag of that name. */
enum err tags_set(struct tags *t, const char *name, const char *value, bool num,
    struct errbuf *eb) MUST_USE;

/* tags_find returns the tag (name compared without ASCII case), or NULL. */
const struct tag *tags_find(const struct tags *t, const char *name);
bool tags_remove(struct tags *t, const char *name);

/* tags_merge sets every tag of from in t; an empty string value removes the
 * tag of that name.  Errors: ERR_RANGE more than TAGS_MAX would result (t is
 * then unchanged).  Spec: XEP-0347 3.11. */
enum err tags_merge(struct tags *t, const struct tags *from) MUST_USE;

void tags_drop_empty(struct tags *t); /* removes tags with an empty value */
void tags_copy(struct tags *to, const struct tags *from); /* to is empty */
void tags_fini(struct tags *t);

/* tag_equal: same name, same type, strings byte for byte, numbers as doubles.
 */
bool tag_equal(const struct tag *a, const struct tag *b);

/* tags_canonical appends one text for all sets that a claim takes as equal:
 * sorted by name, the type, numbers in their shortest form.
 * Spec: XEP-0347 3.8, "EXACTLY the same meta data". */
void tags_canonical(const struct tags *t, struct buf *out);

#endif
