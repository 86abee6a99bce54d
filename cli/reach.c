#include "cli/reach.h"

#include "registry-client/seek.h"
#include "xmpp/presence.h"

#include <string.h>

static void
on_found(void *arg, const struct seek_try *found, const char *why)
{
	struct reach *r = arg;
	char bare[JID_SIZE];

	r->err = seek_unanswered(r->seek) ? ERR_TIMEOUT
	    : *why                        ? ERR_NOTFOUND
					  : ERR_OFFLINE;
	r->seek = NULL;
	/* Another than the one that was named is of no use. */
	if (found && r->named &&
	    (jid_bare(found->jid, bare) != OK || strcmp(bare, r->named) != 0))
		found = NULL;
	if (!found && r->named)
		why = "it has not let us in, or is not online";
	else if (!found && !*why)
		why = "the connection was lost";
	r->done(r->arg, found ? found->jid : NULL, why);
}

/* Who was asked to let us in stays asked: it may be away for a while. */
static void
stay(void *arg, const char *bare)
{
	(void)arg;
	(void)bare;
}

void
reach_begin(struct reach *r, struct online *o)
{
	struct seek_plan plan = {
		.feature = r->feature, .done = on_found, .leave = stay, .arg = r
	};

	r->online = o;
	if (r->named && !strchr(r->named, '@')) {
		r->done(r->arg, r->named, "");
		return;
	}
	if (r->named)
		seek_add(&plan, r->named, "named");
	/* Only who is available hears where others are. */
	presence_send(online_session(o), PRESENCE_AVAILABLE, NULL);
	r->seek = seek_start(online_session(o), &plan);
	r->err = ERR_OFFLINE;
	if (!r->seek)
		r->done(r->arg, NULL, "the connection was lost");
}

void
reach_end(struct reach *r)
{
	seek_free(r->seek);
	r->seek = NULL;
}

void
reach_presence(struct reach *r, xmpp_stanza_t *presence)
{
	if (r->seek)
		seek_presence(r->seek, presence);
}

void
reach_tick(struct reach *r, int64_t mono)
{
	if (r->seek)
		seek_tick(r->seek, mono);
}
