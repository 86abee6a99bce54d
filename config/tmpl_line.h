/* One line of [field] or [control] while it is read: shared by the files that
 * know where (tmpl_where), which type (tmpl_type), and the options
 * (tmpl_option, tmpl_control). */
#ifndef CONFIG_TMPL_LINE_H
#define CONFIG_TMPL_LINE_H

#include "config/note.h"
#include "config/template.h"

#include <stdbool.h>

struct line {
	const struct tmpl *t;
	struct field *f;
	struct control *c; /* NULL: of [field]; f is then its field */
	struct place at;
	struct notes *notes;
	unsigned seen; /* bit i: option i was there */
	bool verify_given;
};

/* line_fault notes "name: what" and returns false. */
bool line_fault(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* line_type reads a Modbus type. */
bool line_type(struct line *l, const char *text);
bool type_is_number(const struct field *f);
bool type_is_fraction(const struct field *f); /* IEEE 754 */
/* type_is_part tells whether it is bits or a byte of one register. */
bool type_is_part(const struct field *f);
unsigned type_bits(const struct field *f); /* 0: of str */

/* line_where reads where the value stands; text is changed.  where_modbus reads
 * `holding:0x10[4:2]` into f, and returns NULL or what is wrong. */
bool line_where(struct line *l, char *text);
bool where_modbus(struct line *l, struct field *f, const char *text);

/* line_option reads `key=value`; text is changed. */
bool line_option(struct line *l, char *text);

/* option_change sets an option that a node may change. */
bool option_change(struct line *l, const char *name, char *value);

/* The options that are lists, as those below. */
const char *list_set_nan(struct line *l, char *v);
const char *list_set_enum(struct line *l, char *v);
const char *list_set_suffix(struct line *l, char *v);

/* The options of [control], which return NULL or what the value must be. */
const char *control_set_fc(struct line *l, char *v);
const char *control_set_verify(struct line *l, char *v);
const char *control_set_pulse(struct line *l, char *v);
const char *control_set_step(struct line *l, char *v);
const char *control_set_access(struct line *l, char *v);

/* control_finish fills in what the line left out, and returns NULL or what does
 * not fit together. */
const char *control_finish(struct line *l);

#endif
