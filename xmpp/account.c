#include "xmpp/account.h"

#include "protocol/stanza.h"

#include <string.h>

#define NS_STREAM "http://etherx.jabber.org/streams"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_REGISTER "jabber:iq:register"

static void
add_field(xmpp_stanza_t *query, const char *name, const char *value)
{
	xmpp_ctx_t *ctx = xmpp_stanza_get_context(query);
	xmpp_stanza_t *field = stanza_el(ctx, name, NULL);
	xmpp_stanza_t *text = xmpp_stanza_new(ctx);

	xmpp_stanza_set_text(text, value);
	stanza_add(field, text);
	stanza_add(query, field);
}

static void
ask_account(xmpp_conn_t *conn)
{
	xmpp_ctx_t *ctx = xmpp_conn_get_context(conn);
	char *user = xmpp_jid_node(ctx, xmpp_conn_get_jid(conn));
	xmpp_stanza_t *query = stanza_el(ctx, "query", NS_REGISTER);
	xmpp_stanza_t *iq = xmpp_iq_new(ctx, "set", "register");

	add_field(query, "username", user ? user : "");
	add_field(query, "password", xmpp_conn_get_pass(conn));
	stanza_add(iq, query);
	xmpp_send(conn, iq);
	xmpp_stanza_release(iq);
	if (user)
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
		ask_account(conn);
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

	if (type && strcmp(type, "result") == 0) {
		a->outcome = ACCOUNT_CREATED;
	} else {
		a->outcome = ACCOUNT_REFUSED;
		log_safe(a->why, stanza_condition(stanza));
	}
	xmpp_disconnect(conn);
	return 1;
}

void
account_begin(struct account *a, xmpp_conn_t *conn)
{
	xmpp_handler_add(conn, on_features, NS_STREAM, "features", NULL, a);
	xmpp_handler_add(conn, on_proceed, NS_TLS, "proceed", NULL, a);
	xmpp_handler_add(conn, on_answer, NULL, "iq", NULL, a);
}
