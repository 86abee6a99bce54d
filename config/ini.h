/* The reader of all our ini files: strict, and it remembers where each key
 * stands.
 *
 *   [section]          or [kind name]
 *   key = value        the value ends at the line's end, blanks trimmed
 *   ; comment          at the line's start; # likewise
 *   key = value ; why  a comment too: white space, ';', and white space or the
 *                      line's end.  Write \; for a ';' that stands so, and
 *                      \\; for a \;.
 *   #NAME = 1.5        in [tags] and [tag]: a number tag, when NAME is upper
 *                      case letters, digits, '-' and '_'; there use ';' for
 *                      comments
 *
 * There are no quotes, no continuation lines and no `key: value`.  inih does
 * the splitting; what it would lose without a word (long lines, `;` in values,
 * repeated keys, line numbers) is kept here. */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include "common/err.h"
#include "config/note.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	INI_LINE_MAX = 4096,     /* bytes of a line */
	INI_SECTION_MAX = 48,    /* bytes between the brackets */
	INI_KEY_MAX = 160,       /* bytes of a key */
	INI_FILE_MAX = 16 << 20, /* bytes of a file */
};

struct ini_item {
	char *key, *value;
	int line;
	bool bad; /* already complained about: nobody else should */
};

struct ini_section {
	char *name;       /* "bus plc", blanks made one */
	char *kind;       /* "bus" */
	const char *id;   /* "plc", or NULL; in name */
	const char *file; /* borrowed */
	const char *base; /* the first file that was read; borrowed */
	int line;
	bool bad;      /* a line of it could not be read: keys may be missing */
	bool repeated; /* its name stood before */
	struct ini_item *items;
	size_t n, cap;
};

/* Zero-initialised is empty. */
struct ini {
	const char *file; /* the first that was read; borrowed */
	struct ini_section *sections;
	size_t n, cap;
	bool bad; /* a [section] line could not be read: sections are missing */
};

/* ini_read appends what data[len] holds, in order.  file names it in notes and
 * is borrowed until ini_fini. */
void ini_read(struct ini *ini, const char *file, const char *data, size_t len,
    struct notes *notes);

/* ini_read_file is ini_read of the file at path.
 * Errors: ERR_IO, with a note.  What is wrong inside is only in notes. */
enum err ini_read_file(
    struct ini *ini, const char *path, struct notes *notes) MUST_USE;

/* ini_repeats notes and marks each section and key that stands twice, in one
 * file or in several: the first counts. */
void ini_repeats(struct ini *ini, struct notes *notes);

/* ini_find returns the item of that key, or NULL; s may be NULL. */
struct ini_item *ini_find(const struct ini_section *s, const char *key);

/* ini_place: i may be NULL for the section's own line. */
struct place ini_place(const struct ini_section *s, const struct ini_item *i);

/* ini_add_value appends a value as it stands behind "key = ". */
void ini_add_value(const char *value, struct buf *out);

void ini_fini(struct ini *ini);

#endif
