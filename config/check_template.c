/* The template of a node, with what the node changes of it. */
#include "config/load.h"

#include "common/mem.h"
#include "config/tmpl_field.h"
#include "config/value.h"

#include <string.h>

enum { HINT_SIZE = 96 };
enum { PART_MIN = 3 }; /* letters that tell something of an id */

static bool
is_broken(const struct load *l, const char *id)
{
	for (size_t i = 0; i < l->n_broken; i++)
		if (strcmp(l->broken[i], id) == 0)
			return true;
	return false;
}

static void
set_broken(struct load *l, const char *id)
{
	l->broken = mem_resize(l->broken, l->n_broken + 1, sizeof(char *));
	l->broken[l->n_broken++] = mem_strdup(id);
}

/* Whether a part of the id, as sdm630 of eastron.sdm630, is in the word. */
static bool
shares_part(const char *word, const char *id)
{
	const char *dot = strchr(id, '.');

	return strstr(id, word) ||
	    (dot && strlen(dot + 1) >= PART_MIN && strstr(word, dot + 1));
}

/* The id that was meant, if that can be guessed. */
static const char *
nearest(const struct tmpl_index *ix, const char *id)
{
	struct guess g = { .word = id };

	for (size_t i = 0; i < ix->n; i++)
		guess_try(&g, ix->v[i].id);
	if (g.best && g.cost <= 2 && g.cost < strlen(id))
		return g.best;
	for (size_t i = 0; i < ix->n && strlen(id) >= PART_MIN; i++)
		if (shares_part(id, ix->v[i].id))
			return ix->v[i].id;
	return NULL;
}

static void
unknown_template(struct load *l, const char *id, struct place at)
{
	const char *near = nearest(&l->index, id);
	struct buf dirs = { 0 };

	for (size_t i = 0; i < l->index.n_dirs; i++)
		buf_printf(&dirs, "%s%s", i ? ", " : "", l->index.dirs[i]);
	note_error(&l->notes, at,
	    "there is no template \"%s\" (%s%s%ssearched: %s)", id,
	    near ? "did you mean \"" : "", near ? near : "",
	    near ? "\"?  " : "", dirs.data);
	buf_fini(&dirs);
}

static const struct tmpl *
keep(struct cfg *c, struct tmpl *t)
{
	c->templates =
	    mem_resize(c->templates, c->n_templates + 1, sizeof(*c->templates));
	c->templates[c->n_templates++] = t;
	return t;
}

const struct tmpl *
load_template(struct load *l, const char *id, struct place at)
{
	struct cfg *c = l->c;
	const char *path;
	struct tmpl *t;

	for (size_t i = 0; i < c->n_templates; i++)
		if (strcmp(c->templates[i]->id, id) == 0)
			return c->templates[i];
	if (is_broken(l, id))
		return NULL;
	path = tmpl_index_path(&l->index, id);
	if (!path) {
		unknown_template(l, id, at);
		return NULL;
	}
	if (tmpl_load(path, &t, l->notes.out) != OK) {
		l->notes.errors++;
		set_broken(l, id);
		return NULL;
	}
	return keep(c, t);
}

/* The copy that is there already, or t. */
static const struct tmpl *
shared(struct cfg *c, struct tmpl *t)
{
	for (size_t i = 0; i < c->n_templates; i++) {
		if (!tmpl_equal(c->templates[i], t))
			continue;
		tmpl_free(t);
		return c->templates[i];
	}
	return keep(c, t);
}

static bool
change(struct load *l, struct tmpl *t, const struct cfg_change *x,
    const struct ini_section *s)
{
	struct place at = { x->file, x->line, s->name };
	struct guess g = { .word = x->field };
	char hint[HINT_SIZE];

	if (tmpl_find(t, x->field))
		return tmpl_field_change(
		    t, x->field, x->option, x->value, at, &l->notes);
	for (size_t i = 0; i < t->n_fields; i++)
		guess_try(&g, t->fields[i].name);
	note_error(&l->notes, at, "the template %s has no field \"%s\"%s",
	    t->id, x->field, guess_hint(&g, hint, sizeof(hint)));
	return false;
}

const struct tmpl *
load_changed(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	struct tmpl *t;
	bool good = true;

	if (n->n_changes == 0)
		return n->tmpl;
	t = tmpl_again(n->tmpl);
	for (size_t i = 0; t && i < n->n_changes; i++)
		good &= change(l, t, &n->changes[i], s);
	if (t && good)
		return shared(l->c, t);
	tmpl_free(t);
	return NULL;
}
