/* XEP-0324 stanzas between a device and its provisioning server: one table of
 * elements serves parser and builder, and both sides. */
#ifndef PROTOCOL_PROVISIONING_H
#define PROTOCOL_PROVISIONING_H

#include "common/err.h"
#include "protocol/node_ref.h"
#include "protocol/sensor_data.h"

#include <stdbool.h>
#include <strophe.h>

#define PROVISIONING_NS "urn:xmpp:iot:provisioning"

enum prov_op {
	PROV_IS_FRIEND,
	PROV_IS_FRIEND_RESPONSE,
	PROV_CAN_READ,
	PROV_CAN_READ_RESPONSE,
	PROV_CAN_CONTROL,
	PROV_CAN_CONTROL_RESPONSE,
	PROV_CLEAR_CACHE,
	PROV_CLEAR_CACHE_RESPONSE,
	PROV_FRIEND,   /* a message: befriend jid */
	PROV_UNFRIEND, /* a message: drop jid */
	PROV_OPS
};

struct prov_msg {
	enum prov_op op;
	const char *jid; /* who is judged, or recommended */
	bool result;     /* of a response; absent is false */
	struct tokens tokens;
	unsigned types; /* canRead and its response: enum sd_type; 0: any */
	struct node_refs nodes; /* none: all */
	struct names names;     /* fields, or parameters; none: all */
};

/* prov_parse reads an element of the namespace; texts are borrowed.  Call
 * prov_fini, also after an error.
 * Errors: ERR_UNSUP not one of the table, ERR_PROTO malformed, ERR_RANGE too
 * long or too many; eb says which. */
enum err prov_parse(
    xmpp_stanza_t *el, struct prov_msg *out, struct errbuf *eb) MUST_USE;
xmpp_stanza_t *prov_build(xmpp_ctx_t *ctx, const struct prov_msg *m);
void prov_fini(struct prov_msg *m);

const char *prov_name(enum prov_op op);

#endif
