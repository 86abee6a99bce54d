#include "config/template.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/serial_mode.h"
#include "config/tagrule.h"
#include "config/tmpl_draft.h"
#include "config/tmpl_field.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 1000 };

/* --- the draft --- */

struct ini_section *
draft_section(struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->ini.n; i++)
		if (strcmp(d->ini.sections[i].name, name) == 0)
			return &d->ini.sections[i];
	return NULL;
}

struct place
draft_place(struct draft *d, const char *section, const char *key)
{
	const struct ini_section *s = draft_section(d, section);

	if (!s)
		return (struct place){ d->ini.file, 0, section };
	return ini_place(s, key ? ini_find(s, key) : NULL);
}

bool
draft_given(struct draft *d, const char *section, const char *key)
{
	const struct ini_item *i = ini_find(draft_section(d, section), key);

	return i && !i->bad && i->value[0];
}

void
draft_each(struct draft *d, const char *section,
    void (*each)(struct draft *, struct ini_item *, struct place))
{
	struct ini_section *s = draft_section(d, section);

	for (size_t i = 0; s && i < s->n; i++)
		if (!s->items[i].bad)
			each(d, &s->items[i], ini_place(s, &s->items[i]));
}

/* --- sections --- */

static void
check_serial(struct draft *d)
{
	struct ini_section *s = draft_section(d, "serial");

	if (serial_mode_bits(d->mode, &d->t.serial) != OK)
		note_error(d->notes, draft_place(d, "serial", "mode"),
		    "mode must be as 8N1, not \"%s\"", d->mode);
	if (s && !s->bad && !ini_find(s, "baud"))
		note_error(d->notes, ini_place(s, NULL), "baud is missing");
	d->t.serial.baud = (int)d->baud;
}

static bool
field_name_fits(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return false;
	return strlen(name) < TAGRULE_FIELD;
}

/* Notes what is wrong with a name, or with having one more. */
static void
check_name(struct draft *d, const char *name, size_t before, struct place at)
{
	if (!field_name_fits(name))
		note_error(d->notes, at,
		    "%s: a name is letters, digits, '_', '.' and '-', at most "
		    "63",
		    name);
	else if (before == FIELDS_MAX)
		note_error(
		    d->notes, at, "%s: there are more than 1000 lines", name);
}

static void
take_field(struct draft *d, struct ini_item *i, struct place at)
{
	struct tmpl *t = &d->t;
	struct field f = { .name = NULL };

	if (t->n_fields > FIELDS_MAX)
		return; /* it was said */
	f.name = mem_strdup(i->key);
	check_name(d, i->key, t->n_fields, at);
	i->bad = !tmpl_field_parse(t, &f, i->value, at, d->notes);
	t->fields = mem_resize(t->fields, t->n_fields + 1, sizeof(f));
	t->fields[t->n_fields++] = f;
}

static void
take_control(struct draft *d, struct ini_item *i, struct place at)
{
	struct tmpl *t = &d->t;
	struct control c = { .f.name = NULL };

	if (t->n_controls > FIELDS_MAX)
		return;
	c.f.name = mem_strdup(i->key);
	check_name(d, i->key, t->n_controls, at);
	i->bad = !tmpl_control_parse(t, &c, i->value, at, d->notes);
	t->controls = mem_resize(t->controls, t->n_controls + 1, sizeof(c));
	t->controls[t->n_controls++] = c;
}

static bool
id_fits(const char *id)
{
	for (const char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return isalnum((unsigned char)id[0]);
}

static void
check_id(struct draft *d)
{
	if (d->t.id && !id_fits(d->t.id))
		note_error(d->notes, draft_place(d, "template", "id"),
		    "id is letters, digits, '.', '_' and '-', not \"%s\"",
		    d->t.id);
}

/* Without kind nobody can say what a field's line means, and of a text device
 * without format. */
static bool
lines_mean_something(struct draft *d)
{
	return draft_given(d, "template", "kind") &&
	    (d->t.kind == TMPL_MODBUS || draft_given(d, "parse", "format"));
}

static void
take_all(struct draft *d)
{
	check_id(d);
	check_serial(d);
	tmpl_take_polls(d);
	if (draft_given(d, "template", "kind"))
		tmpl_check_sections(d);
	if (d->t.kind == TMPL_TEXT && draft_section(d, "frame"))
		tmpl_take_frame(d);
	if (!lines_mean_something(d))
		return;
	draft_each(d, "field", take_field);
	if (d->t.kind == TMPL_MODBUS)
		draft_each(d, "control", take_control);
	tmpl_check_whole(d);
	draft_each(d, "tag", tmpl_take_tag);
	if (d->t.kind == TMPL_TEXT)
		tmpl_check_regex(d);
}

/* --- loading --- */

static char *
text_of(const struct ini *ini)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < ini->n; i++) {
		const struct ini_section *s = &ini->sections[i];

		buf_printf(&b, "[%s]\n", s->name);
		for (size_t k = 0; k < s->n; k++) {
			buf_printf(&b, "%s = ", s->items[k].key);
			ini_add_value(s->items[k].value, &b);
			buf_putc(&b, '\n');
		}
	}
	return buf_take(&b);
}

/* Takes what d->ini holds. */
static enum err
finish(struct draft *d, struct tmpl **out)
{
	struct tmpl *t = mem_zalloc(sizeof(*t));

	ini_repeats(&d->ini, d->notes);
	keys_fill_all(&tmpl_schema, &d->ini, d, SECRETS_FORM, d->notes);
	take_all(d);
	d->t.file = mem_strdup(d->ini.file);
	d->t.text = text_of(&d->ini);
	ini_fini(&d->ini);
	free(d->mode);
	free(d->end);
	free(d->length);
	*t = d->t;
	if (d->notes->errors) {
		tmpl_free(t);
		return ERR_CONFIG;
	}
	*out = t;
	return OK;
}

enum err
tmpl_load_text(const char *path, const char *data, size_t len,
    struct tmpl **out, struct buf *errs)
{
	struct notes notes = { .out = errs };
	struct draft d = { .notes = &notes };

	*out = NULL;
	ini_read(&d.ini, path, data, len, &notes);
	return finish(&d, out);
}

enum err
tmpl_load(const char *path, struct tmpl **out, struct buf *errs)
{
	struct notes notes = { .out = errs };
	struct draft d = { .notes = &notes };
	enum err e;

	*out = NULL;
	e = ini_read_file(&d.ini, path, &notes);
	if (e != OK) {
		ini_fini(&d.ini);
		return e;
	}
	return finish(&d, out);
}

static void
free_fields(struct field *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tmpl_field_fini(&v[i]);
	free(v);
}

struct tmpl *
tmpl_again(const struct tmpl *t)
{
	struct buf notes = { 0 };
	struct tmpl *out;

	/* It was right once, so it is. */
	if (tmpl_load_text(t->file, t->text, strlen(t->text), &out, &notes) !=
	    OK)
		out = NULL;
	buf_fini(&notes);
	return out;
}

void
tmpl_free(struct tmpl *t)
{
	struct draft d = { 0 };

	if (!t)
		return;
	for (size_t i = 0; i < t->n_tags; i++) {
		free(t->tags[i].name);
		free(t->tags[i].value);
	}
	free(t->tags);
	for (size_t i = 0; i < t->n_polls; i++)
		free(t->polls[i].name);
	free(t->polls);
	free_fields(t->fields, t->n_fields);
	for (size_t i = 0; i < t->n_controls; i++)
		tmpl_field_fini(&t->controls[i].f);
	free(t->controls);
	for (size_t i = 0; i < t->frame.n_ends; i++)
		free(t->frame.ends[i].data);
	free(t->frame.ends);
	free(t->frame.end.data);
	free(t->file);
	free(t->text);
	free(t->changes);
	d.t = *t;
	keys_fini_all(&tmpl_schema, &d);
	free(t);
}

bool
tmpl_equal(const struct tmpl *a, const struct tmpl *b)
{
	const char *x = a->changes ? a->changes : "";
	const char *y = b->changes ? b->changes : "";

	/* The longest last. */
	return strcmp(a->id, b->id) == 0 && strcmp(x, y) == 0 &&
	    strcmp(a->text, b->text) == 0;
}

const struct field *
tmpl_find(const struct tmpl *t, const char *name)
{
	for (size_t i = 0; i < t->n_fields; i++)
		if (strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	return NULL;
}

const struct control *
tmpl_find_control(const struct tmpl *t, const char *name)
{
	for (size_t i = 0; i < t->n_controls; i++)
		if (strcmp(t->controls[i].f.name, name) == 0)
			return &t->controls[i];
	return NULL;
}

static bool
holds_address(const struct bytes *b)
{
	return b->data && strstr(b->data, "{address}");
}

bool
tmpl_has_address(const struct tmpl *t)
{
	return holds_address(&t->frame.request) || tmpl_tells_address(t);
}

bool
tmpl_tells_address(const struct tmpl *t)
{
	return holds_address(&t->frame.match);
}
