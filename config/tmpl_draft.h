/* A template while it is read: shared by the files that see to its sections. */
#ifndef CONFIG_TMPL_DRAFT_H
#define CONFIG_TMPL_DRAFT_H

#include "config/ini.h"
#include "config/keys.h"
#include "config/note.h"
#include "config/template.h"

#include <stdbool.h>

enum { POLL_MIN_MS = 50, POLL_MAX_MS = 86400000, POLL_DEFAULT_MS = 10000 };

/* What is read, and the parts of it that need a second look. */
struct draft {
	struct tmpl t; /* first: the tables' offsets are into it */
	int64_t baud;
	char *mode, *end, *length;
	struct ini ini;
	struct notes *notes;
};

extern const struct schema tmpl_schema; /* of struct draft */

/* draft_section returns the section, or NULL. */
struct ini_section *draft_section(struct draft *d, const char *name);

/* draft_place is where to point at for a key, which may be NULL or not there.
 */
struct place draft_place(struct draft *d, const char *section, const char *key);

/* draft_given tells whether the key was given and could be read. */
bool draft_given(struct draft *d, const char *section, const char *key);

/* draft_each calls each for the items of a section that are good so far. */
void draft_each(struct draft *d, const char *section,
    void (*each)(struct draft *, struct ini_item *, struct place));

/* The sections, in the order in which they build upon each other. */
void tmpl_take_polls(struct draft *d);
void tmpl_take_frame(struct draft *d);
void tmpl_take_tag(struct draft *d, struct ini_item *i, struct place at);
void tmpl_check_regex(struct draft *d);
/* tmpl_check_whole sees to what lines and sections say of each other. */
void tmpl_check_whole(struct draft *d);
void tmpl_check_sections(struct draft *d);

/* tmpl_poll_default is the class of fields that name none, or NULL. */
const struct poll_class *tmpl_poll_default(const struct tmpl *t);

/* tmpl_poll_add adds a time, as "1s", or "connect" as a class of that name
 * unless there is one.  False: text is none of all this. */
bool tmpl_poll_add(struct tmpl *t, const char *text);

#endif
