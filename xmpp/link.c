#include "xmpp/link.h"

#include "common/mem.h"
#include "xmpp/lowfd.h"
#include "xmpp/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SILENCE_MS = 10000,   /* of the server during a handshake */
	HANDSHAKE_MS = 60000, /* all of it */
	CLOSING_MS = 1500,    /* for the server to take </stream> */
	TICK_BUSY_MS = 100,   /* libstrophe's own timers, connecting */
	TICK_IDLE_MS = 2000,  /* and online */
	ROUNDS_MAX = 64,      /* of libstrophe before others get a turn */
	/* A read takes 4096 bytes; a TLS record may hold 16384, of which the
	 * socket shows nothing once the first part was read. */
	CALM_ROUNDS = 4,
	KEEP_IDLE_S = 15,
	KEEP_INTERVAL_S = 5,
	KEEP_COUNT = 4,
	USER_TIMEOUT_MS = 35000,
};

struct link {
	uv_loop_t *loop;
	enum session_kind kind;
	enum session_tls tls;
	struct link_events ev;
	xmpp_log_t log;
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	/* libstrophe cannot use a raw connection for a login again, so asking
	 * for the account has one of its own; else NULL. */
	xmpp_conn_t *raw;
	struct account account;
	char *ca_file;
	struct lowfd low;
	struct watchdog *dog;
	uv_poll_t *poll; /* NULL: no connection */
	int fd;          /* our own descriptor of libstrophe's socket, or -1 */
	uv_timer_t *flush, *tick, *closing;
	uint64_t opened_at;
	bool queued;  /* something waits for libstrophe to write it */
	bool pumping; /* inside libstrophe */
	bool ended;   /* libstrophe has closed; down is to be reported */
	struct link_end end;
};

/* libstrophe gives the callbacks for the socket and for the certificate no
 * argument of ours, so the one link of the process is found here. */
static struct link *the_link;

static void pump(struct link *l);
static void on_timer(uv_timer_t *t);

/* --------------------------------------------------------------- the socket */

static void
set_int(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void
tune(int fd)
{
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
}

/* The watch and the watchdog use a descriptor of their own: libstrophe closes
 * its one whenever it likes, and the number may then be another file's. */
static int
capture(xmpp_conn_t *conn, void *sock)
{
	struct link *l = the_link;
	int *fd = sock;

	(void)conn;
	if (!lowfd_move(&l->low, fd))
		return -1;
	tune(*fd);
	l->fd = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	return l->fd < 0 ? -1 : 0;
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

static void
release_socket(struct link *l)
{
	if (watchdog_disarm(l->dog))
		l->end.silent = true;
	if (l->poll)
		uv_close((uv_handle_t *)l->poll, free_handle);
	l->poll = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	uv_timer_stop(l->tick);
	uv_timer_stop(l->flush);
	uv_timer_stop(l->closing);
	(void)lowfd_keep(&l->low);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct link *l = poll->data;

	(void)status;
	(void)events;
	pump(l);
}

/* --------------------------------------------------------------- libstrophe */

/* What only libstrophe's log tells, by the beginning of the line. */
static const struct {
	const char *line;
	size_t flag; /* a bool of struct link_end */
} tells[] = {
	{ "Cannot authenticate with known methods",
	    offsetof(struct link_end, auth_failed) },
	{ "TLS is not supported, but set as mandatory",
	    offsetof(struct link_end, no_starttls) },
	{ "Couldn't start TLS!", offsetof(struct link_end, tls_failed) },
	{ "parse error [", offsetof(struct link_end, not_xmpp) },
};

static void
on_log(
    void *arg, const xmpp_log_level_t level, const char *area, const char *msg)
{
	struct link *l = arg;
	char safe[LOG_SAFE];

	for (size_t i = 0; i < sizeof(tells) / sizeof(*tells); i++)
		if (strncmp(msg, tells[i].line, strlen(tells[i].line)) == 0)
			*(bool *)((char *)&l->end + tells[i].flag) = true;
	/* Levels below hold what is sent, passwords too. */
	if (level == XMPP_LEVEL_WARN || level == XMPP_LEVEL_ERROR)
		log_debug("xmpp", "libstrophe area=%s: %s", area,
		    log_safe(safe, msg));
}

static int
on_bad_certificate(const xmpp_tlscert_t *cert, const char *const why)
{
	(void)cert;
	log_safe(the_link->end.cert, why);
	return 0;
}

static void
note_end(struct link *l, xmpp_stream_error_t *se)
{
	if (l->ended)
		return;
	l->ended = true;
	if (se) {
		l->end.stream_error = true;
		l->end.type = se->type;
		log_safe(l->end.text, se->text ? se->text : "");
	}
}

static void
on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
    xmpp_stream_error_t *se, void *arg)
{
	struct link *l = arg;
	const char *full;

	(void)error;
	if (event == XMPP_CONN_DISCONNECT)
		note_end(l, se);
	if (event != XMPP_CONN_CONNECT)
		return;
	full = xmpp_conn_get_bound_jid(conn);
	(void)watchdog_disarm(l->dog);
	l->end.stage = LINK_ONLINE;
	uv_timer_start(l->tick, on_timer, TICK_IDLE_MS, TICK_IDLE_MS);
	l->ev.up(l->ev.arg, full ? full : xmpp_conn_get_jid(conn));
}

static void
on_raw_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
    xmpp_stream_error_t *se, void *arg)
{
	struct link *l = arg;

	(void)error;
	if (event == XMPP_CONN_RAW_CONNECT)
		(void)xmpp_conn_open_stream_default(conn);
	if (event != XMPP_CONN_DISCONNECT)
		return;
	note_end(l, se);
	l->end.account = l->account.outcome;
	l->end.no_starttls = l->account.no_starttls;
	memcpy(l->end.account_why, l->account.why, sizeof(l->account.why));
}

static int
on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct link *l = arg;

	(void)conn;
	if (l->end.stage == LINK_ONLINE && !l->ended)
		l->ev.stanza(l->ev.arg, stanza);
	return 1;
}

/* --------------------------------------------------------------- the engine */

static int
ready_now(const struct link *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN | POLLOUT };

	return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* libstrophe drops the reason of a refused connect; it is read before. */
static void
note_connect(struct link *l)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (l->end.stage != LINK_CONNECTING || l->end.sys_error)
		return;
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &e, &len) == 0)
		l->end.sys_error = e;
}

static void
note_progress(struct link *l)
{
	int64_t left;

	if (l->end.stage == LINK_ONLINE)
		return;
	left = HANDSHAKE_MS - (int64_t)(uv_now(l->loop) - l->opened_at);
	if (left <= 0)
		return;
	watchdog_arm(l->dog, l->fd, left < SILENCE_MS ? left : SILENCE_MS);
}

static void
run_round(struct link *l, int ready)
{
	if (ready & (POLLERR | POLLHUP))
		note_connect(l);
	if (ready & POLLIN)
		note_progress(l);
	l->queued = false;
	xmpp_run_once(l->ctx, 0);
	if (l->end.stage == LINK_CONNECTING && !l->ended &&
	    xmpp_conn_is_connected(l->raw ? l->raw : l->conn)) {
		l->end.stage = LINK_STREAM;
		note_progress(l);
	}
	/* libstrophe would wait, for a farewell or for ever. */
	if ((l->end.tls_failed || l->end.not_xmpp) && !l->ended)
		shutdown(l->fd, SHUT_RDWR);
}

static void
finish(struct link *l)
{
	struct link_end end;

	release_socket(l);
	if (l->raw)
		xmpp_conn_release(l->raw);
	l->raw = NULL;
	end = l->end;
	l->ended = false;
	l->ev.down(l->ev.arg, &end);
}

static void
watch_again(struct link *l)
{
	bool connecting = l->end.stage == LINK_CONNECTING;
	int want = connecting ? UV_WRITABLE : UV_READABLE;

	if (link_queued(l) > 0 || !(ready_now(l) & POLLOUT))
		want |= UV_WRITABLE;
	uv_poll_start(l->poll, want, on_ready);
}

/* Lets libstrophe write, read and handle until nothing is left to do. */
static void
pump(struct link *l)
{
	int calm = 0;

	if (l->pumping || l->fd < 0)
		return;
	l->pumping = true;
	for (int i = 0; i < ROUNDS_MAX && !l->ended; i++) {
		int ready = ready_now(l);

		if (ready & POLLIN)
			calm = 0;
		else if (calm < CALM_ROUNDS)
			calm++;
		else if (!l->queued)
			break;
		run_round(l, ready);
	}
	l->pumping = false;
	if (l->ended) {
		finish(l);
		return;
	}
	watch_again(l);
	if (calm < CALM_ROUNDS || l->queued)
		uv_timer_start(l->flush, on_timer, 0, 0);
}

static void
on_timer(uv_timer_t *t)
{
	pump(t->data);
}

static void
on_closing(uv_timer_t *t)
{
	link_cut(t->data, false);
}

/* ------------------------------------------------------------------- public */

static int
refuse_socket(xmpp_conn_t *conn, void *sock)
{
	(void)conn;
	(void)sock;
	return -1;
}

static void
ignore(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
    xmpp_stream_error_t *se, void *arg)
{
	(void)conn;
	(void)event;
	(void)error;
	(void)se;
	(void)arg;
}

/* libstrophe 0.12 to 0.14 makes an object that components use too only in
 * xmpp_connect_client, and without it crashes at <handshake/>.  A connect that
 * is refused its socket makes the object and nothing else. */
static void
prepare_component(struct link *l)
{
	xmpp_conn_set_sockopt_callback(l->conn, refuse_socket);
	(void)xmpp_connect_client(l->conn, "127.0.0.1", 9, ignore, NULL);
	xmpp_conn_set_sockopt_callback(l->conn, capture);
}

static long
flags_of(const struct link *l)
{
	if (l->kind == SESSION_COMPONENT)
		return XMPP_CONN_FLAG_DISABLE_SM;
	/* Optional is for this machine alone, where nobody is between. */
	if (l->tls == SESSION_TLS_OPTIONAL)
		return XMPP_CONN_FLAG_DISABLE_SM | XMPP_CONN_FLAG_TRUST_TLS;
	return XMPP_CONN_FLAG_DISABLE_SM | XMPP_CONN_FLAG_MANDATORY_TLS;
}

static xmpp_conn_t *
new_conn(const struct link *l, const char *jid, const char *password)
{
	xmpp_conn_t *conn = xmpp_conn_new(l->ctx);

	xmpp_conn_set_jid(conn, jid);
	xmpp_conn_set_pass(conn, password);
	(void)xmpp_conn_set_flags(conn, flags_of(l));
	if (l->ca_file)
		xmpp_conn_set_cafile(conn, l->ca_file);
	xmpp_conn_set_certfail_handler(conn, on_bad_certificate);
	xmpp_conn_set_sockopt_callback(conn, capture);
	return conn;
}

static void
make_conn(struct link *l, const struct link_config *config)
{
	l->log.handler = on_log;
	l->log.userdata = l;
	l->ctx = xmpp_ctx_new(NULL, &l->log);
	l->conn = new_conn(l, config->jid, config->password);
	/* One handler: a second with the same argument would not be taken. */
	xmpp_handler_add(l->conn, on_stanza, NULL, NULL, NULL, l);
	if (l->kind == SESSION_COMPONENT)
		prepare_component(l);
}

static uv_timer_t *
make_timer(struct link *l)
{
	uv_timer_t *t = mem_zalloc(sizeof(*t));

	uv_timer_init(l->loop, t);
	t->data = l;
	return t;
}

enum err
link_new(uv_loop_t *loop, const struct link_config *config,
    const struct link_events *events, struct link **out, struct errbuf *eb)
{
	struct link *l;

	if (the_link)
		return errbuf_set(eb, ERR_BUSY,
		    "there is an XMPP session in this program already");
	l = mem_zalloc(sizeof(*l));
	l->low.reserve = l->fd = -1;
	l->dog = watchdog_new();
	if (!l->dog || !lowfd_keep(&l->low)) {
		watchdog_free(l->dog);
		free(l);
		return errbuf_set(eb, ERR_IO,
		    "no thread or descriptor for the XMPP connection: too "
		    "many are in use");
	}
	the_link = l;
	l->loop = loop;
	l->kind = config->kind;
	l->tls = config->tls;
	if (config->ca_file && config->ca_file[0])
		l->ca_file = mem_strdup(config->ca_file);
	l->ev = *events;
	l->flush = make_timer(l);
	l->tick = make_timer(l);
	l->closing = make_timer(l);
	xmpp_initialize();
	make_conn(l, config);
	*out = l;
	return OK;
}

void
link_free(struct link *l)
{
	if (!l)
		return;
	/* Without its socket libstrophe has nobody to wait for. */
	if (l->fd >= 0)
		shutdown(l->fd, SHUT_RDWR);
	if (l->raw)
		xmpp_conn_release(l->raw);
	xmpp_conn_release(l->conn);
	release_socket(l);
	xmpp_ctx_free(l->ctx);
	xmpp_shutdown();
	watchdog_free(l->dog);
	lowfd_drop(&l->low);
	uv_close((uv_handle_t *)l->flush, free_handle);
	uv_close((uv_handle_t *)l->tick, free_handle);
	uv_close((uv_handle_t *)l->closing, free_handle);
	the_link = NULL;
	free(l->ca_file);
	free(l);
}

static bool
prepare(struct link *l)
{
	memset(&l->end, 0, sizeof(l->end));
	l->ended = false;
	return lowfd_keep(&l->low);
}

static enum err
watch_socket(struct link *l, int connected)
{
	if (connected != XMPP_EOK || l->fd < 0) {
		release_socket(l);
		return ERR_IO;
	}
	l->opened_at = uv_now(l->loop);
	l->poll = mem_zalloc(sizeof(*l->poll));
	uv_poll_init(l->loop, l->poll, l->fd);
	l->poll->data = l;
	uv_poll_start(l->poll, UV_WRITABLE, on_ready);
	uv_timer_start(l->tick, on_timer, TICK_BUSY_MS, TICK_BUSY_MS);
	watchdog_arm(l->dog, l->fd, SILENCE_MS);
	return OK;
}

enum err
link_open(struct link *l, const char *address, uint16_t port)
{
	if (!prepare(l))
		return ERR_IO;
	if (l->kind == SESSION_COMPONENT)
		return watch_socket(l,
		    xmpp_connect_component(
			l->conn, address, port, on_connection, l));
	return watch_socket(
	    l, xmpp_connect_client(l->conn, address, port, on_connection, l));
}

enum err
link_register(struct link *l, const char *address, uint16_t port)
{
	enum err e;

	if (!prepare(l))
		return ERR_IO;
	memset(&l->account, 0, sizeof(l->account));
	l->account.plain_allowed = l->tls == SESSION_TLS_OPTIONAL;
	l->raw = new_conn(
	    l, xmpp_conn_get_jid(l->conn), xmpp_conn_get_pass(l->conn));
	account_begin(&l->account, l->raw);
	e = watch_socket(
	    l, xmpp_connect_raw(l->raw, address, port, on_raw_connection, l));
	if (e == OK)
		return OK;
	xmpp_conn_release(l->raw);
	l->raw = NULL;
	return e;
}

void
link_send(struct link *l, xmpp_stanza_t *stanza)
{
	xmpp_send(l->conn, stanza);
	l->queued = true;
	if (!l->pumping && !uv_is_active((uv_handle_t *)l->flush))
		uv_timer_start(l->flush, on_timer, 0, 0);
}

void
link_cut(struct link *l, bool silent)
{
	if (l->fd < 0)
		return;
	l->end.silent = silent;
	shutdown(l->fd, SHUT_RDWR);
	uv_timer_start(l->flush, on_timer, 0, 0);
}

void
link_close(struct link *l)
{
	if (l->fd < 0)
		return;
	xmpp_disconnect(l->conn);
	uv_timer_start(l->flush, on_timer, 0, 0);
	uv_timer_start(l->closing, on_closing, CLOSING_MS, 0);
}

xmpp_ctx_t *
link_ctx(const struct link *l)
{
	return l->ctx;
}

bool
link_secured(const struct link *l)
{
	return xmpp_conn_is_secured(l->conn) != 0;
}

int
link_queued(const struct link *l)
{
	return xmpp_conn_send_queue_len(l->conn);
}
