#include "xmpp/account.h"

#include "protocol/stanza.h"

#include <stdio.h>
#include <string.h>

#define NS_STREAM "http://etherx.jabber.org/streams"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_REGISTER "jabber:iq:register"
#define NS_DATA "jabber:x:data"
#define ID_FORM "form"
#define ID_ACCOUNT "account"

static void
add_text(xmpp_stanza_t *parent, const char *name, const char *value)
{
	xmpp_ctx_t *ctx = xmpp_stanza_get_context(parent);
	xmpp_stanza_t *el = stanza_el(ctx, name, NULL);
	xmpp_stanza_t *text = xmpp_stanza_new(ctx);

	xmpp_stanza_set_text(text, value);
	stanza_add(el, text);
	stanza_add(parent, el);
}

static void
send_query(
    xmpp_conn_t *conn, const char *type, const char *id, xmpp_stanza_t *query)
{
	xmpp_stanza_t *iq = xmpp_iq_new(xmpp_conn_get_context(conn), type, id);

	stanza_add(iq, query);
	xmpp_send(conn, iq);
	xmpp_stanza_release(iq);
}

static xmpp_stanza_t *
new_query(xmpp_conn_t *conn)
{
	return stanza_el(xmpp_conn_get_context(conn), "query", NS_REGISTER);
}

/* What the server wants to know is asked first: it may want too much. */
static void
ask_form(xmpp_conn_t *conn)
{
	send_query(conn, "get", ID_FORM, new_query(conn));
}

static void
refuse(struct account *a, xmpp_conn_t *conn, const char *why)
{
	a->outcome = ACCOUNT_REFUSED;
	log_safe(a->why, why);
	xmpp_disconnect(conn);
}

static void
refuse_field(struct account *a, xmpp_conn_t *conn, const char *name)
{
	char why[LOG_SAFE];

	snprintf(why, sizeof(why), "it also asks for %.80s", name);
	refuse(a, conn, why);
}

/* The value of a field we know, or NULL.  user is the own one. */
static const char *
value_of(xmpp_conn_t *conn, const char *user, const char *name)
{
	if (strcmp(name, "username") == 0)
		return user;
	return strcmp(name, "password") == 0 ? xmpp_conn_get_pass(conn) : NULL;
}

static void
add_field(xmpp_stanza_t *form, const char *var, const char *value)
{
	xmpp_stanza_t *field =
	    stanza_el(xmpp_stanza_get_context(form), "field", NULL);

	xmpp_stanza_set_attribute(field, "var", var);
	add_text(field, "value", value);
	stanza_add(form, field);
}

/* Fills one field of a data form; false: it is one that we cannot fill. */
static bool
fill_field(xmpp_conn_t *conn, const char *user, xmpp_stanza_t *field,
    xmpp_stanza_t *form)
{
	const char *var = xmpp_stanza_get_attribute(field, "var");
	const char *type = xmpp_stanza_get_attribute(field, "type");
	xmpp_stanza_t *given = xmpp_stanza_get_child_by_name(field, "value");
	const char *value;
	char *text;

	if (!var || (type && strcmp(type, "fixed") == 0))
		return true;
	value = value_of(conn, user, var);
	if (value) {
		add_field(form, var, value);
		return true;
	}
	if (type && strcmp(type, "hidden") == 0) { /* goes back as it came */
		text = given ? xmpp_stanza_get_text(given) : NULL;
		add_field(form, var, text ? text : "");
		xmpp_free(xmpp_conn_get_context(conn), text);
		return true;
	}
	return !xmpp_stanza_get_child_by_name(field, "required");
}

/* Returns the name of what we cannot fill, or NULL. */
static const char *
fill_form(xmpp_conn_t *conn, const char *user, xmpp_stanza_t *asked,
    xmpp_stanza_t *query)
{
	xmpp_ctx_t *ctx = xmpp_conn_get_context(conn);
	xmpp_stanza_t *form = stanza_el(ctx, "x", NS_DATA), *el;
	const char *missing = NULL;

	xmpp_stanza_set_type(form, "submit");
	for (el = xmpp_stanza_get_children(asked); el && !missing;
	     el = xmpp_stanza_get_next(el)) {
		const char *name = xmpp_stanza_get_name(el);

		if (name && strcmp(name, "field") == 0 &&
		    !fill_field(conn, user, el, form))
			missing = xmpp_stanza_get_attribute(el, "var");
	}
	stanza_add(query, form);
	return missing;
}

/* The same without a form: an element a field, all of them required. */
static const char *
fill_elements(xmpp_conn_t *conn, const char *user, xmpp_stanza_t *asked,
    xmpp_stanza_t *query)
{
	xmpp_stanza_t *el = xmpp_stanza_get_children(asked);

	for (; el; el = xmpp_stanza_get_next(el)) {
		const char *name = xmpp_stanza_get_name(el), *value;

		if (!name || strcmp(name, "instructions") == 0 ||
		    strcmp(name, "registered") == 0)
			continue;
		value = value_of(conn, user, name);
		if (!value)
			return strcmp(name, "x") == 0 ? "a visit to a web page"
						      : name;
		add_text(query, name, value);
	}
	return NULL;
}

static void
ask_account(struct account *a, xmpp_conn_t *conn, xmpp_stanza_t *answer)
{
	xmpp_ctx_t *ctx = xmpp_conn_get_context(conn);
	xmpp_stanza_t *asked = xmpp_stanza_get_child_by_ns(answer, NS_REGISTER);
	xmpp_stanza_t *form =
	    asked ? xmpp_stanza_get_child_by_ns(asked, NS_DATA) : NULL;
	xmpp_stanza_t *query = new_query(conn);
	char *user = xmpp_jid_node(ctx, xmpp_conn_get_jid(conn));
	const char *missing;

	if (!asked)
		missing = "nothing, which is no answer";
	else if (form)
		missing = fill_form(conn, user, form, query);
	else
		missing = fill_elements(conn, user, asked, query);
	if (missing) {
		refuse_field(a, conn, missing);
		xmpp_stanza_release(query);
	} else {
		send_query(conn, "set", ID_ACCOUNT, query);
	}
	xmpp_free(ctx, user);
}

static int
on_features(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct account *a = arg;
	xmpp_stanza_t *tls;

	if (!xmpp_conn_is_secured(conn) &&
	    xmpp_stanza_get_child_by_ns(stanza, NS_TLS)) {
		tls =
		    stanza_el(xmpp_conn_get_context(conn), "starttls", NS_TLS);
		xmpp_send(conn, tls);
		xmpp_stanza_release(tls);
	} else if (xmpp_conn_is_secured(conn) || a->plain_allowed) {
		ask_form(conn);
	} else {
		a->no_starttls = true;
		xmpp_disconnect(conn);
	}
	return 1;
}

static int
on_proceed(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	(void)stanza;
	(void)arg;
	if (xmpp_conn_tls_start(conn) == XMPP_EOK)
		(void)xmpp_conn_open_stream_default(conn);
	else
		xmpp_disconnect(conn);
	return 1;
}

static int
on_answer(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct account *a = arg;
	const char *type = xmpp_stanza_get_type(stanza);
	const char *id = xmpp_stanza_get_id(stanza);

	if (!type || strcmp(type, "result") != 0) {
		refuse(a, conn, stanza_condition(stanza));
	} else if (id && strcmp(id, ID_FORM) == 0) {
		ask_account(a, conn, stanza);
	} else {
		a->outcome = ACCOUNT_CREATED;
		xmpp_disconnect(conn);
	}
	return 1;
}

void
account_begin(struct account *a, xmpp_conn_t *conn)
{
	xmpp_handler_add(conn, on_features, NS_STREAM, "features", NULL, a);
	xmpp_handler_add(conn, on_proceed, NS_TLS, "proceed", NULL, a);
	xmpp_handler_add(conn, on_answer, NULL, "iq", NULL, a);
}
