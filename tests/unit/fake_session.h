/* A session without a connection: what is sent is kept as text.  Linked in
 * place of xmpp/session.c. */
#ifndef TESTS_FAKE_SESSION_H
#define TESTS_FAKE_SESSION_H

#include "xmpp/iq_table.h"

struct session {
	xmpp_ctx_t *ctx;
	struct iq_table *iq;
	struct clock_fake clock;
	uv_loop_t loop;
	const char *jid, *bare;
	bool online;
	int sent;        /* how many stanzas */
	char last[8192]; /* the last of them */
};

void fake_session_init(struct session *s, const char *jid, const char *bare);
void fake_session_fini(struct session *s);

/* Hands a stanza to the table as if it had arrived. */
void fake_session_receive(struct session *s, const char *xml);

#endif
