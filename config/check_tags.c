/* The tags of nodes, and of all of them. */
#include "config/load.h"

#include "config/tagrule.h"

#include <strings.h>

enum { TAGS_MAX = 60 }; /* of a thing are 64 with KEY and what is to come */

/* Whether the tag is there before v[i], or in other[m]. */
static bool
stands_before(const struct cfg_tag *tag, const struct cfg_tag *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(v[i].name, tag->name) == 0)
			return true;
	return false;
}

static void
check_twice(
    struct load *l, const struct cfg_tag *v, size_t n, const char *section)
{
	for (size_t i = 0; i < n; i++)
		if (stands_before(&v[i], v, i))
			note_error(&l->notes,
			    (struct place){ v[i].file, v[i].line, section },
			    "tag %s stands twice", v[i].name);
}

/* Fields that the tag follows must be there, for a claim unchanging. */
static void
check_follows(struct load *l, const struct cfg_tag *tag,
    const struct cfg_node *n, bool claim, const char *section)
{
	struct place at = { tag->file, tag->line, section };
	const char *value = tag->value;
	char field[TAGRULE_FIELD];

	while (tagrule_field(&value, field)) {
		const struct field *f = tmpl_find(n->tmpl, field);

		if (!f)
			note_error(&l->notes, at,
			    "tag %s: the template %s has no field \"%s\"",
			    tag->name, n->tmpl->id, field);
		else if (claim && f->kind != KIND_IDENTITY)
			note_error(&l->notes, at,
			    "tag %s: the field %s is not kind=identity, and "
			    "would change",
			    tag->name, field);
	}
}

/* A tag that replaces another must be of its type: LAT and #LAT are one tag,
 * once a text and once a number. */
static void
check_type(struct load *l, const struct cfg_tag *tag, const char *section,
    const char *name, bool num, const char *where)
{
	if (strcasecmp(tag->name, name) == 0 && tag->num != num)
		note_error(&l->notes,
		    (struct place){ tag->file, tag->line, section },
		    "tag %s is %s here and %s in %s", tag->name,
		    tag->num ? "a number (#)" : "text",
		    num ? "a number (#)" : "text", where);
}

static void
check_types(struct load *l, const struct cfg_node *n, const char *section)
{
	const struct tmpl *t = n->tmpl;

	for (size_t i = 0; i < n->n_tags; i++)
		for (size_t k = 0; k < l->c->n_tags; k++)
			check_type(l, &n->tags[i], section, l->c->tags[k].name,
			    l->c->tags[k].num, "[tags]");
	for (size_t i = 0; t && i < n->n_claim; i++)
		for (size_t k = 0; k < t->n_tags; k++)
			check_type(l, &n->claim[i], section, t->tags[k].name,
			    t->tags[k].num, t->id);
	for (size_t i = 0; i < n->n_claim; i++)
		for (size_t k = 0; k < l->c->n_tags; k++)
			check_type(l, &n->claim[i], section, l->c->tags[k].name,
			    l->c->tags[k].num, "[tags]");
}

void
load_check_node_tags(
    struct load *l, const struct cfg_node *n, const struct ini_section *s)
{
	size_t all = n->n_claim + n->n_tags + l->c->n_tags +
	    (n->tmpl ? n->tmpl->n_tags : 0);

	if (all > TAGS_MAX)
		note_error(&l->notes, ini_place(s, NULL),
		    "the node has %zu tags with those of [tags] and of its "
		    "template: %d are allowed",
		    all, TAGS_MAX);
	check_twice(l, n->claim, n->n_claim, s->name);
	check_twice(l, n->tags, n->n_tags, s->name);
	for (size_t i = 0; i < n->n_tags; i++)
		if (stands_before(&n->tags[i], n->claim, n->n_claim))
			note_error(&l->notes,
			    (struct place){
				n->tags[i].file, n->tags[i].line, s->name },
			    "tag %s is a claim tag of this node already",
			    n->tags[i].name);
	check_types(l, n, s->name);
	for (size_t i = 0; n->tmpl && i < n->n_claim; i++)
		check_follows(l, &n->claim[i], n, true, s->name);
	for (size_t i = 0; n->tmpl && i < n->n_tags; i++)
		check_follows(l, &n->tags[i], n, false, s->name);
}

/* A tag of [tags] that follows a field: the first node without it is named. */
static void
check_common_tag(struct load *l, const struct cfg_tag *tag)
{
	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct cfg_node *n = &l->c->nodes[i];
		size_t before = l->notes.errors;

		if (!n->tmpl || stands_before(tag, n->tags, n->n_tags))
			continue;
		check_follows(l, tag, n, false, "tags");
		if (l->notes.errors > before)
			return;
	}
}

static void
warn_of_texts(
    struct load *l, const struct cfg_tag *v, size_t n, const char *section)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].num && tagrule_is_number(v[i].name))
			note_warning(&l->notes,
			    (struct place){ v[i].file, v[i].line, section },
			    "tag %s is text here, and no search by number "
			    "finds it (write #%s)",
			    v[i].name, v[i].name);
}

/* What is right in itself, and yet not what was meant. */
static void
warn_of_types(struct load *l)
{
	warn_of_texts(l, l->c->tags, l->c->n_tags, "tags");
	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct cfg_node *n = &l->c->nodes[i];
		const char *section = l->node_at[i]->name;

		warn_of_texts(l, n->claim, n->n_claim, section);
		warn_of_texts(l, n->tags, n->n_tags, section);
	}
}

void
load_check_tags(struct load *l)
{
	check_twice(l, l->c->tags, l->c->n_tags, "tags");
	for (size_t i = 0; i < l->c->n_tags; i++)
		check_common_tag(l, &l->c->tags[i]);
	if (l->notes.errors == 0)
		warn_of_types(l);
}
