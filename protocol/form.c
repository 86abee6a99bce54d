#include "protocol/form.h"

#include "common/mem.h"
#include "protocol/node_ref.h"
#include "protocol/stanza.h"

#include <stdlib.h>
#include <string.h>

xmpp_stanza_t *
form_new(xmpp_ctx_t *ctx, const char *type, const char *title)
{
	xmpp_stanza_t *x = stanza_el(ctx, "x", FORM_NS);

	xmpp_stanza_set_type(x, type);
	if (title)
		stanza_put(ctx, x, "title", title);
	return x;
}

static void
put_option(xmpp_ctx_t *ctx, xmpp_stanza_t *field, const struct form_option *o)
{
	xmpp_stanza_t *el = stanza_el(ctx, "option", NULL);

	if (o->label)
		xmpp_stanza_set_attribute(el, "label", o->label);
	stanza_put(ctx, el, "value", o->value);
	stanza_add(field, el);
}

static void
put_validate(xmpp_ctx_t *ctx, xmpp_stanza_t *field, const struct form_field *f)
{
	xmpp_stanza_t *el = stanza_el(ctx, "validate", VALIDATE_NS);
	bool range = f->min || f->max;
	xmpp_stanza_t *how = stanza_el(ctx, range ? "range" : "basic", NULL);

	xmpp_stanza_set_attribute(el, "datatype", f->datatype);
	if (f->min)
		xmpp_stanza_set_attribute(how, "min", f->min);
	if (f->max)
		xmpp_stanza_set_attribute(how, "max", f->max);
	stanza_add(el, how);
	stanza_add(field, el);
}

void
form_put(xmpp_ctx_t *ctx, xmpp_stanza_t *x, const struct form_field *f)
{
	xmpp_stanza_t *el = stanza_el(ctx, "field", NULL);

	xmpp_stanza_set_attribute(el, "var", f->var);
	if (f->type)
		xmpp_stanza_set_type(el, f->type);
	if (f->label)
		xmpp_stanza_set_attribute(el, "label", f->label);
	if (f->desc)
		stanza_put(ctx, el, "desc", f->desc);
	if (f->datatype)
		put_validate(ctx, el, f);
	for (size_t i = 0; i < f->n_options; i++)
		put_option(ctx, el, &f->options[i]);
	if (f->value)
		stanza_put(ctx, el, "value", f->value);
	for (size_t i = 0; i < f->n_more; i++)
		stanza_put(ctx, el, "value", f->more[i]);
	if (f->not_same)
		stanza_add(el, stanza_el(ctx, "notSame", DYNAMIC_NS));
	if (f->group) {
		xmpp_stanza_t *g =
		    stanza_el(ctx, "parameterGroup", "urn:xmpp:iot:control");

		xmpp_stanza_set_attribute(g, "name", f->group);
		stanza_add(el, g);
	}
	stanza_add(x, el);
}

void
form_submit(
    xmpp_ctx_t *ctx, xmpp_stanza_t *x, const char *var, const char *value)
{
	xmpp_stanza_t *el = stanza_el(ctx, "field", NULL);

	xmpp_stanza_set_attribute(el, "var", var);
	stanza_put(ctx, el, "value", value);
	stanza_add(x, el);
}

xmpp_stanza_t *
form_row(xmpp_ctx_t *ctx, xmpp_stanza_t *x, const char *name)
{
	xmpp_stanza_t *row = stanza_el(ctx, name, NULL);

	stanza_add(x, row);
	return row;
}

/* Owned by the form from here on; NULL stays NULL. */
static void *
keep(struct form *form, void *p)
{
	if (!p)
		return NULL;
	form->owned = mem_grow(
	    form->owned, form->n_owned, &form->cap_owned, sizeof(*form->owned));
	form->owned[form->n_owned++] = p;
	return p;
}

static const char *
attr_copy(struct form *form, xmpp_stanza_t *el, const char *name)
{
	return keep(form, mem_strdup(xmpp_stanza_get_attribute(el, name)));
}

/* The text of the first child of that name, or NULL. */
static const char *
child_text(struct form *form, xmpp_stanza_t *el, const char *name)
{
	xmpp_stanza_t *c =
	    child_next(xmpp_stanza_get_children(el), name, FORM_NS);

	return c ? keep(form, stanza_text(c)) : NULL;
}

static enum err
read_values(struct form *form, xmpp_stanza_t *field, struct form_field *f,
    struct errbuf *eb)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(field);
	const char **v = NULL;
	size_t n = 0, cap = 0;

	for (; (c = child_next(c, "value", FORM_NS)) && n <= FORM_VALUES_MAX;
	     c = xmpp_stanza_get_next(c)) {
		const char *text = keep(form, stanza_text(c));

		if (!f->value) {
			f->value = text;
			continue;
		}
		v = mem_grow(v, n, &cap, sizeof(*v));
		v[n++] = text;
	}
	f->more = keep(form, v);
	f->n_more = n;
	return n < FORM_VALUES_MAX
	    ? OK
	    : errbuf_set(eb, ERR_RANGE, "a form field has more than %d values",
		  FORM_VALUES_MAX);
}

static void
read_validate(struct form *form, xmpp_stanza_t *field, struct form_field *f)
{
	xmpp_stanza_t *el = child_next(
	    xmpp_stanza_get_children(field), "validate", VALIDATE_NS);
	xmpp_stanza_t *range;

	if (!el)
		return;
	f->datatype = attr_copy(form, el, "datatype");
	range = child_next(xmpp_stanza_get_children(el), "range", VALIDATE_NS);
	if (!range)
		return;
	f->min = attr_copy(form, range, "min");
	f->max = attr_copy(form, range, "max");
}

static enum err
read_options(struct form *form, xmpp_stanza_t *field, struct form_field *f,
    struct errbuf *eb)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(field);
	struct form_option *v = NULL;
	size_t n = 0, cap = 0;

	for (; (c = child_next(c, "option", FORM_NS)) && n <= FORM_OPTIONS_MAX;
	     c = xmpp_stanza_get_next(c)) {
		const char *value = child_text(form, c, "value");

		if (!value)
			continue;
		v = mem_grow(v, n, &cap, sizeof(*v));
		v[n++] =
		    (struct form_option){ attr_copy(form, c, "label"), value };
	}
	f->options = keep(form, v);
	f->n_options = n;
	return n <= FORM_OPTIONS_MAX
	    ? OK
	    : errbuf_set(eb, ERR_RANGE, "a form field has more than %d options",
		  FORM_OPTIONS_MAX);
}

static enum err
read_field(struct form *form, xmpp_stanza_t *el, struct form_field *f,
    struct errbuf *eb)
{
	xmpp_stanza_t *kids = xmpp_stanza_get_children(el);
	xmpp_stanza_t *group =
	    child_next(kids, "parameterGroup", "urn:xmpp:iot:control");
	enum err e;

	f->var = attr_copy(form, el, "var");
	f->type = attr_copy(form, el, "type");
	f->label = attr_copy(form, el, "label");
	f->desc = child_text(form, el, "desc");
	f->not_same = child_next(kids, "notSame", DYNAMIC_NS) != NULL;
	if (group)
		f->group = attr_copy(form, group, "name");
	read_validate(form, el, f);
	e = read_values(form, el, f, eb);
	return e == OK ? read_options(form, el, f, eb) : e;
}

/* A submitted form may leave out the types, never the names. */
static enum err
check_field(
    const struct form *form, const struct form_field *f, struct errbuf *eb)
{
	if (!f->var)
		return OK; /* a fixed text */
	for (const struct form_field *o = form->v; o < f; o++) {
		if (o->var && strcmp(o->var, f->var) == 0)
			return errbuf_set(eb, ERR_PROTO,
			    "the form has two fields of one name");
	}
	return OK;
}

static enum err
read_fields(xmpp_stanza_t *x, struct form *out, struct errbuf *eb)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(x);
	enum err e = OK;

	for (; e == OK && (c = child_next(c, "field", FORM_NS));
	     c = xmpp_stanza_get_next(c)) {
		if (out->n == FORM_FIELDS_MAX)
			return errbuf_set(eb, ERR_RANGE,
			    "a form of more than %d fields", FORM_FIELDS_MAX);
		out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
		out->v[out->n] = (struct form_field){ 0 };
		e = read_field(out, c, &out->v[out->n++], eb);
		if (e == OK)
			e = check_field(out, &out->v[out->n - 1], eb);
	}
	return e;
}

enum err
form_parse(xmpp_stanza_t *x, struct form *out, struct errbuf *eb)
{
	const char *name = xmpp_stanza_get_name(x);
	const char *ns = xmpp_stanza_get_ns(x);

	memset(out, 0, sizeof(*out));
	if (!name || !ns || strcmp(name, "x") != 0 || strcmp(ns, FORM_NS) != 0)
		return errbuf_set(eb, ERR_UNSUP, "not a form");
	out->type = attr_copy(out, x, "type");
	out->title = child_text(out, x, "title");
	return read_fields(x, out, eb);
}

enum err
form_parse_row(xmpp_stanza_t *item, struct form *out, struct errbuf *eb)
{
	memset(out, 0, sizeof(*out));
	return read_fields(item, out, eb);
}

void
form_fini(struct form *f)
{
	for (size_t i = 0; i < f->n_owned; i++)
		free(f->owned[i]);
	free(f->owned);
	free(f->v);
	*f = (struct form){ 0 };
}

const struct form_field *
form_field(const struct form *f, const char *var)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].var && strcmp(f->v[i].var, var) == 0)
			return &f->v[i];
	}
	return NULL;
}

const char *
form_value(const struct form *f, const char *var)
{
	const struct form_field *field = form_field(f, var);

	return field ? field->value : NULL;
}
