/* Whatever answers a search for a registry, and whenever: it ends at most once,
 * and what it finds is an address.  The input is lines: an iq answers the last
 * request, a presence arrives, "tick", "late" and "lost" are times. */
#include "common/mem.h"
#include "protocol/discovery.h"
#include "registry-client/seek.h"
#include "tests/unit/fake_session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct search {
	struct session session;
	struct seek *seek;
	int64_t now;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
done(void *arg, const struct seek_try *found, const char *why)
{
	struct search *s = arg;
	char bare[JID_SIZE];

	must(s->seek && why);
	(void)seek_unanswered(s->seek);
	s->seek = NULL;
	if (found)
		must(found->how && jid_bare(found->jid, bare) == OK);
}

static void
leave(void *arg, const char *bare)
{
	must(((struct search *)arg)->seek && strchr(bare, '@'));
}

/* Gives an answer the id and the sender that it must have to count. */
static void
address(struct search *s, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *asked =
	    xmpp_stanza_new_from_string(s->session.ctx, s->session.last);
	const char *id = asked ? xmpp_stanza_get_id(asked) : NULL;

	if (id) {
		xmpp_stanza_set_id(iq, id);
		xmpp_stanza_set_from(iq, xmpp_stanza_get_to(asked));
	}
	if (asked)
		xmpp_stanza_release(asked);
}

static void
arrive(struct search *s, const char *text)
{
	xmpp_stanza_t *stanza =
	    xmpp_stanza_new_from_string(s->session.ctx, text);
	const char *name = stanza ? xmpp_stanza_get_name(stanza) : NULL;

	if (name && strcmp(name, "presence") == 0) {
		seek_presence(s->seek, stanza);
	} else if (name && strcmp(name, "iq") == 0) {
		address(s, stanza);
		iq_table_take(s->session.iq, stanza);
	}
	if (stanza)
		xmpp_stanza_release(stanza);
}

static void
happen(struct search *s, const char *line)
{
	if (strcmp(line, "tick") == 0) {
		s->now += SEEK_LET_IN_MS;
		seek_tick(s->seek, s->now);
	} else if (strcmp(line, "late") == 0) {
		s->session.clock.mono += SEEK_ANSWER_MS;
		iq_table_expire(s->session.iq);
	} else if (strcmp(line, "lost") == 0) {
		s->session.online = false;
		iq_table_lost(s->session.iq);
	} else {
		arrive(s, line);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct search s = { .now = 1 };
	struct seek_plan plan = {
		.feature = DISCOVERY_NS, .done = done, .leave = leave, .arg = &s
	};
	char *text = mem_strndup((const char *)data, size), *save = NULL;

	fake_session_init(&s.session, "gw@example.org/a", "gw@example.org");
	seek_add(&plan, "old.example.org", "known");
	seek_add(&plan, "registry@example.org", "announced");
	s.seek = seek_start(&s.session, &plan);
	for (char *line = strtok_r(text, "\n", &save); line && s.seek;
	     line = strtok_r(NULL, "\n", &save))
		happen(&s, line);
	seek_free(s.seek);
	fake_session_fini(&s.session);
	free(text);
	return 0;
}
