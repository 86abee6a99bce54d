#include "xmpp/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Conditions of RFC 6120 4.9.3 that a person can act upon; words after
 * "server: ". */
static const struct {
	xmpp_error_type_t type;
	enum session_fault fault;
	const char *says;
} conditions[] = {
	{ XMPP_SE_CONFLICT, SESSION_REPLACED,
	    "another program logged in with the same address; let only one "
	    "run, or give each a resource of its own" },
	{ XMPP_SE_HOST_UNKNOWN, SESSION_NO_AUTH,
	    "this server does not know that name; compare it with the "
	    "server's configuration" },
	{ XMPP_SE_HOST_GONE, SESSION_NO_AUTH,
	    "this server no longer serves that name" },
	{ XMPP_SE_NOT_AUTHORIZED, SESSION_NO_AUTH,
	    "the password or secret was refused; compare it with the "
	    "server's configuration" },
	{ XMPP_SE_POLICY_VIOLATION, SESSION_LOST,
	    "the server's limits were exceeded (policy-violation); raise its "
	    "stanza size or rate limits" },
	{ XMPP_SE_RESOURCE_CONSTRAINT, SESSION_LOST,
	    "the server has no room for more (resource-constraint)" },
	{ XMPP_SE_SYSTEM_SHUTDOWN, SESSION_LOST,
	    "the server is shutting down" },
	{ XMPP_SE_CONN_TIMEOUT, SESSION_SILENT,
	    "the server heard nothing from here for too long" },
};

static enum session_fault
explain_condition(
    const struct link_end *end, const struct fault_place *at, struct errbuf *eb)
{
	const char *says = "the server ended the connection";
	enum session_fault fault = SESSION_LOST;
	const char *sep = end->text[0] ? ": " : "";

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		if (conditions[i].type != end->type)
			continue;
		says = conditions[i].says;
		fault = conditions[i].fault;
	}
	errbuf_set(eb, OK, "%s as %s: %s%s%s", at->server, at->name, says, sep,
	    end->text);
	return fault;
}

static enum session_fault
explain_tls(
    const struct link_end *end, const struct fault_place *at, struct errbuf *eb)
{
	if (end->no_starttls)
		errbuf_set(eb, OK,
		    "%s offers no encryption (STARTTLS): enable TLS on the "
		    "server; only on this machine may it be optional",
		    at->server);
	else if (strstr(end->cert, "not yet valid") ||
	    strstr(end->cert, "expired"))
		errbuf_set(eb, OK,
		    "the certificate of %s is not accepted for %s: %s; is the "
		    "clock of this machine right (timedatectl)?  Else renew "
		    "the certificate on the server",
		    at->server, at->domain, end->cert);
	else if (end->cert[0])
		errbuf_set(eb, OK,
		    "the certificate of %s is not accepted for %s: %s; give "
		    "its authority as ca_file, or correct the certificate on "
		    "the server",
		    at->server, at->domain, end->cert);
	else
		errbuf_set(eb, OK,
		    "encryption with %s could not be set up; does the server "
		    "support TLS 1.2 or later?",
		    at->server);
	return SESSION_NO_TLS;
}

static enum session_fault
explain_silence(
    const struct link_end *end, const struct fault_place *at, struct errbuf *eb)
{
	if (end->stage == LINK_ONLINE)
		errbuf_set(eb, OK,
		    "%s no longer answers; the network or the server hangs",
		    at->server);
	else if (end->stage == LINK_STREAM)
		errbuf_set(eb, OK,
		    "%s took the connection and then fell silent; is it an "
		    "XMPP server, and this the right port?",
		    at->server);
	else
		errbuf_set(eb, OK,
		    "%s does not answer; is the address right, and is a "
		    "firewall between?",
		    at->server);
	return end->stage == LINK_CONNECTING ? SESSION_NO_CONNECT
					     : SESSION_SILENT;
}

static enum session_fault
explain_connect(
    const struct link_end *end, const struct fault_place *at, struct errbuf *eb)
{
	bool cut_off =
	    end->sys_error == ENETUNREACH || end->sys_error == EHOSTUNREACH;
	const char *ask = cut_off ? "has this machine a network (cable, Wi-Fi)?"
	    : at->kind == SESSION_COMPONENT
	    ? "is its component port open there?"
	    : "is the server running, and is the port right?";
	char why[128] = "no connection";

	if (end->sys_error && strerror_r(end->sys_error, why, sizeof(why)) != 0)
		snprintf(why, sizeof(why), "error %d", end->sys_error);
	errbuf_set(
	    eb, OK, "cannot connect to %s: %s; %s", at->server, why, ask);
	return SESSION_NO_CONNECT;
}

static enum session_fault
explain_login(const struct fault_place *at, struct errbuf *eb)
{
	errbuf_set(eb, OK,
	    "%s refused the password of %s; correct the password, or create "
	    "the account on the server",
	    at->server, at->name);
	return SESSION_NO_AUTH;
}

static enum session_fault
explain_account(
    const struct link_end *end, const struct fault_place *at, struct errbuf *eb)
{
	if (strcmp(end->account_why, "conflict") == 0)
		errbuf_set(eb, OK,
		    "%s refused the password of %s, and the account exists "
		    "already; correct the password",
		    at->server, at->name);
	else
		errbuf_set(eb, OK,
		    "%s creates no account %s (%s); create it on the server",
		    at->server, at->name, end->account_why);
	return SESSION_NO_AUTH;
}

enum session_fault
fault_explain(
    const struct link_end *end, const struct fault_place *at, struct errbuf *eb)
{
	if (end->silent)
		return explain_silence(end, at, eb);
	if (end->stage == LINK_CONNECTING)
		return explain_connect(end, at, eb);
	if (end->not_xmpp) {
		errbuf_set(eb, OK,
		    "what %s sends is not XMPP; is this the right port?",
		    at->server);
		return end->stage == LINK_ONLINE ? SESSION_LOST
						 : SESSION_NO_CONNECT;
	}
	if (end->no_starttls || end->cert[0] || end->tls_failed)
		return explain_tls(end, at, eb);
	if (end->account == ACCOUNT_REFUSED)
		return explain_account(end, at, eb);
	if (end->stream_error)
		return explain_condition(end, at, eb);
	if (end->auth_failed)
		return explain_login(at, eb);
	if (end->stage == LINK_ONLINE)
		errbuf_set(eb, OK, "the connection to %s was lost", at->server);
	else
		errbuf_set(eb, OK,
		    "%s closed the connection before the login was complete; "
		    "is it an XMPP server, and this the right port?",
		    at->server);
	return SESSION_LOST;
}
