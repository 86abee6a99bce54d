/* One line of [field] or [control] of a template. */
#ifndef CONFIG_TMPL_FIELD_H
#define CONFIG_TMPL_FIELD_H

#include "config/note.h"
#include "config/template.h"

#include <stdbool.h>

/* tmpl_field_parse reads `where type [key=value ...]` into *f, whose name is
 * set; the template's [modbus], [parse] and [poll] are there already.  False
 * when something was noted; *f is then as tmpl_field_fini takes it. */
bool tmpl_field_parse(const struct tmpl *t, struct field *f, const char *text,
    struct place at, struct notes *notes);

/* tmpl_control_parse is the same of [control].  What the line does not say of
 * unit and label stays NULL. */
bool tmpl_control_parse(const struct tmpl *t, struct control *c,
    const char *text, struct place at, struct notes *notes);
void tmpl_field_fini(struct field *f);

/* tmpl_field_change sets an option of a field of that name as a node does, and
 * writes it down in t->changes.  False when something was noted. */
bool tmpl_field_change(struct tmpl *t, const char *field, const char *option,
    const char *value, struct place at, struct notes *notes);

/* tmpl_field_option and tmpl_field_type name what a line may hold, for the
 * manual page; NULL after the last. */
const char *tmpl_field_option(size_t i);
const char *tmpl_field_type(size_t i);

#endif
