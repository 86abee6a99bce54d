/* Key tables: one line a key tells the loader, --help-config, the manual page
 * and the example file what it is. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "common/buf.h"
#include "common/err.h"
#include "config/ini.h"
#include "config/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum key_type {
	KEY_TEXT,     /* char *; NULL when empty */
	KEY_INT,      /* int64_t, min..max; 0x... allowed */
	KEY_DURATION, /* int64_t ms, min..max ms; "10s", units ms s min h d */
	KEY_MICROS,   /* int64_t us, min..max us; "500us", "2ms" */
	KEY_BOOL,     /* bool: yes | no */
	KEY_ENUM,     /* int: index in words */
	KEY_SECRET,   /* char *: @secret:NAME, resolved while loading */
	KEY_JID,      /* char *: a bare or full JID, as written */
	KEY_BYTES,    /* struct bytes (config/template.h): C escapes undone */
	KEY_CHAR,     /* char: one character, C escapes undone */
};

struct key {
	const char *name;
	enum key_type type;
	size_t offset;          /* in the section's struct */
	const char *def;        /* default as text, or NULL: zero */
	int64_t min, max;       /* KEY_INT, KEY_DURATION; both 0: any */
	const char *words;      /* KEY_ENUM: "a|b|c" */
	bool required, restart; /* restart: a reload cannot change it */
	const char *help;       /* one line */
};

/* One kind of section: [name] or, when named, [name IDENTIFIER]. */
struct section {
	const char *name;
	bool named;       /* may stand several times, with an identifier */
	const char *wild; /* key prefix whose rest is free, e.g. "tag.", or ""
			     for all keys, or NULL.  Two: "tag.|claim." */
	const char *wild_help;  /* one line */
	const struct key *keys; /* ends with a NULL name; may be NULL */
	size_t at;     /* not named: where in the whole its struct stands */
	size_t size;   /* of the struct that keys fill */
	bool required; /* not named: must be there */
	const char *help;
};

struct schema {
	const struct section *sections;
	size_t n;
};

/* What is done about secrets: only their form is checked; their files are
 * looked at, as far as this user may; they are read. */
enum key_secrets { SECRETS_FORM, SECRETS_LOOK, SECRETS_READ };

/* keys_init sets the defaults, keys_fini frees what keys filled in (secrets are
 * wiped).  base is the section's struct. */
void keys_init(const struct section *s, void *base);
void keys_fini(const struct section *s, void *base);

/* keys_match finds the table of each section of ini and notes those that have
 * none, have an identifier too many, or are missing.  out has room for ini->n;
 * NULL for a section that is to be left alone. */
void keys_match(const struct schema *schema, struct ini *ini,
    const struct section **out, struct notes *notes);

/* keys_fill reads the items of in into base, which keys_init prepared; items
 * that match a wild prefix are left to the caller.  Secrets that are not read
 * stay NULL. */
void keys_fill(const struct schema *schema, const struct section *s,
    struct ini_section *in, void *base, enum key_secrets secrets,
    struct notes *notes);

/* keys_fill_all does keys_init, keys_match and keys_fill for a file that has
 * no named sections; whole is what the sections' `at` refers to. */
void keys_fill_all(const struct schema *schema, struct ini *ini, void *whole,
    enum key_secrets secrets, struct notes *notes);
void keys_fini_all(const struct schema *schema, void *whole);

/* keys_wild tells whether name is left to the caller: it has a wild prefix. */
bool keys_wild(const struct section *s, const char *name);

/* keys_format appends the value in the form of the file, a secret as NULL or
 * "(set)".  Two values are equal when their texts are, but for secrets. */
void keys_format(const struct key *k, const void *base, struct buf *out);

/* keys_equal compares all keys, with restart only those marked so; *differs
 * (which may be NULL) is the first that differs. */
bool keys_equal(const struct section *s, const void *a, const void *b,
    bool restart, const struct key **differs);

/* keys_print writes the keys as a file would hold them, defaults marked. */
void keys_print(const struct section *s, const void *base, FILE *out);

/* keys_help prints all sections as --help-config shows them. */
void keys_help(const struct section *sections, size_t n, FILE *out);

/* keys_mdoc prints them as the list of the manual page (mdoc). */
void keys_mdoc(const struct section *sections, size_t n, FILE *out);

#endif
