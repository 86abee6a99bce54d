/* What may be a tag in our files (XEP-0347 3.5, and what would break the text
 * of a sticker). */
#ifndef CONFIG_TAGRULE_H
#define CONFIG_TAGRULE_H

#include "config/note.h"

#include <stdbool.h>
#include <stddef.h>

enum { TAGRULE_NAME = 32, TAGRULE_VALUE = 128, TAGRULE_FIELD = 64 };

/* tagrule_split takes "#NAME" apart: *num, and the name returned. */
const char *tagrule_split(const char *key, bool *num);

/* tagrule_check notes at the place what is wrong with a tag; value may be text,
 * a number, or "@field[,@field...]".  True when nothing is. */
bool tagrule_check(const char *name, const char *value, bool num,
    struct place at, struct notes *notes);

/* tagrule_is_number tells whether everybody searches this tag as a number.
 * Spec: XEP-0347 3.5, the predefined tags. */
bool tagrule_is_number(const char *name);

/* tagrule_field walks "@a,@b": copies the next field's name to out and returns
 * true, or false at the end.  *at starts as the value.  A value that does not
 * start with '@' has no fields. */
bool tagrule_field(const char **at, char out[TAGRULE_FIELD]);

#endif
