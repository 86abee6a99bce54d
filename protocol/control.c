#include "protocol/control.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[CTL_TYPES] = { "boolean", "color", "date",
	"dateTime", "double", "duration", "int", "long", "string", "time" };

const char *
ctl_type_name(enum ctl_type t)
{
	return t < CTL_TYPES ? names[t] : "form";
}

static bool
find_type(const char *name, enum ctl_type *out)
{
	if (strcmp(name, "bool") == 0)
		name = names[CTL_BOOLEAN];
	for (unsigned i = 0; i < CTL_TYPES; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum ctl_type)i;
			return true;
		}
	}
	return false;
}

static enum err
add(struct ctl_set *s, enum ctl_type type, const char *name, const char *value,
    struct errbuf *eb)
{
	if (!name || !*name || !value)
		return errbuf_set(
		    eb, ERR_PROTO, "a parameter has no name or no value");
	if (s->n == CTL_PARAMS_MAX || utf8_count(name) > SD_NAME_MAX ||
	    utf8_count(value) > CTL_VALUE_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "too many parameters, or one that is too long");
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].name, name) == 0)
			return errbuf_set(
			    eb, ERR_PROTO, "two parameters of one name");
	}
	s->v = mem_grow(s->v, s->n, &s->cap, sizeof(*s->v));
	s->v[s->n++] = (struct ctl_param){ type, name, value };
	return OK;
}

/* Form fields that begin "xdd " belong to the dialogue (XEP-0336). */
static enum err
add_form(struct ctl_set *s, xmpp_stanza_t *x, struct errbuf *eb)
{
	enum err e = form_parse(x, &s->form, eb);

	if (e == OK && (!s->form.type || strcmp(s->form.type, "submit") != 0))
		return errbuf_set(eb, ERR_PROTO, "the form is not submitted");
	for (size_t i = 0; i < s->form.n && e == OK; i++) {
		const struct form_field *f = &s->form.v[i];

		if (!f->var || !f->value || strncmp(f->var, "xdd ", 4) == 0)
			continue;
		e = f->n_more ? errbuf_set(eb, ERR_PROTO,
				    "a parameter has several values")
			      : add(s, CTL_FORM, f->var, f->value, eb);
	}
	return e;
}

/* What is not known is passed over, but no parameter: the others would be set
 * without it. */
static enum err
add_param(struct ctl_set *s, xmpp_stanza_t *el, struct errbuf *eb)
{
	const char *name = xmpp_stanza_get_attribute(el, "name");
	const char *value = xmpp_stanza_get_attribute(el, "value");
	enum ctl_type type;

	if (find_type(xmpp_stanza_get_name(el), &type))
		return add(s, type, name, value, eb);
	if (!name || !value)
		return OK;
	return errbuf_set(eb, ERR_PROTO, "\"%.64s\" is no type of parameters",
	    xmpp_stanza_get_name(el));
}

static enum err
add_params(struct ctl_set *s, xmpp_stanza_t *el, struct errbuf *eb)
{
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);
	enum err e = OK;

	for (; e == OK && (c = child_next(c, NULL, CONTROL_NS));
	     c = xmpp_stanza_get_next(c))
		e = add_param(s, c, eb);
	return e;
}

enum err
ctl_form_parse(xmpp_stanza_t *el, struct ctl_set *out, struct errbuf *eb)
{
	memset(out, 0, sizeof(*out));
	tokens_parse(el, &out->tokens);
	return node_refs_parse(el, &out->nodes, eb);
}

enum err
ctl_set_parse(xmpp_stanza_t *el, struct ctl_set *out, struct errbuf *eb)
{
	xmpp_stanza_t *x =
	    child_next(xmpp_stanza_get_children(el), "x", FORM_NS);
	enum err e = ctl_form_parse(el, out, eb);

	if (e == OK)
		e = add_params(out, el, eb);
	if (e == OK && x && out->n)
		return errbuf_set(
		    eb, ERR_PROTO, "both parameters and a form are there");
	if (e == OK && x)
		e = add_form(out, x, eb);
	if (e == OK && !out->n)
		return errbuf_set(eb, ERR_PROTO, "there is no parameter");
	return e;
}

void
ctl_set_fini(struct ctl_set *s)
{
	node_refs_fini(&s->nodes);
	form_fini(&s->form);
	free(s->v);
	s->v = NULL;
	s->n = s->cap = 0;
}

xmpp_stanza_t *
ctl_form_build(xmpp_ctx_t *ctx, const struct ctl_set *s)
{
	xmpp_stanza_t *el = stanza_el(ctx, "getForm", CONTROL_NS);

	tokens_build(el, &s->tokens);
	node_refs_build(ctx, el, s->nodes.v, s->nodes.n);
	return el;
}

static void
build_form(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct ctl_set *s)
{
	xmpp_stanza_t *x = form_new(ctx, "submit", NULL);

	for (size_t i = 0; i < s->n; i++)
		form_submit(ctx, x, s->v[i].name, s->v[i].value);
	stanza_add(el, x);
}

/* The first parameter says whether it is a form. */
xmpp_stanza_t *
ctl_set_build(xmpp_ctx_t *ctx, const struct ctl_set *s)
{
	xmpp_stanza_t *el = stanza_el(ctx, "set", CONTROL_NS);

	tokens_build(el, &s->tokens);
	node_refs_build(ctx, el, s->nodes.v, s->nodes.n);
	if (s->n && s->v[0].type == CTL_FORM) {
		build_form(ctx, el, s);
		return el;
	}
	for (size_t i = 0; i < s->n; i++) {
		xmpp_stanza_t *c =
		    stanza_el(ctx, ctl_type_name(s->v[i].type), NULL);

		xmpp_stanza_set_attribute(c, "name", s->v[i].name);
		xmpp_stanza_set_attribute(c, "value", s->v[i].value);
		stanza_add(el, c);
	}
	return el;
}

xmpp_stanza_t *
ctl_done(
    xmpp_ctx_t *ctx, const struct node_refs *nodes, const struct names *params)
{
	xmpp_stanza_t *el = stanza_el(ctx, "setResponse", CONTROL_NS);

	if (nodes)
		node_refs_build(ctx, el, nodes->v, nodes->n);
	if (params)
		names_build(ctx, el, "parameter", params);
	return el;
}

enum err
ctl_done_parse(xmpp_stanza_t *el, struct node_refs *nodes, struct names *params,
    struct errbuf *eb)
{
	enum err e = node_refs_parse(el, nodes, eb);

	return e == OK ? names_parse(el, "parameter", params, eb) : e;
}

xmpp_stanza_t *
ctl_param_error(xmpp_ctx_t *ctx, const char *param, const char *text)
{
	xmpp_stanza_t *el = stanza_el(ctx, "paramError", CONTROL_NS);

	xmpp_stanza_set_attribute(el, "var", param);
	stanza_add_text(ctx, el, text);
	return el;
}

const char *
ctl_find_param_error(xmpp_stanza_t *iq, char **text)
{
	xmpp_stanza_t *c = xmpp_stanza_get_child_by_name(iq, "error");

	c = c
	    ? child_next(xmpp_stanza_get_children(c), "paramError", CONTROL_NS)
	    : NULL;
	if (!c)
		return NULL;
	*text = stanza_text(c);
	return attr_text(c, "var");
}
