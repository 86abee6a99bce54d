#include "protocol/stanza.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

/* RFC 6120 8.3.3: each condition, and the type that goes with it. */
static const struct {
	const char *condition, *type;
} conditions[] = {
	{ "bad-request", "modify" },
	{ "conflict", "cancel" },
	{ "feature-not-implemented", "cancel" },
	{ "forbidden", "auth" },
	{ "gone", "cancel" },
	{ "internal-server-error", "cancel" },
	{ "item-not-found", "cancel" },
	{ "jid-malformed", "modify" },
	{ "not-acceptable", "modify" },
	{ "not-allowed", "cancel" },
	{ "not-authorized", "auth" },
	{ "policy-violation", "modify" },
	{ "recipient-unavailable", "wait" },
	{ "redirect", "modify" },
	{ "registration-required", "auth" },
	{ "remote-server-not-found", "cancel" },
	{ "remote-server-timeout", "wait" },
	{ "resource-constraint", "wait" },
	{ "service-unavailable", "cancel" },
	{ "subscription-required", "auth" },
	{ "unexpected-request", "wait" },
};

xmpp_stanza_t *
stanza_payload(xmpp_stanza_t *iq, size_t *n)
{
	xmpp_stanza_t *c, *found = NULL;
	size_t count = 0;

	for (c = xmpp_stanza_get_children(iq); c; c = xmpp_stanza_get_next(c)) {
		if (!xmpp_stanza_is_tag(c))
			continue;
		found = c;
		count++;
	}
	if (n)
		*n = count;
	return count == 1 ? found : NULL;
}

const char *
stanza_condition(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *c = xmpp_stanza_get_child_by_name(stanza, "error");

	for (c = c ? xmpp_stanza_get_children(c) : NULL; c;
	     c = xmpp_stanza_get_next(c)) {
		const char *name = xmpp_stanza_get_name(c);
		const char *ns = xmpp_stanza_get_ns(c);

		if (name && ns && strcmp(ns, NS_STANZAS) == 0 &&
		    strcmp(name, "text") != 0)
			return name;
	}
	return "undefined-condition";
}

/* name is the condition without the type that may follow it. */
static const char *
error_type(const char *condition, const char *name)
{
	const char *rest = condition + strlen(name);

	if (*rest == '/')
		return rest + 1;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (strcmp(conditions[i].condition, name) == 0)
			return conditions[i].type;
	return "cancel";
}

/* libstrophe answers NULL when memory is out; we end then, as mem_* does. */
static xmpp_stanza_t *
new_stanza(xmpp_ctx_t *ctx)
{
	xmpp_stanza_t *el = xmpp_stanza_new(ctx);

	if (!el)
		abort();
	return el;
}

xmpp_stanza_t *
stanza_el(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
	xmpp_stanza_t *el = new_stanza(ctx);

	xmpp_stanza_set_name(el, name);
	if (ns)
		xmpp_stanza_set_ns(el, ns);
	return el;
}

void
stanza_add(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
	xmpp_stanza_add_child_ex(parent, child, 0);
}

void
stanza_add_text(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const char *text)
{
	xmpp_stanza_t *body = new_stanza(ctx);

	xmpp_stanza_set_text(body, text);
	stanza_add(el, body);
}

void
stanza_put(
    xmpp_ctx_t *ctx, xmpp_stanza_t *parent, const char *name, const char *text)
{
	xmpp_stanza_t *el = stanza_el(ctx, name, NULL);

	stanza_add_text(ctx, el, text);
	stanza_add(parent, el);
}

char *
stanza_text(xmpp_stanza_t *el)
{
	char *text = xmpp_stanza_get_text(el);
	char *out = mem_strdup(text ? text : "");

	if (text)
		xmpp_free(xmpp_stanza_get_context(el), text);
	return out;
}

static xmpp_stanza_t *
error_text(xmpp_ctx_t *ctx, const char *text)
{
	xmpp_stanza_t *el = stanza_el(ctx, "text", NS_STANZAS);

	xmpp_stanza_set_attribute(el, "xml:lang", "en");
	stanza_add_text(ctx, el, text);
	return el;
}

xmpp_stanza_t *
stanza_error(xmpp_ctx_t *ctx, const char *condition, const char *text)
{
	xmpp_stanza_t *error = stanza_el(ctx, "error", NULL);
	char *name = mem_strndup(condition, strcspn(condition, "/"));

	xmpp_stanza_set_type(error, error_type(condition, name));
	stanza_add(error, stanza_el(ctx, name, NS_STANZAS));
	if (text)
		stanza_add(error, error_text(ctx, text));
	free(name);
	return error;
}

xmpp_stanza_t *
stanza_disco_info(xmpp_ctx_t *ctx, const struct disco_identity *id,
    const char *const *features)
{
	xmpp_stanza_t *query = stanza_el(ctx, "query", NS_DISCO_INFO);
	xmpp_stanza_t *el = stanza_el(ctx, "identity", NULL);

	xmpp_stanza_set_attribute(el, "category", id->category);
	xmpp_stanza_set_attribute(el, "type", id->type);
	if (id->name && *id->name)
		xmpp_stanza_set_attribute(el, "name", id->name);
	stanza_add(query, el);
	for (; *features; features++) {
		el = stanza_el(ctx, "feature", NULL);
		xmpp_stanza_set_attribute(el, "var", *features);
		stanza_add(query, el);
	}
	return query;
}
