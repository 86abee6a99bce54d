#define _GNU_SOURCE /* ppoll */

#include "cli/daemon.h"

#include "cli/bridge.h"
#include "cli/control_path.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The one thing that a signal's handler can reach. */
static volatile sig_atomic_t interrupted;

/* fail takes text. */
static int
fail(struct daemon_call *c, enum exit_code code, char *text)
{
	free(c->error);
	c->error = text;
	return code;
}

/* The socket may lie in a directory that cannot be entered: then its group is
 * the one that matters. */
static int
no_permission(struct daemon_call *c)
{
	char *copy = mem_strdup(c->path), name[64] = "", text[1024];
	struct group gr, *found = NULL;
	struct stat st;

	if (stat(c->path, &st) == 0 || stat(dirname(copy), &st) == 0)
		getgrgid_r(st.st_gid, &gr, text, sizeof(text), &found);
	if (found && strcmp(gr.gr_name, "root") != 0)
		snprintf(name, sizeof(name), "%s", gr.gr_name);
	free(copy);
	if (*name)
		return fail(c, EXIT_REFUSED,
		    mem_printf("no permission to use %s: it is for the group "
			       "%s; join it (sudo adduser $USER %s, then log "
			       "in again) or use sudo",
			c->path, name, name));
	return fail(c, EXIT_REFUSED,
	    mem_printf("no permission to use %s: it is for root alone; use "
		       "sudo",
		c->path));
}

/* With the package's names it is systemd that starts it. */
static int
not_running(struct daemon_call *c)
{
	bool package = strcmp(c->path, CONTROL_PATH_DEFAULT) == 0 &&
	    strcmp(c->conf, BRIDGE_CONF) == 0;

	return fail(c, EXIT_NODAEMON,
	    mem_printf("thingbridged is not running: nobody answers at %s; "
		       "start %s%s",
		c->path,
		package ? "it: sudo systemctl start thingbridged"
			: "thingbridged -c ",
		package ? "" : c->conf));
}

static int
cannot_connect(struct daemon_call *c)
{
	int why = errno;
	struct errbuf eb;
	struct stat st;

	if (stat(c->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return fail(c, EXIT_CONFIG,
		    mem_printf("%s is no socket of thingbridged", c->path));
	errno = why;
	if (errno == EACCES || errno == EPERM)
		return no_permission(c);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return not_running(c);
	errbuf_errno(&eb, "cannot connect to %s", c->path);
	return fail(c, EXIT_NODAEMON, mem_strdup(eb.text));
}

static int
open_socket(struct daemon_call *c, int *out)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, code;

	if (!*c->path)
		return fail(c, EXIT_CONFIG,
		    mem_strdup("the path of the control socket is empty"));
	if (strlen(c->path) >= sizeof(sa.sun_path))
		return fail(c, EXIT_CONFIG,
		    mem_printf("the path of the control socket is too long: %s",
			c->path));
	memcpy(sa.sun_path, c->path, strlen(c->path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(c, EXIT_FAILED, mem_strdup("cannot make a socket"));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0) {
		*out = fd;
		return EXIT_OK;
	}
	code = cannot_connect(c);
	close(fd);
	return code;
}

static int
lost(struct daemon_call *c)
{
	c->unanswered = true;
	return fail(c, EXIT_NODAEMON,
	    mem_strdup("thingbridged closed the connection without an answer; "
		       "its log says why"));
}

static int
write_all(struct daemon_call *c, int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lost(c);
		s += n;
		len -= (size_t)n;
	}
	return EXIT_OK;
}

/* One command on its way. */
struct talk {
	struct daemon_call *c;
	int fd;
	struct buf in;
	sigset_t while_waiting;
	int64_t until; /* monotonic, ms; of silence or of stopping */
};

static int64_t
silence_of(const struct daemon_call *c)
{
	return c->silence_ms ? c->silence_ms : DAEMON_WAIT_MS;
}

static void
heard(struct talk *t)
{
	/* After a stop it is the end that is waited for, not a sign of life. */
	if (!t->c->stopped)
		t->until = clock_mono(&clock_system) + silence_of(t->c);
}

static int
too_silent(struct daemon_call *c)
{
	int64_t ms = c->stopped ? DAEMON_STOP_MS : silence_of(c);

	c->unanswered = true;
	return fail(c, EXIT_TIMEOUT,
	    mem_printf(
		"thingbridged has not answered for %d s", (int)(ms / 1000)));
}

static int
stop(struct talk *t)
{
	static const char line[] = "{\"cmd\":\"stop\"}\n";

	if (t->c->stopped)
		return EXIT_OK;
	t->c->stopped = true;
	t->until = clock_mono(&clock_system) + DAEMON_STOP_MS;
	return write_all(t->c, t->fd, line, sizeof(line) - 1);
}

static bool
waits_forever(const struct daemon_call *c)
{
	return c->silence_ms == DAEMON_FOREVER && !c->stopped;
}

/* wait_input returns when there is something to read. */
static int
wait_input(struct talk *t)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	for (;;) {
		int64_t left = t->until - clock_mono(&clock_system);
		struct timespec ts = {
			.tv_sec = (time_t)(left / 1000),
			.tv_nsec = (long)(left % 1000) * 1000000,
		};
		bool forever = waits_forever(t->c);
		int ready, code;

		if (!forever && left <= 0)
			return too_silent(t->c);
		ready = ppoll(&p, 1, forever ? NULL : &ts, &t->while_waiting);
		if (ready > 0)
			return EXIT_OK;
		code = t->c->more && interrupted ? stop(t) : EXIT_OK;
		if (code != EXIT_OK)
			return code;
	}
}

/* read_line takes the next line, without its end. */
static int
read_line(struct talk *t, struct buf *line)
{
	char block[16384];
	char *end;

	while (!t->in.len || !(end = memchr(t->in.data, '\n', t->in.len))) {
		int code = wait_input(t);
		ssize_t n;

		if (code != EXIT_OK)
			return code;
		n = read(t->fd, block, sizeof(block));
		if (n <= 0)
			return lost(t->c);
		buf_add(&t->in, block, (size_t)n);
		explicit_bzero(block, (size_t)n);
		if (t->in.len > DAEMON_LINE_MAX)
			return fail(t->c, EXIT_FAILED,
			    mem_strdup("the answer is too long"));
	}
	buf_add(line, t->in.data, (size_t)(end - t->in.data));
	buf_consume(&t->in, (size_t)(end - t->in.data) + 1);
	heard(t);
	return EXIT_OK;
}

/* take_answer unpacks {"ok": true, "data": {}} or what the daemon said. */
static int
take_answer(
    struct daemon_call *c, const struct buf *line, json_t **data, bool *more)
{
	json_t *a = json_loadb(line->data, line->len, 0, NULL);
	const char *text = json_string_value(json_object_get(a, "text"));
	json_int_t code = json_integer_value(json_object_get(a, "exit"));
	int result = EXIT_OK;

	c->unanswered = false; /* one that would not take it has said why */
	*more = json_is_true(json_object_get(a, "more"));
	if (json_is_true(json_object_get(a, "ok")))
		*data = json_incref(json_object_get(a, "data"));
	else if (text)
		result = fail(c,
		    code > 0 && code < 256 ? (enum exit_code)code : EXIT_FAILED,
		    mem_strdup(text));
	if (!*data && result == EXIT_OK)
		result = fail(c, EXIT_FAILED,
		    mem_strdup("that was no answer of a thingbridged; are both "
			       "of one version?"));
	json_decref(a);
	return result;
}

static int
next_answer(struct talk *t, json_t **data, bool *more)
{
	struct buf line = { 0 };
	int code = read_line(t, &line);

	*data = NULL;
	if (code == EXIT_OK)
		code = take_answer(t->c, &line, data, more);
	if (line.data)
		explicit_bzero(line.data, line.cap); /* may hold a KEY */
	buf_fini(&line);
	return code;
}

static int
take_answers(struct talk *t, json_t **data)
{
	for (;;) {
		bool more = false;
		int code = next_answer(t, data, &more);

		if (code != EXIT_OK || !more)
			return code;
		if (t->c->more && !t->c->more(t->c->arg, *data))
			code = stop(t);
		json_decref(*data);
		*data = NULL;
		if (code != EXIT_OK)
			return code;
	}
}

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* talk_signals lets SIGINT and SIGTERM come while waiting only, and once. */
static void
talk_signals(struct talk *t, sigset_t *were, struct sigaction was[2])
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;

	sa.sa_flags = (int)SA_RESETHAND;
	sigemptyset(&sa.sa_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, were);
	t->while_waiting = *were;
	interrupted = 0;
	sigaction(SIGINT, &sa, &was[0]);
	sigaction(SIGTERM, &sa, &was[1]);
}

static int
talk(struct talk *t, const char *request, json_t **data)
{
	struct sigaction was[2];
	sigset_t were;
	int code;

	if (t->c->more)
		talk_signals(t, &were, was);
	else
		sigprocmask(SIG_BLOCK, NULL, &t->while_waiting);
	heard(t);
	if (write_all(t->c, t->fd, request, strlen(request)) == EXIT_OK)
		write_all(t->c, t->fd, "\n", 1);
	/* One that closed at once may have said why. */
	code = take_answers(t, data);
	if (t->c->more) {
		sigaction(SIGINT, &was[0], NULL);
		sigaction(SIGTERM, &was[1], NULL);
		sigprocmask(SIG_SETMASK, &were, NULL);
	}
	return code;
}

int
daemon_ask(struct daemon_call *c, json_t *request, json_t **data)
{
	char *line = json_dumps(request, JSON_COMPACT);
	struct talk t = { .c = c, .fd = -1 };
	int code;

	*data = NULL;
	json_decref(request);
	if (!line)
		return fail(
		    c, EXIT_USAGE, mem_strdup("the options are not UTF-8"));
	code = open_socket(c, &t.fd);
	if (code == EXIT_OK)
		code = talk(&t, line, data);
	if (t.fd >= 0)
		close(t.fd);
	if (t.in.data)
		explicit_bzero(t.in.data, t.in.cap);
	buf_fini(&t.in);
	free(line);
	return code;
}
