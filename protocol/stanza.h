/* What every XEP needs of a stanza: its payload, its error, an error to send.
 */
#ifndef PROTOCOL_STANZA_H
#define PROTOCOL_STANZA_H

#include <stddef.h>
#include <strophe.h>

#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define NS_PING "urn:xmpp:ping"
#define NS_ROSTER "jabber:iq:roster"

/* stanza_payload returns the only child element, or NULL when there is none or
 * more than one; *n (may be NULL) receives how many there are.  Borrowed. */
xmpp_stanza_t *stanza_payload(xmpp_stanza_t *iq, size_t *n);

/* stanza_condition returns the name of the defined condition of an error
 * stanza ("item-not-found"), or "undefined-condition".  Borrowed.
 * Spec: RFC 6120 8.3. */
const char *stanza_condition(xmpp_stanza_t *stanza);

/* stanza_error makes <error type=...><condition/><text/></error>; text may be
 * NULL.  The type follows from the condition (RFC 6120 8.3.3), unless it stands
 * behind it: "conflict/wait".  Returns owned. */
xmpp_stanza_t *stanza_error(
    xmpp_ctx_t *ctx, const char *condition, const char *text);

/* stanza_el makes an element of a namespace (ns may be NULL).  Returns owned.
 */
xmpp_stanza_t *stanza_el(xmpp_ctx_t *ctx, const char *name, const char *ns);

/* stanza_add adds a child and gives up the caller's hold on it. */
void stanza_add(xmpp_stanza_t *parent, xmpp_stanza_t *child);

/* stanza_put adds <name>text</name>. */
void stanza_put(
    xmpp_ctx_t *ctx, xmpp_stanza_t *parent, const char *name, const char *text);

/* stanza_add_text adds text that is not marked up; stanza_text returns that of
 * el, owned, "" when there is none. */
void stanza_add_text(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const char *text);
char *stanza_text(xmpp_stanza_t *el);

/* stanza_disco_info makes a disco#info <query/>: one identity, features up to
 * a NULL.  Returns owned.  Spec: XEP-0030 3.1. */
struct disco_identity {
	const char *category, *type, *name;
};
xmpp_stanza_t *stanza_disco_info(xmpp_ctx_t *ctx,
    const struct disco_identity *id, const char *const *features);

#endif
