/* A program of nothing but xmpp/: driven by lines on stdin, one event a line on
 * stdout.  The password comes in the environment (PROBE_PASSWORD).
 *
 *     session_probe kind=client jid=a@b/c host=127.0.0.1 port=5222 ca=FILE
 *         [tls=optional] [ping_ms=1000] [once=1] [open_files=1100] [create=1]
 *
 * iq TYPE TO|- NS NAME MS · presence TYPE TO|- · message TO · roster ·
 * flood TO N · remove JID · answer (what "later" asked) · stop */
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "protocol/stanza.h"
#include "xmpp/iq.h"
#include "xmpp/presence.h"
#include "xmpp/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROBE_NS "urn:example:probe"

enum { LINE_MAX_BYTES = 1024, WORDS = 6 };

struct probe {
	struct session *session;
	uv_pipe_t in;
	char line[LINE_MAX_BYTES];
	size_t len;
	char buf[LINE_MAX_BYTES];
	struct iq_in *kept;
	int flood_left, flood_results;
};

static const char *const faults[] = {
	[SESSION_NO_ADDRESS] = "no-address",
	[SESSION_NO_CONNECT] = "no-connect",
	[SESSION_NO_TLS] = "no-tls",
	[SESSION_NO_AUTH] = "no-auth",
	[SESSION_SILENT] = "silent",
	[SESSION_LOST] = "lost",
	[SESSION_REPLACED] = "replaced",
};

static const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

static void
on_online(void *arg, const char *full_jid)
{
	const struct probe *p = arg;

	printf("online %s secured=%d\n", full_jid, session_secured(p->session));
}

static void
on_offline(void *arg, enum session_fault fault, const char *text)
{
	(void)arg;
	printf("offline %s %s\n", faults[fault], text);
}

static void
on_presence(void *arg, xmpp_stanza_t *stanza)
{
	(void)arg;
	printf("presence %d %s\n", (int)presence_type(stanza),
	    or_dash(xmpp_stanza_get_from(stanza)));
}

static void
on_message(void *arg, xmpp_stanza_t *stanza)
{
	(void)arg;
	printf("message %s\n", or_dash(xmpp_stanza_get_from(stanza)));
}

static void
on_answer(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	static const char *const names[] = { "result", "error", "timeout",
		"lost" };

	(void)arg;
	printf("iq %s %s\n", names[outcome],
	    outcome == IQ_ERROR ? stanza_condition(stanza) : "-");
}

static void
handle_now(void *arg, struct iq_in *rq)
{
	struct probe *p = arg;

	printf(
	    "asked %s %s\n", iq_in_is_set(rq) ? "set" : "get", iq_in_from(rq));
	iq_reply(rq, stanza_el(session_ctx(p->session), "done", PROBE_NS));
}

static void
handle_later(void *arg, struct iq_in *rq)
{
	struct probe *p = arg;

	printf("kept %s\n", iq_in_from(rq));
	if (p->kept)
		iq_reply_error(p->kept, "conflict", "one at a time");
	p->kept = rq;
}

static const struct iq_route routes[] = {
	{ PROBE_NS, "now", IQ_GET | IQ_SET, handle_now },
	{ PROBE_NS, "later", IQ_GET, handle_later },
	{ NULL, NULL, 0, NULL },
};

static const struct disco_identity identity = { "client", "bot", "probe" };
static const char *const features[] = { NS_DISCO_INFO, NS_PING, NULL };

static void
on_roster_item(void *arg, const char *bare, const char *subscription)
{
	(void)arg;
	printf("item %s %s\n", bare, subscription);
}

static void
on_roster(void *arg, bool ok)
{
	(void)arg;
	printf("roster %s\n", ok ? "ok" : "failed");
}

static void
on_stopped(void *arg)
{
	struct probe *p = arg;

	p->session = NULL;
	printf("stopped\n");
	uv_close((uv_handle_t *)&p->in, NULL);
}

static const char *
peer(const char *word)
{
	return word && strcmp(word, "-") != 0 ? word : NULL;
}

static void
do_iq(struct probe *p, char **w)
{
	xmpp_stanza_t *el = stanza_el(session_ctx(p->session), w[4], w[3]);
	enum err e = iq_request(p->session, w[1], peer(w[2]), el,
	    strtol(w[5], NULL, 10), on_answer, p);

	if (e != OK)
		printf("iq not-sent %s\n", err_str(e));
}

static void
do_presence(struct probe *p, char **w)
{
	presence_send(
	    p->session, (enum presence_type)strtol(w[1], NULL, 10), peer(w[2]));
}

static void
do_message(struct probe *p, char **w)
{
	xmpp_stanza_t *m =
	    xmpp_message_new(session_ctx(p->session), "chat", w[1], NULL);
	enum err e;

	xmpp_message_set_body(m, "hello");
	e = session_send(p->session, m);
	if (e != OK)
		printf("message not-sent %s\n", err_str(e));
}

static void
do_roster(struct probe *p, char **w)
{
	(void)w;
	roster_get(p->session, on_roster_item, on_roster, p);
}

static void
do_remove(struct probe *p, char **w)
{
	roster_remove(p->session, w[1]);
}

static void
on_flood(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct probe *p = arg;

	(void)stanza;
	p->flood_results += outcome == IQ_RESULT;
	if (--p->flood_left == 0)
		printf("flood %d\n", p->flood_results);
}

static void
do_flood(struct probe *p, char **w)
{
	long n = strtol(w[2], NULL, 10);

	p->flood_results = 0;
	for (long i = 0; i < n; i++)
		if (iq_request(p->session, "get", w[1],
			stanza_el(session_ctx(p->session), "now", PROBE_NS),
			30000, on_flood, p) == OK)
			p->flood_left++;
}

static void
do_answer(struct probe *p, char **w)
{
	(void)w;
	if (p->kept)
		iq_reply(p->kept, NULL);
	p->kept = NULL;
}

static void
do_stop(struct probe *p, char **w)
{
	(void)w;
	if (p->kept)
		iq_reply_error(p->kept, "service-unavailable", NULL);
	p->kept = NULL;
	session_stop(p->session, on_stopped, p);
}

static const struct {
	const char *name;
	int words;
	void (*run)(struct probe *p, char **w);
} verbs[] = {
	{ "iq", 6, do_iq },
	{ "presence", 3, do_presence },
	{ "message", 2, do_message },
	{ "roster", 1, do_roster },
	{ "remove", 2, do_remove },
	{ "flood", 3, do_flood },
	{ "answer", 1, do_answer },
	{ "stop", 1, do_stop },
};

static void
run_line(struct probe *p)
{
	char *w[WORDS] = { NULL };
	char *save = NULL;
	int n = 0;

	for (char *t = strtok_r(p->line, " ", &save); t && n < WORDS;
	     t = strtok_r(NULL, " ", &save))
		w[n++] = t;
	for (size_t i = 0; n && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(w[0], verbs[i].name) == 0 && n == verbs[i].words &&
		    p->session)
			verbs[i].run(p, w);
}

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct probe *p = h->data;

	(void)size;
	*buf = uv_buf_init(p->buf, sizeof(p->buf));
}

static void
on_read(uv_stream_t *in, ssize_t n, const uv_buf_t *buf)
{
	struct probe *p = in->data;

	if (n < 0) {
		uv_read_stop(in);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (buf->base[i] == '\n') {
			p->line[p->len] = '\0';
			p->len = 0;
			run_line(p);
		} else if (p->len + 1 < sizeof(p->line)) {
			p->line[p->len++] = buf->base[i];
		}
	}
}

/* Pushes the socket of the session beyond FD_SETSIZE. */
static void
use_up_files(long n)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
	while (n-- > 0)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return;
}

static void
set(struct session_config *c, long *files, char *arg)
{
	char *v = strchr(arg, '=');

	if (!v)
		return;
	*v++ = '\0';
	if (strcmp(arg, "kind") == 0)
		c->kind = strcmp(v, "component") == 0 ? SESSION_COMPONENT
						      : SESSION_CLIENT;
	else if (strcmp(arg, "jid") == 0)
		c->jid = v;
	else if (strcmp(arg, "host") == 0)
		c->host = v;
	else if (strcmp(arg, "port") == 0)
		c->port = (uint16_t)strtoul(v, NULL, 10);
	else if (strcmp(arg, "ca") == 0)
		c->ca_file = v;
	else if (strcmp(arg, "tls") == 0)
		c->tls = SESSION_TLS_OPTIONAL;
	else if (strcmp(arg, "ping_ms") == 0)
		c->ping_ms = strtol(v, NULL, 10);
	else if (strcmp(arg, "once") == 0)
		c->once = true;
	else if (strcmp(arg, "create") == 0)
		c->create_account = true;
	else if (strcmp(arg, "open_files") == 0)
		*files = strtol(v, NULL, 10);
}

int
main(int argc, char **argv)
{
	static struct probe p;
	const struct session_events ev = { on_online, on_offline, on_presence,
		on_message, NULL, &p };
	struct session_config c = { .kind = SESSION_CLIENT };
	struct errbuf eb = { "" };
	uv_loop_t loop;
	long files = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open(LOG_LVL_DEBUG);
	c.password = getenv("PROBE_PASSWORD");
	for (int i = 1; i < argc; i++)
		set(&c, &files, argv[i]);
	uv_loop_init(&loop);
	if (session_new(&loop, &clock_system, &c, &ev, &p.session, &eb) != OK) {
		printf("refused %s\n", eb.text);
		return uv_loop_close(&loop) == 0 ? EXIT_CONFIG : EXIT_FAILED;
	}
	use_up_files(files);
	iq_routes(p.session, routes, &p);
	iq_disco(p.session, &identity, features);
	uv_pipe_init(&loop, &p.in, 0);
	p.in.data = &p;
	uv_pipe_open(&p.in, 0);
	uv_read_start((uv_stream_t *)&p.in, on_alloc, on_read);
	session_start(p.session);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) == 0 ? EXIT_OK : EXIT_FAILED;
}
