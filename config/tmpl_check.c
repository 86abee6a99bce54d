/* What the lines and sections of a template say of each other. */
#include "common/mem.h"
#include "common/num.h"
#include "config/tmpl_draft.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

enum { HINT_SIZE = 96 };

static void
check_probe(struct draft *d)
{
	const char *probe = d->t.probe;
	struct place at = draft_place(d, "modbus", "probe");
	size_t n = probe ? strcspn(probe, " \t") : 0;
	char *name, *lo, *dots;
	struct num a, b;

	if (!probe)
		return;
	name = mem_strndup(probe, n);
	lo = mem_strdup(probe + n + strspn(probe + n, " \t"));
	dots = strstr(lo, "..");
	if (dots)
		*dots = '\0';
	if (!tmpl_find(&d->t, name))
		note_error(
		    d->notes, at, "probe: there is no field \"%s\"", name);
	else if (!dots || num_parse(lo, &a) != OK ||
	    num_parse(dots + 2, &b) != OK || num_cmp(a, b) > 0)
		note_error(d->notes, at, "probe must be FIELD MIN..MAX");
	free(lo);
	free(name);
}

/* --- scale factors of SunSpec --- */

/* NULL when f may be the power of ten of others. */
static const char *
sf_fault(const struct field *f)
{
	if (f->type != REG_I16 || f->sf || f->n_words)
		return "is no plain i16";
	if (f->scale.mant != 1 || f->scale.dec != 0 || f->offset.mant != 0)
		return "has a scale or an offset of its own";
	return NULL;
}

static void
link_sf(struct draft *d, struct field *f, struct place at)
{
	const struct field *of = tmpl_find(&d->t, f->sf);
	const struct ini_item *i = ini_find(draft_section(d, "field"), f->sf);
	struct guess g = { .word = f->sf };
	char hint[HINT_SIZE];
	const char *bad;

	if (!of) {
		for (size_t k = 0; k < d->t.n_fields; k++)
			guess_try(&g, d->t.fields[k].name);
		note_error(d->notes, at, "%s: sf: there is no field \"%s\"%s",
		    f->name, f->sf, guess_hint(&g, hint, sizeof(hint)));
		return;
	}
	if (i->bad)
		return;
	bad = of == f ? "is the field itself" : sf_fault(of);
	if (bad)
		note_error(d->notes, at, "%s: sf: %s %s", f->name, f->sf, bad);
	else
		f->sf_field = (int)(of - d->t.fields);
}

static void
link_sfs(struct draft *d)
{
	struct ini_section *s = draft_section(d, "field");

	for (size_t i = 0; i < d->t.n_fields; i++) {
		struct field *f = &d->t.fields[i];
		struct ini_item *item = ini_find(s, f->name);

		if (f->sf && !item->bad)
			link_sf(d, f, ini_place(s, item));
	}
}

/* --- controls and the fields of their names --- */

static bool
same_unit(const struct field *a, const struct field *b)
{
	return strcmp(a->unit, b->unit) == 0;
}

/* One value in two forms: at the same address it is not the same number. */
static bool
same_form(const struct field *a, const struct field *b)
{
	if (a->table != b->table || a->addr != b->addr ||
	    a->bit_hi != b->bit_hi || a->bit_lo != b->bit_lo)
		return true;
	return a->type == b->type && a->order == b->order && !a->sf &&
	    num_cmp(a->scale, b->scale) == 0 &&
	    num_cmp(a->offset, b->offset) == 0;
}

/* What the line of a control does not say is that of its field. */
static void
inherit(struct field *c, const struct field *f)
{
	if (!c->unit)
		c->unit = mem_strdup(f ? f->unit : "");
	if (!c->label)
		c->label = mem_strdup(f ? f->label : c->name);
}

static void
link_control(struct draft *d, struct control *c)
{
	struct ini_section *s = draft_section(d, "control");
	struct ini_item *item = ini_find(s, c->f.name);
	struct ini_item *twin = ini_find(draft_section(d, "field"), c->f.name);
	const struct field *f = tmpl_find(&d->t, c->f.name);

	inherit(&c->f, f);
	if (!f || item->bad || twin->bad)
		return;
	c->field = (int)(f - d->t.fields);
	if (f->kind == KIND_IDENTITY)
		note_error(d->notes, ini_place(s, item),
		    "%s: the field of this name is kind=identity, which does "
		    "not change",
		    c->f.name);
	else if ((f->type == REG_STR) != (c->f.type == REG_STR))
		note_error(d->notes, ini_place(s, item),
		    "%s: the field of this name is %s", c->f.name,
		    f->type == REG_STR ? "text" : "no text");
	else if (!same_form(f, &c->f))
		note_error(d->notes, ini_place(s, item),
		    "%s: the field of this name is at the same address with "
		    "another type, order, scale or offset",
		    c->f.name);
	else if (!same_unit(f, &c->f))
		note_error(d->notes, ini_place(s, item),
		    "%s: the field of this name has unit=%s, not %s", c->f.name,
		    f->unit, c->f.unit);
}

/* --- sections --- */

/* Sections that the kind needs or cannot have. */
void
tmpl_check_sections(struct draft *d)
{
	static const struct {
		const char *name;
		enum tmpl_kind kind;
		bool needed;
	} rules[] = {
		{ "modbus", TMPL_MODBUS, false },
		{ "control", TMPL_MODBUS, false },
		{ "frame", TMPL_TEXT, true },
		{ "parse", TMPL_TEXT, true },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct ini_section *s = draft_section(d, rules[i].name);

		if (s && rules[i].kind != d->t.kind)
			note_error(d->notes, ini_place(s, NULL),
			    "the section does not belong to kind = %s",
			    d->t.kind == TMPL_MODBUS ? "modbus" : "text");
		if (!s && rules[i].kind == d->t.kind && rules[i].needed &&
		    !d->ini.bad)
			note_error(d->notes, draft_place(d, "template", "kind"),
			    "kind = text needs a section [%s]", rules[i].name);
	}
}

static void
check_field_number(struct draft *d)
{
	struct ini_section *s = draft_section(d, "field");

	if (d->t.n_fields == 0 && s && !s->bad && s->n == 0)
		note_error(d->notes, ini_place(s, NULL), "there are no fields");
}

void
tmpl_check_whole(struct draft *d)
{
	check_field_number(d);
	link_sfs(d);
	for (size_t i = 0; i < d->t.n_controls; i++)
		link_control(d, &d->t.controls[i]);
	check_probe(d);
}
