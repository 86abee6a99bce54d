#include "xmpp/account_form.h"

#include "protocol/stanza.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_DATA "jabber:x:data"

/* The value of a field we know, or NULL. */
static const char *
value_of(const struct account_who *who, const char *name)
{
	if (strcmp(name, "username") == 0)
		return who->user;
	return strcmp(name, "password") == 0 ? who->password : NULL;
}

static void
add_field(xmpp_stanza_t *form, const char *var, const char *value)
{
	xmpp_ctx_t *ctx = xmpp_stanza_get_context(form);
	xmpp_stanza_t *field = stanza_el(ctx, "field", NULL);

	xmpp_stanza_set_attribute(field, "var", var);
	stanza_put(ctx, field, "value", value);
	stanza_add(form, field);
}

/* Fills one field of a data form; false: it is one that we cannot fill. */
static bool
fill_field(
    const struct account_who *who, xmpp_stanza_t *field, xmpp_stanza_t *form)
{
	const char *var = xmpp_stanza_get_attribute(field, "var");
	const char *type = xmpp_stanza_get_attribute(field, "type");
	xmpp_stanza_t *given = xmpp_stanza_get_child_by_name(field, "value");
	const char *value;

	if (!var || (type && strcmp(type, "fixed") == 0))
		return true;
	value = value_of(who, var);
	if (value) {
		add_field(form, var, value);
		return true;
	}
	if (type && strcmp(type, "hidden") == 0) { /* goes back as it came */
		char *text = given ? stanza_text(given) : NULL;

		add_field(form, var, text ? text : "");
		free(text);
		return true;
	}
	return !xmpp_stanza_get_child_by_name(field, "required");
}

/* Returns the name of what we cannot fill, or NULL. */
static const char *
fill_form(
    const struct account_who *who, xmpp_stanza_t *asked, xmpp_stanza_t *query)
{
	xmpp_stanza_t *form =
	    stanza_el(xmpp_stanza_get_context(query), "x", NS_DATA);
	xmpp_stanza_t *el = xmpp_stanza_get_children(asked);
	const char *missing = NULL;

	xmpp_stanza_set_type(form, "submit");
	for (; el && !missing; el = xmpp_stanza_get_next(el)) {
		const char *name = xmpp_stanza_get_name(el);

		if (name && strcmp(name, "field") == 0 &&
		    !fill_field(who, el, form))
			missing = xmpp_stanza_get_attribute(el, "var");
	}
	stanza_add(query, form);
	return missing;
}

/* The same without a form: an element a field, all of them required. */
static const char *
fill_elements(
    const struct account_who *who, xmpp_stanza_t *asked, xmpp_stanza_t *query)
{
	xmpp_stanza_t *el = xmpp_stanza_get_children(asked);

	for (; el; el = xmpp_stanza_get_next(el)) {
		const char *name = xmpp_stanza_get_name(el), *value;

		if (!name || strcmp(name, "instructions") == 0 ||
		    strcmp(name, "registered") == 0)
			continue;
		value = value_of(who, name);
		if (!value)
			return strcmp(name, "x") == 0 ? "a visit to a web page"
						      : name;
		stanza_put(xmpp_stanza_get_context(query), query, name, value);
	}
	return NULL;
}

xmpp_stanza_t *
account_fill(
    xmpp_stanza_t *answer, const struct account_who *who, char why[LOG_SAFE])
{
	xmpp_stanza_t *asked = xmpp_stanza_get_child_by_ns(answer, NS_REGISTER);
	xmpp_stanza_t *form, *query;
	const char *missing;
	char text[LOG_SAFE];

	if (!asked) {
		snprintf(why, LOG_SAFE, "it does not say what it asks for");
		return NULL;
	}
	query =
	    stanza_el(xmpp_stanza_get_context(answer), "query", NS_REGISTER);
	form = xmpp_stanza_get_child_by_ns(asked, NS_DATA);
	missing = form ? fill_form(who, form, query)
		       : fill_elements(who, asked, query);
	if (!missing)
		return query;
	xmpp_stanza_release(query);
	snprintf(text, sizeof(text), "it also asks for %.80s", missing);
	log_safe(why, text);
	return NULL;
}
