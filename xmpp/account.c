#include "xmpp/account.h"

#include "protocol/stanza.h"
#include "xmpp/account_form.h"

#include <string.h>

#define NS_STREAM "http://etherx.jabber.org/streams"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define ID_FORM "form"
#define ID_ACCOUNT "account"

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
ask_account(struct account *a, xmpp_conn_t *conn, xmpp_stanza_t *answer)
{
	xmpp_ctx_t *ctx = xmpp_conn_get_context(conn);
	char *user = xmpp_jid_node(ctx, xmpp_conn_get_jid(conn));
	const struct account_who who = { user, xmpp_conn_get_pass(conn) };
	char why[LOG_SAFE];
	xmpp_stanza_t *query = account_fill(answer, &who, why);

	if (query)
		send_query(conn, "set", ID_ACCOUNT, query);
	else
		refuse(a, conn, why);
	xmpp_free(ctx, user);
}

/* Before it is encrypted, anyone between may send whatever he likes: only what
 * was asked for is taken, and it is asked for only then. */
static int
on_features(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct account *a = arg;
	xmpp_stanza_t *tls;

	if (a->awaits != ACCOUNT_FEATURES)
		return 1;
	if (!xmpp_conn_is_secured(conn) &&
	    xmpp_stanza_get_child_by_ns(stanza, NS_TLS)) {
		tls =
		    stanza_el(xmpp_conn_get_context(conn), "starttls", NS_TLS);
		xmpp_send(conn, tls);
		xmpp_stanza_release(tls);
		a->awaits = ACCOUNT_PROCEED;
	} else if (xmpp_conn_is_secured(conn) || a->plain_allowed) {
		ask_form(conn);
		a->awaits = ACCOUNT_FORM;
	} else {
		a->no_starttls = true;
		xmpp_disconnect(conn);
	}
	return 1;
}

static int
on_tls(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct account *a = arg;
	const char *ns = xmpp_stanza_get_ns(stanza);
	bool proceed = strcmp(xmpp_stanza_get_name(stanza), "proceed") == 0;

	/* The features come here too: they have a child of this namespace. */
	if (a->awaits != ACCOUNT_PROCEED || !ns || strcmp(ns, NS_TLS) != 0)
		return 1;
	a->awaits = ACCOUNT_FEATURES;
	a->no_starttls = !proceed;
	if (proceed && xmpp_conn_tls_start(conn) == XMPP_EOK)
		(void)xmpp_conn_open_stream_default(conn);
	else
		xmpp_disconnect(conn);
	return 1;
}

static bool
is_awaited(const struct account *a, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza);

	if (a->awaits == ACCOUNT_FORM)
		return id && strcmp(id, ID_FORM) == 0;
	return a->awaits == ACCOUNT_MADE && id && strcmp(id, ID_ACCOUNT) == 0;
}

static int
on_answer(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct account *a = arg;
	const char *type = xmpp_stanza_get_type(stanza);

	if (!is_awaited(a, stanza))
		return 1;
	if (!type || strcmp(type, "result") != 0) {
		refuse(a, conn, stanza_condition(stanza));
	} else if (a->awaits == ACCOUNT_FORM) {
		a->awaits = ACCOUNT_MADE;
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
	xmpp_handler_add(conn, on_tls, NS_TLS, NULL, NULL, a);
	xmpp_handler_add(conn, on_answer, NULL, "iq", NULL, a);
}
