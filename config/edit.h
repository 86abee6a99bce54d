/* Changes in our ini files that leave the rest as it stands: comments, blank
 * lines, the order, line ends (CR LF too), a byte order mark.  Pure.
 *
 * name is that of a section, blanks single: "node meter1".  Comments before a
 * section belong to what stands above it, and stay. */
#ifndef CONFIG_EDIT_H
#define CONFIG_EDIT_H

#include "common/buf.h"

#include <stdbool.h>

/* edit_has tells whether there is a section of that name, edit_any whether
 * there is any at all: text may be nothing but comments. */
bool edit_has(const struct buf *text, const char *name);
bool edit_any(const struct buf *text);

/* edit_line appends "key = value" to lines; blanks at the value's ends do not
 * come back.  False: such a value cannot stand in a file (control characters,
 * or too long). */
bool edit_line(struct buf *lines, const char *key, const char *value) MUST_USE;

/* edit_append puts whole lines at the end, edit_add a section with them. */
void edit_append(struct buf *text, const char *lines);
void edit_add(struct buf *text, const char *name, const char *lines);

/* edit_set gives the first key of that name in the first section of that name
 * another value, keeps the comment behind it, and adds either when it is not
 * there.  False as of edit_line. */
bool edit_set(struct buf *text, const char *name, const char *key,
    const char *value) MUST_USE;

/* edit_remove takes the section away; false when there is none.  A comment
 * behind its last key stays; one like "#LAT = 1.5" gets a ';' for its '#', as
 * it would be a number tag in a [tags] above. */
bool edit_remove(struct buf *text, const char *name);

#endif
