/* The one writer of data: tables for people, TSV and JSON for programs. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "cli/verb.h"

#include <jansson.h>
#include <stdbool.h>

enum out_mode {
	OUT_TABLE,
	OUT_PLAIN, /* tab-separated, no headings; \t \n \r \\ are escaped */
	OUT_JSON,  /* one object a line */
};

struct column {
	const char *title;
	const char *member; /* of each row's object; a.b goes into a */
	bool right;         /* numbers */
	bool cut;           /* where a terminal has no room for all */
	/* NULL, or makes the text of a row.  Returns owned. */
	char *(*text)(const json_t *row);
};

/* out_json prints data as one line. */
void out_json(const json_t *data);

/* out_rows prints an array of objects as a table or as TSV (not OUT_JSON).
 * Columns end with a NULL title. */
void out_rows(
    enum out_mode mode, const struct column *cols, const json_t *rows);

/* out_fields prints one object, a line a column: "TITLE  value". */
void out_fields(enum out_mode mode, const struct column *cols, const json_t *o);

/* out_text is a value for people: "-" for null and "", yes and no; control
 * characters become "?".  Returns owned. */
char *out_text(const json_t *value);

/* out_safe copies a text, so: what a device or peer wrote must not move the
 * cursor.  Returns owned. */
char *out_safe(const char *s);

/* out_member finds a member by path "a.b"; NULL when absent.  Borrowed. */
json_t *out_member(const json_t *o, const char *path);
const char *out_string(const json_t *o, const char *path); /* "" when none */

/* out_colour tells whether standard output takes colours: a terminal, and
 * NO_COLOR is not set. */
bool out_colour(void);

#endif
