#include "fake_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void
fake_session_init(struct session *s, const char *jid, const char *bare)
{
	memset(s, 0, sizeof(*s));
	s->ctx = xmpp_ctx_new(NULL, NULL);
	s->jid = jid;
	s->bare = bare;
	s->online = true;
	clock_fake_init(&s->clock, 1000, 0);
	uv_loop_init(&s->loop);
	s->iq = iq_table_new(s, &s->loop, &s->clock.clock);
}

void
fake_session_fini(struct session *s)
{
	iq_table_free(s->iq);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&s->loop), 0);
	xmpp_ctx_free(s->ctx);
}

void
fake_session_receive(struct session *s, const char *xml)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(s->ctx, xml);

	assert_non_null(stanza);
	iq_table_take(s->iq, stanza);
	xmpp_stanza_release(stanza);
}

bool
session_online(const struct session *s)
{
	return s->online;
}

const char *
session_jid(const struct session *s)
{
	return s->jid;
}

const char *
session_bare(const struct session *s)
{
	return s->bare;
}

xmpp_ctx_t *
session_ctx(const struct session *s)
{
	return s->ctx;
}

struct iq_table *
session_iq(struct session *s)
{
	return s->iq;
}

enum err
session_send(struct session *s, xmpp_stanza_t *stanza)
{
	char *text;
	size_t len;

	assert_int_equal(xmpp_stanza_to_text(stanza, &text, &len), 0);
	xmpp_stanza_release(stanza);
	snprintf(s->last, sizeof(s->last), "%s", text);
	xmpp_free(s->ctx, text);
	s->sent++;
	return OK;
}
