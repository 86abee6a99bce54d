/* keys.h, the reading half: from items of a file to fields of a struct. */
#include "config/keys.h"

#include "common/mem.h"
#include "config/secret.h"
#include "config/template.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

enum { HINT_SIZE = 96 };

static void *
field(const struct key *k, void *base)
{
	return (char *)base + k->offset;
}

/* What reading one value needs to know. */
struct job {
	const struct key *key;
	void *to;
	const char *text;
	struct place at;
	const char *base; /* the main file: secrets may stand beside it */
	enum key_secrets secrets;
	struct notes *notes;
};

static void
bad_number(const struct job *j, const char *what)
{
	struct buf range = { 0 };
	const struct key *k = j->key;

	if (k->min || k->max) {
		void (*add)(int64_t, struct buf *) = k->type == KEY_MICROS
		    ? value_micros_add
		    : value_duration_add;

		buf_puts(&range, " from ");
		if (k->type == KEY_INT)
			buf_printf(&range, "%lld to %lld", (long long)k->min,
			    (long long)k->max);
		else {
			add(k->min, &range);
			buf_puts(&range, " to ");
			add(k->max, &range);
		}
	}
	note_error(j->notes, j->at, "%s must be %s%s, not \"%s\"", k->name,
	    what, range.data ? range.data : "", j->text);
	buf_fini(&range);
}

/* A default may stand outside the range: 0s for "as the template says". */
static bool
number_fits(const struct job *j, int64_t v)
{
	const struct key *k = j->key;

	return (k->min == 0 && k->max == 0) || (v >= k->min && v <= k->max) ||
	    (k->def && strcmp(j->text, k->def) == 0);
}

static bool
read_int(const struct job *j)
{
	int64_t v;

	if (value_int(j->text, &v) != OK || !number_fits(j, v)) {
		bad_number(j, "a number");
		return false;
	}
	*(int64_t *)j->to = v;
	return true;
}

static bool
read_duration(const struct job *j)
{
	int64_t v;

	if (value_duration(j->text, &v) != OK || !number_fits(j, v)) {
		bad_number(j, "a time with its unit (ms, s, min, h, d)");
		return false;
	}
	*(int64_t *)j->to = v;
	return true;
}

static bool
read_micros(const struct job *j)
{
	int64_t v;

	if (value_micros(j->text, &v) != OK || !number_fits(j, v)) {
		bad_number(j, "a time with its unit (us, ms, s)");
		return false;
	}
	*(int64_t *)j->to = v;
	return true;
}

static bool
read_bool(const struct job *j)
{
	int v = value_word(j->text, "no|yes");

	if (v < 0) {
		note_error(j->notes, j->at, "%s must be yes or no, not \"%s\"",
		    j->key->name, j->text);
		return false;
	}
	*(bool *)j->to = v == 1;
	return true;
}

static bool
read_enum(const struct job *j)
{
	int v = value_word(j->text, j->key->words);

	if (v < 0) {
		note_error(j->notes, j->at, "%s must be one of %s, not \"%s\"",
		    j->key->name, j->key->words, j->text);
		return false;
	}
	*(int *)j->to = v;
	return true;
}

static bool
read_text(const struct job *j)
{
	mem_set(j->to, j->text);
	return true;
}

static bool
read_jid(const struct job *j)
{
	if (!value_jid(j->text, NULL, NULL)) {
		note_error(j->notes, j->at, "%s is not a JID: \"%s\"",
		    j->key->name, j->text);
		return false;
	}
	return read_text(j);
}

/* The text is never shown: it may be the secret itself. */
static bool
read_secret(const struct job *j)
{
	const char *name = secret_name(j->text);
	char **to = j->to;

	if (!name) {
		note_error(j->notes, j->at,
		    "%s must be " SECRET_PREFIX "NAME (secrets stand in files "
		    "of their own)",
		    j->key->name);
		return false;
	}
	if (j->secrets == SECRETS_FORM)
		return true;
	if (j->secrets == SECRETS_LOOK)
		return secret_look(name, j->base, j->at, j->notes);
	mem_free_secret(*to);
	*to = secret_read(name, j->base, j->at, j->notes);
	return *to != NULL;
}

static bool
read_bytes(const struct job *j)
{
	struct bytes *b = j->to;
	struct bytes v = { 0 };

	if (value_bytes(j->text, &v.data, &v.len) != OK) {
		note_error(j->notes, j->at,
		    "%s has an unknown escape (known: \\r \\n \\t \\0 \\\\ "
		    "\\\" "
		    "\\xHH)",
		    j->key->name);
		return false;
	}
	free(b->data);
	*b = v;
	return true;
}

static bool
read_char(const struct job *j)
{
	struct bytes v = { 0 };
	bool ok = value_bytes(j->text, &v.data, &v.len) == OK && v.len == 1;

	if (ok)
		*(char *)j->to = v.data[0];
	else
		note_error(j->notes, j->at,
		    "%s must be one character, not \"%s\"", j->key->name,
		    j->text);
	free(v.data);
	return ok;
}

static bool (*const readers[])(const struct job *) = {
	[KEY_TEXT] = read_text,
	[KEY_INT] = read_int,
	[KEY_DURATION] = read_duration,
	[KEY_MICROS] = read_micros,
	[KEY_BOOL] = read_bool,
	[KEY_ENUM] = read_enum,
	[KEY_SECRET] = read_secret,
	[KEY_JID] = read_jid,
	[KEY_BYTES] = read_bytes,
	[KEY_CHAR] = read_char,
};

void
keys_init(const struct section *s, void *base)
{
	struct buf none = { 0 };
	struct notes notes = { .out = &none };

	for (const struct key *k = s->keys; k && k->name; k++) {
		struct job j = { k, field(k, base), k->def,
			{ "default", 0, s->name }, NULL, SECRETS_FORM, &notes };

		if (k->def)
			readers[k->type](&j);
	}
	buf_fini(&none);
}

void
keys_fini(const struct section *s, void *base)
{
	for (const struct key *k = s->keys; k && k->name; k++) {
		void *p = field(k, base);

		if (k->type == KEY_SECRET)
			mem_free_secret(*(char **)p);
		if (k->type == KEY_TEXT || k->type == KEY_JID)
			free(*(char **)p);
		if (k->type == KEY_BYTES)
			free(((struct bytes *)p)->data);
	}
}

bool
keys_wild(const struct section *s, const char *name)
{
	const char *w = s->wild;

	while (w) {
		size_t n = strcspn(w, "|");

		if (strncmp(name, w, n) == 0 && (n == 0 || name[n]))
			return true;
		w = w[n] ? w + n + 1 : NULL;
	}
	return false;
}

static const struct key *
find_key(const struct section *s, const char *name)
{
	for (const struct key *k = s->keys; k && k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* Another section that has this key, or NULL. */
static const char *
home_of(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n; i++)
		if (find_key(&schema->sections[i], name))
			return schema->sections[i].name;
	return NULL;
}

static void
unknown_key(const struct schema *schema, const struct section *s,
    struct place at, const char *name, struct notes *notes)
{
	struct guess g = { .word = name };
	const char *home = home_of(schema, name);
	char hint[HINT_SIZE];

	for (const struct key *k = s->keys; k && k->name; k++)
		guess_try(&g, k->name);
	if (home)
		note_error(notes, at,
		    "unknown key \"%s\" (it belongs into "
		    "[%s])",
		    name, home);
	else
		note_error(notes, at, "unknown key \"%s\"%s", name,
		    guess_hint(&g, hint, sizeof(hint)));
}

static void
missing_keys(
    const struct section *s, const struct ini_section *in, struct notes *notes)
{
	for (const struct key *k = s->keys; k && k->name && !in->bad; k++)
		if (k->required && !ini_find(in, k->name))
			note_error(notes, ini_place(in, NULL),
			    "%s is missing (%s)", k->name, k->help);
}

static void
fill_item(const struct key *k, struct ini_section *in, struct ini_item *i,
    void *base, enum key_secrets secrets, struct notes *notes)
{
	struct job j = { k, field(k, base), i->value, ini_place(in, i),
		in->base, secrets, notes };

	if (i->value[0]) {
		i->bad = !readers[k->type](&j);
	} else if (k->required) {
		i->bad = true;
		note_error(notes, j.at, "%s is empty (%s)", k->name, k->help);
	}
	/* `host =` says no more than no line at all. */
}

void
keys_fill(const struct schema *schema, const struct section *s,
    struct ini_section *in, void *base, enum key_secrets secrets,
    struct notes *notes)
{
	for (size_t n = 0; n < in->n; n++) {
		struct ini_item *i = &in->items[n];
		const struct key *k = find_key(s, i->key);

		if (i->bad)
			continue;
		if (k)
			fill_item(k, in, i, base, secrets, notes);
		else if (!keys_wild(s, i->key))
			unknown_key(schema, s, ini_place(in, i), i->key, notes);
	}
	missing_keys(s, in, notes);
}

static void
unknown_section(const struct schema *schema, const struct ini_section *in,
    struct notes *notes)
{
	struct guess g = { .word = in->kind };
	char hint[HINT_SIZE];

	for (size_t i = 0; i < schema->n; i++)
		guess_try(&g, schema->sections[i].name);
	note_error(notes, ini_place(in, NULL), "unknown section%s",
	    guess_hint(&g, hint, sizeof(hint)));
}

static const struct section *
match(const struct schema *schema, const struct ini_section *in,
    struct notes *notes)
{
	for (size_t i = 0; i < schema->n; i++) {
		const struct section *s = &schema->sections[i];

		if (strcmp(s->name, in->kind) != 0)
			continue;
		if (s->named == (in->id != NULL))
			return s;
		if (s->named)
			note_error(notes, ini_place(in, NULL),
			    "the section has no name (write [%s NAME])",
			    s->name);
		else
			note_error(notes, ini_place(in, NULL),
			    "the section takes no name (write [%s])", s->name);
		return NULL;
	}
	unknown_section(schema, in, notes);
	return NULL;
}

static bool
has_section(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->n; i++)
		if (strcmp(ini->sections[i].kind, name) == 0)
			return true;
	return false;
}

void
keys_match(const struct schema *schema, struct ini *ini,
    const struct section **out, struct notes *notes)
{
	for (size_t i = 0; i < ini->n; i++) {
		struct ini_section *in = &ini->sections[i];

		out[i] = in->repeated ? NULL : match(schema, in, notes);
		ini->bad |= !in->repeated && !out[i];
	}
	/* A section that could not be understood may be the missing one. */
	for (size_t i = 0; i < schema->n && !ini->bad; i++) {
		const struct section *s = &schema->sections[i];

		if (s->required && !has_section(ini, s->name))
			note_error(notes,
			    (struct place){ ini->file, 0, s->name },
			    "the section is missing (%s)", s->help);
	}
}

void
keys_fill_all(const struct schema *schema, struct ini *ini, void *whole,
    enum key_secrets secrets, struct notes *notes)
{
	const struct section **found =
	    mem_array(ini->n + 1, sizeof(const struct section *));

	for (size_t i = 0; i < schema->n; i++)
		keys_init(&schema->sections[i],
		    (char *)whole + schema->sections[i].at);
	keys_match(schema, ini, found, notes);
	for (size_t i = 0; i < ini->n; i++)
		if (found[i])
			keys_fill(schema, found[i], &ini->sections[i],
			    (char *)whole + found[i]->at, secrets, notes);
	free(found);
}

void
keys_fini_all(const struct schema *schema, void *whole)
{
	for (size_t i = 0; i < schema->n; i++)
		keys_fini(&schema->sections[i],
		    (char *)whole + schema->sections[i].at);
}
