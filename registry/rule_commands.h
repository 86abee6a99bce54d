/* How owners set, list and delete their rules: ad-hoc commands, of which each
 * takes one form.
 *
 *     allow, deny   a rule about a thing of theirs, or all, and somebody
 *     rules         a table of them, some at a time
 *     delete        one of them, by its number
 *
 * Thread: loop.  Spec: XEP-0050. */
#ifndef REGISTRY_RULE_COMMANDS_H
#define REGISTRY_RULE_COMMANDS_H

#include "registry/provision.h"

struct rule_commands {
	struct things *things;
	struct rules *rules;
	struct provision *provision;
};

/* rule_commands_run answers <command/> of an account.
 * Owns: *answer is owned.  Errors: ERR_NOTFOUND no such command, thing or rule
 * of the account's; ERR_PROTO, ERR_RANGE a form that is wrong; ERR_REFUSED too
 * many rules; ERR_IO; eb says what. */
enum err rule_commands_run(const struct rule_commands *rc, const char *account,
    xmpp_stanza_t *el, xmpp_ctx_t *ctx, xmpp_stanza_t **answer,
    struct errbuf *eb) MUST_USE;

/* What disco says of them: the list for jid, and of one; NULL: there is no such
 * node.  Returns owned. */
xmpp_stanza_t *rule_commands_items(xmpp_ctx_t *ctx, const char *jid);
xmpp_stanza_t *rule_commands_info(xmpp_ctx_t *ctx, const char *node);

#endif
