#define _GNU_SOURCE /* struct ucred */

#include "gateway/control.h"

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "gateway/commands.h"
#include "gateway/gateway.h"
#include "gateway/registrar.h"
#include "gateway/socket_path.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
	CLIENTS_MAX = 32,
	LINE_MAX_BYTES = 65536,
	SILENT_MS = 60000,
	WATCH_MS = 1000,
	BEHIND_BYTES = 256 * 1024, /* of a job's lines that wait */
};

struct client {
	struct control_socket *control;
	uv_pipe_t pipe;
	uv_timer_t timer;        /* runs while it could hang */
	int64_t moved;           /* when it last sent or took something */
	struct job *job;         /* the command that still has to answer */
	struct listing *listing; /* what is left of a long answer */
	struct caller who;
	struct buf in;
	char chunk[4096];
	bool leaving;  /* it sends no more */
	unsigned open; /* handles that must close before it is freed */
	LIST_ENTRY(client) link;
};

struct control_socket {
	struct gateway *gw;
	uv_pipe_t listener;
	char *path;
	unsigned n_clients;
	bool full; /* that was logged */
	bool closing, closed;
	LIST_HEAD(, client) clients;
};

static void
free_when_idle(struct control_socket *c)
{
	if (!c->closing || !c->closed || c->n_clients)
		return;
	free(c->path);
	free(c);
}

static void
client_closed(uv_handle_t *h)
{
	struct client *cl = h->data;
	struct control_socket *c = cl->control;

	if (--cl->open)
		return;
	if (cl->job)
		cl->job->ops->free(cl->job);
	listing_free(cl->listing);
	LIST_REMOVE(cl, link);
	buf_fini(&cl->in);
	free(cl);
	if (--c->n_clients <= CLIENTS_MAX / 2)
		c->full = false;
	free_when_idle(c);
}

static void
drop(struct client *cl)
{
	if (uv_is_closing((uv_handle_t *)&cl->pipe))
		return;
	uv_close((uv_handle_t *)&cl->pipe, client_closed);
	uv_close((uv_handle_t *)&cl->timer, client_closed);
}

static bool
answer_waits(const struct client *cl)
{
	const uv_stream_t *s = (const uv_stream_t *)&cl->pipe;

	return cl->listing || uv_stream_get_write_queue_size(s) > 0;
}

/* One that sends no more may still listen; this one does neither. */
static bool
is_gone(const struct client *cl)
{
	struct pollfd p = { .events = 0 };

	if (uv_fileno((const uv_handle_t *)&cl->pipe, &p.fd) != 0)
		return true;
	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static void
watch(uv_timer_t *t)
{
	struct client *cl = t->data;
	bool mid_line = cl->in.len && !cl->job;
	bool stuck = (answer_waits(cl) || mid_line) &&
	    clock_mono(cl->control->gw->clock) - cl->moved > SILENT_MS;

	if (stuck || (cl->leaving && is_gone(cl)))
		drop(cl);
}

struct reply {
	uv_write_t write;
	struct client *to;
	char *text;
};

static void send_piece(struct client *cl, const char *before);
static void take_lines(struct client *cl);

static void
written(uv_write_t *w, int status)
{
	struct reply *r = w->data;
	struct client *cl = r->to;

	cl->moved = clock_mono(cl->control->gw->clock);
	mem_free_secret(r->text);
	free(r);
	if (status != 0)
		drop(cl);
	else if (!cl->listing)
		take_lines(cl);
	else if (!uv_is_closing((uv_handle_t *)&cl->pipe))
		send_piece(cl, "");
}

/* Takes text. */
static void
send_text(struct client *cl, char *text)
{
	struct reply *r = mem_zalloc(sizeof(*r));
	uv_buf_t b = uv_buf_init(text, (unsigned)strlen(text));

	r->text = text;
	r->to = cl;
	r->write.data = r;
	if (uv_write(&r->write, (uv_stream_t *)&cl->pipe, &b, 1, written) != 0)
		written(&r->write, UV_EPIPE);
}

/* Takes answer. */
static void
reply(struct client *cl, json_t *answer)
{
	char *line = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	send_text(cl,
	    mem_printf("%s\n",
		line ? line
		     : "{\"ok\":false,\"exit\":1,"
		       "\"text\":\"internal\"}"));
	mem_free_secret(line);
}

/* The next piece of a long answer, as soon as the client has taken the one
 * before; it is one line all the same. */
static void
send_piece(struct client *cl, const char *before)
{
	struct buf b = { 0 };

	buf_puts(&b, before);
	if (!listing_piece(cl->listing, &b)) {
		buf_puts(&b, "}\n");
		listing_free(cl->listing);
		cl->listing = NULL;
	}
	send_text(cl, buf_take(&b));
}

static void
refuse(struct client *cl, enum err e, const struct errbuf *eb)
{
	const char *why = eb->text[0] ? eb->text : err_str(e);
	char text[sizeof(eb->text)];

	utf8_sanitize(why, strlen(why), text, sizeof(text)); /* may be cut */
	reply(cl,
	    json_pack("{s:b, s:i, s:s}", "ok", 0, "exit", (int)err_exit(e),
		"text", text));
}

/* Of jobs. */

static bool
job_says(void *arg, json_t *data)
{
	struct client *cl = arg;
	const uv_stream_t *s = (const uv_stream_t *)&cl->pipe;

	if (uv_is_closing((uv_handle_t *)&cl->pipe) ||
	    uv_stream_get_write_queue_size(s) > BEHIND_BYTES) {
		json_decref(data);
		return false;
	}
	reply(
	    cl, json_pack("{s:b, s:b, s:o}", "ok", 1, "more", 1, "data", data));
	return true;
}

static void
job_ends(void *arg, enum err e, json_t *data, const struct errbuf *eb)
{
	struct client *cl = arg;

	cl->job = NULL;
	if (uv_is_closing((uv_handle_t *)&cl->pipe))
		json_decref(data);
	else if (e == OK)
		reply(cl, json_pack("{s:b, s:o}", "ok", 1, "data", data));
	else
		refuse(cl, e, eb);
}

static void
serve(struct client *cl, const json_t *rq)
{
	struct gateway *gw = cl->control->gw;
	const struct listener to = { job_says, job_ends, cl };
	struct outcome out = { NULL, NULL, NULL };
	struct errbuf eb = { "" };
	enum err e;

	if (json_is_object(rq))
		e = command_run(gw, &cl->who, rq, &to, &out, &eb);
	else
		e = errbuf_set(&eb, ERR_RANGE, "not a JSON object");
	/* What was done is on disk before it is said. */
	if (registrar_turn(gw->registrar) != OK && e == OK && !out.job) {
		json_decref(out.data);
		listing_free(out.listing);
		e = errbuf_set(&eb, ERR_IO,
		    "the state file cannot be written, so this is not kept; is "
		    "the disk full?");
	}
	cl->job = out.job;
	cl->listing = e == OK ? out.listing : NULL;
	if (e != OK)
		refuse(cl, e, &eb);
	else if (cl->listing)
		send_piece(cl, "{\"ok\":true,\"data\":");
	else if (!out.job)
		reply(cl, json_pack("{s:b, s:o}", "ok", 1, "data", out.data));
}

/* Takes the first line, len bytes, if it can be obeyed now: while a job runs
 * only "stop" is. */
static bool
take_line(struct client *cl, size_t len)
{
	json_t *rq = json_loadb(cl->in.data, len, JSON_REJECT_DUPLICATES, NULL);
	const char *cmd = json_string_value(json_object_get(rq, "cmd"));
	bool stop = cmd && strcmp(cmd, "stop") == 0;
	bool now = !cl->job || stop;

	if (now)
		buf_consume(&cl->in, len + 1);
	if (stop && cl->job)
		cl->job->ops->stop(cl->job);
	else if (stop)
		reply(cl, json_pack("{s:b, s:{}}", "ok", 1, "data"));
	else if (now)
		serve(cl, rq);
	json_decref(rq);
	return now;
}

static void
lend(uv_handle_t *h, size_t size, uv_buf_t *out)
{
	struct client *cl = h->data;

	(void)size;
	*out = uv_buf_init(cl->chunk, sizeof(cl->chunk));
}

static void
received(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct client *cl = s->data;

	if (n < 0 && n != UV_EOF) {
		drop(cl);
		return;
	}
	cl->moved = clock_mono(cl->control->gw->clock);
	if (n == UV_EOF)
		cl->leaving = true;
	else
		buf_add(&cl->in, b->base, (size_t)n);
	if (cl->leaving && cl->job && is_gone(cl))
		drop(cl);
	else
		take_lines(cl);
}

/* Whether to read on: while a client does not take its answer, nothing more is
 * read from it, but while a job runs it may say stop. */
static bool
listens(const struct client *cl)
{
	if (cl->leaving || cl->in.len > LINE_MAX_BYTES)
		return false;
	return cl->job || !answer_waits(cl);
}

/* Serves what is there, a request at a time. */
static void
take_lines(struct client *cl)
{
	uv_stream_t *s = (uv_stream_t *)&cl->pipe;
	char *end = NULL;
	bool busy;

	while (!uv_is_closing((uv_handle_t *)s) &&
	    (cl->job || !answer_waits(cl)) && cl->in.len &&
	    (end = memchr(cl->in.data, '\n', cl->in.len))) {
		if (!take_line(cl, (size_t)(end - cl->in.data)))
			break;
	}
	if (uv_is_closing((uv_handle_t *)s))
		return;
	busy = cl->job || answer_waits(cl);
	if (!busy && (cl->leaving || cl->in.len > LINE_MAX_BYTES)) {
		drop(cl);
		return;
	}
	if (listens(cl))
		uv_read_start(s, lend, received);
	else
		uv_read_stop(s);
	if (answer_waits(cl) || cl->in.len || cl->leaving)
		uv_timer_start(&cl->timer, watch, WATCH_MS, WATCH_MS);
	else
		uv_timer_stop(&cl->timer);
}

static void
identify(struct client *cl)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uv_os_fd_t fd;

	cl->who.uid = (uid_t)-1;
	if (uv_fileno((uv_handle_t *)&cl->pipe, &fd) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return;
	cl->who.uid = cred.uid;
	cl->who.pid = cred.pid;
}

/* Tells one that is too many so; the answer once written, it is dropped. */
static void
turn_away(struct client *cl)
{
	struct control_socket *c = cl->control;
	struct errbuf eb;

	errbuf_set(&eb, ERR_BUSY,
	    "too many connections to the control socket (%d): end a scan or "
	    "trace that runs, or the program that keeps them open, and try "
	    "again",
	    CLIENTS_MAX);
	if (!c->full)
		log_warn("control", "%s", eb.text);
	c->full = true;
	cl->leaving = true;
	refuse(cl, ERR_BUSY, &eb);
}

static void
connected(uv_stream_t *listener, int status)
{
	struct control_socket *c = listener->data;
	struct client *cl;

	if (status < 0)
		return;
	cl = mem_zalloc(sizeof(*cl));
	cl->control = c;
	uv_pipe_init(&c->gw->loop, &cl->pipe, 0);
	uv_timer_init(&c->gw->loop, &cl->timer);
	cl->pipe.data = cl;
	cl->timer.data = cl;
	cl->open = 2;
	c->n_clients++;
	LIST_INSERT_HEAD(&c->clients, cl, link);
	if (uv_accept(listener, (uv_stream_t *)&cl->pipe) != 0) {
		drop(cl);
		return;
	}
	if (c->n_clients > CLIENTS_MAX) {
		turn_away(cl);
		return;
	}
	identify(cl);
	uv_read_start((uv_stream_t *)&cl->pipe, lend, received);
}

static void
listener_closed(uv_handle_t *h)
{
	struct control_socket *c = h->data;

	c->closed = true;
	free_when_idle(c);
}

enum err
control_new(uv_loop_t *loop, const char *path, struct gateway *gw,
    struct control_socket **out, struct errbuf *eb)
{
	enum err e = socket_path_clear(path, eb);
	struct control_socket *c;
	mode_t mask;
	int rc;

	if (e != OK)
		return e;
	c = mem_zalloc(sizeof(*c));
	c->gw = gw;
	c->path = mem_strdup(path);
	LIST_INIT(&c->clients);
	uv_pipe_init(loop, &c->listener, 0);
	c->listener.data = c;
	mask = umask(0117); /* 0660 from the first moment on */
	rc = uv_pipe_bind(&c->listener, path);
	umask(mask);
	if (rc == 0)
		rc = uv_listen(
		    (uv_stream_t *)&c->listener, CLIENTS_MAX, connected);
	if (rc != 0) {
		control_close(c);
		return errbuf_set(eb, ERR_IO,
		    "control socket %s: %s; does the directory exist, and may "
		    "this user write to it?",
		    path, uv_strerror(rc));
	}
	*out = c;
	return OK;
}

void
control_close(struct control_socket *c)
{
	struct client *cl;

	if (!c || c->closing)
		return;
	c->closing = true;
	LIST_FOREACH(cl, &c->clients, link)
	drop(cl);
	uv_close((uv_handle_t *)&c->listener, listener_closed);
}
