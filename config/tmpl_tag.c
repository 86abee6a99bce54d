/* The claim tags of a template. */
#include "common/mem.h"
#include "config/tagrule.h"
#include "config/tmpl_draft.h"

#include <strings.h>

enum { TAGS_OF_TEMPLATE = 32 };

static void
check_references(
    struct draft *d, const char *name, const char *value, struct place at)
{
	char field[TAGRULE_FIELD];

	while (tagrule_field(&value, field)) {
		const struct field *f = tmpl_find(&d->t, field);
		const struct ini_item *i =
		    ini_find(draft_section(d, "field"), field);

		if (i && i->bad)
			continue;
		if (!f)
			note_error(d->notes, at,
			    "tag %s: there is no field \"%s\"", name, field);
		else if (f->kind != KIND_IDENTITY)
			note_error(d->notes, at,
			    "tag %s: the field %s is not kind=identity, and "
			    "would change",
			    name, field);
	}
}

void
tmpl_take_tag(struct draft *d, struct ini_item *i, struct place at)
{
	struct tmpl *t = &d->t;
	bool num;
	const char *name = tagrule_split(i->key, &num);

	if (t->n_tags == TAGS_OF_TEMPLATE) {
		note_error(
		    d->notes, at, "tag %s: there are more than 32", name);
		return;
	}
	if (!tagrule_check(name, i->value, num, at, d->notes))
		return;
	for (size_t n = 0; n < t->n_tags; n++)
		if (strcasecmp(t->tags[n].name, name) == 0)
			note_error(d->notes, at, "tag %s stands twice", name);
	check_references(d, name, i->value, at);
	t->tags = mem_resize(t->tags, t->n_tags + 1, sizeof(*t->tags));
	t->tags[t->n_tags++] =
	    (struct tmpl_tag){ mem_strdup(name), mem_strdup(i->value), num };
}
