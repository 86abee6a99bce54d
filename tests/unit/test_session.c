#include "xmpp/fault.h"
#include "xmpp/lowfd.h"
#include "xmpp/resolve.h"
#include "xmpp/session.h"
#include "xmpp/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---------------------------------------------------------- configuration */

static const struct {
	const char *name;
	struct session_config config;
	enum err want;
	const char *says;
} configs[] = {
	{ "a client", { .jid = "a@b.org/c", .password = "p" }, OK, "" },
	{ "a component",
	    { .kind = SESSION_COMPONENT, .jid = "reg.b.org", .password = "p" },
	    OK, "" },
	{ "no JID", { .password = "p" }, ERR_CONFIG, "not a JID" },
	{ "not a JID", { .jid = "@@", .password = "p" }, ERR_CONFIG,
	    "not a JID" },
	{ "no user", { .jid = "b.org", .password = "p" }, ERR_CONFIG,
	    "no user name" },
	{ "a component with a user",
	    { .kind = SESSION_COMPONENT, .jid = "a@b.org", .password = "p" },
	    ERR_CONFIG, "has a domain" },
	{ "no password", { .jid = "a@b.org/c" }, ERR_CONFIG, "no password" },
	{ "optional TLS on loopback",
	    { .jid = "a@b.org/c",
		.password = "p",
		.host = "127.0.0.1",
		.tls = SESSION_TLS_OPTIONAL },
	    OK, "" },
	{ "optional TLS off loopback",
	    { .jid = "a@b.org/c",
		.password = "p",
		.host = "192.0.2.1",
		.tls = SESSION_TLS_OPTIONAL },
	    ERR_CONFIG, "this machine" },
	{ "optional TLS off loopback, IPv6",
	    { .jid = "a@b.org/c",
		.password = "p",
		.host = "2001:db8::1",
		.tls = SESSION_TLS_OPTIONAL },
	    ERR_CONFIG, "this machine" },
	{ "no CA file",
	    { .jid = "a@b.org/c", .password = "p", .ca_file = "/nonexistent" },
	    ERR_CONFIG, "cannot be read" },
};

static void
note_stop(void *arg)
{
	*(bool *)arg = true;
}

static void
a_configuration_is_checked(void **state)
{
	static const struct session_events none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct session *s = NULL;
		struct errbuf eb = { "" };
		bool stopped = false;
		uv_loop_t loop;
		enum err e;

		print_message("  %s\n", configs[i].name);
		uv_loop_init(&loop);
		e = session_new(
		    &loop, &clock_system, &configs[i].config, &none, &s, &eb);
		assert_string_equal(err_str(e), err_str(configs[i].want));
		assert_non_null(strstr(eb.text, configs[i].says));
		if (e == OK) {
			session_stop(s, note_stop, &stopped);
			uv_run(&loop, UV_RUN_DEFAULT);
			assert_true(stopped);
		}
		assert_int_equal(uv_loop_close(&loop), 0);
	}
}

static void
there_is_one_session(void **state)
{
	static const struct session_events none = { 0 };
	const struct session_config c = { .jid = "a@b.org", .password = "p" };
	struct session *first, *second;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(
	    session_new(&loop, &clock_system, &c, &none, &first, NULL), OK);
	assert_int_equal(
	    session_new(&loop, &clock_system, &c, &none, &second, NULL),
	    ERR_BUSY);
	assert_false(session_online(first));
	assert_string_equal(session_bare(first), "a@b.org");
	assert_int_equal(
	    session_send(first, xmpp_presence_new(session_ctx(first))),
	    ERR_OFFLINE);
	session_stop(first, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* ------------------------------------------------------------ explanations */

#define AT_STREAM .stage = LINK_STREAM
#define SE(cond) .stream_error = true, .type = (cond)

static const struct {
	const char *name;
	struct link_end end;
	enum session_fault want;
	const char *says;
} faults[] = {
	{ "refused", { .sys_error = ECONNREFUSED }, SESSION_NO_CONNECT,
	    "Connection refused; is the server running" },
	{ "no network", { .sys_error = ENETUNREACH }, SESSION_NO_CONNECT,
	    "has this machine a network" },
	{ "no answer to connect", { .silent = true }, SESSION_NO_CONNECT,
	    "firewall" },
	{ "silent", { AT_STREAM, .silent = true }, SESSION_SILENT,
	    "fell silent" },
	{ "hung", { .stage = LINK_ONLINE, .silent = true }, SESSION_SILENT,
	    "no longer answers" },
	{ "no STARTTLS", { AT_STREAM, .no_starttls = true }, SESSION_NO_TLS,
	    "STARTTLS" },
	{ "certificate", { AT_STREAM, .cert = "hostname mismatch" },
	    SESSION_NO_TLS, "not accepted for b.org: hostname mismatch" },
	{ "old clock", { AT_STREAM, .cert = "certificate is not yet valid" },
	    SESSION_NO_TLS, "clock of this machine right (timedatectl)" },
	{ "handshake", { AT_STREAM, .tls_failed = true }, SESSION_NO_TLS,
	    "encryption" },
	{ "password", { AT_STREAM, .auth_failed = true }, SESSION_NO_AUTH,
	    "password of a@b.org" },
	{ "no account for us",
	    { AT_STREAM, .account = ACCOUNT_REFUSED,
		.account_why = "not-allowed" },
	    SESSION_NO_AUTH, "creates no account a@b.org (not-allowed)" },
	{ "secret", { AT_STREAM, SE(XMPP_SE_NOT_AUTHORIZED) }, SESSION_NO_AUTH,
	    "secret was refused" },
	{ "unknown host", { AT_STREAM, SE(XMPP_SE_HOST_UNKNOWN) },
	    SESSION_NO_AUTH, "does not know" },
	{ "replaced",
	    { .stage = LINK_ONLINE, SE(XMPP_SE_CONFLICT), .text = "Replaced" },
	    SESSION_REPLACED, "Replaced" },
	{ "limits", { .stage = LINK_ONLINE, SE(XMPP_SE_POLICY_VIOLATION) },
	    SESSION_LOST, "limits" },
	{ "another condition", { .stage = LINK_ONLINE, SE(XMPP_SE_BAD_FORMAT) },
	    SESSION_LOST, "ended the connection" },
	{ "cut", { .stage = LINK_ONLINE }, SESSION_LOST, "was lost" },
	{ "not XML", { AT_STREAM, .not_xmpp = true }, SESSION_NO_CONNECT,
	    "is not XMPP" },
	{ "malformed XML", { .stage = LINK_ONLINE, .not_xmpp = true },
	    SESSION_LOST, "is not XMPP" },
	{ "closed early", { AT_STREAM }, SESSION_LOST, "before the login" },
};

static void
a_fault_is_explained(void **state)
{
	const struct fault_place at = { SESSION_CLIENT, "192.0.2.1:5222",
		"a@b.org", "b.org" };

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct errbuf eb = { "" };

		print_message("  %s\n", faults[i].name);
		assert_int_equal(
		    fault_explain(&faults[i].end, &at, &eb), faults[i].want);
		assert_non_null(strstr(eb.text, faults[i].says));
		assert_non_null(strstr(eb.text, "192.0.2.1:5222"));
	}
}

/* ------------------------------------------------------------- SRV records */

/* _xmpp-client._tcp.b.org: 5 0 5222 x.b.org, 1 10 5223 y.b.org. */
static const unsigned char answer[] = "\x12\x34\x81\x80\0\1\0\2\0\0\0\0"
				      "\14_xmpp-client\4_tcp\1b\3org\0\0\41\0\1"
				      "\300\14\0\41\0\1\0\0\0\74\0\12"
				      "\0\5\0\0\24\146\1x\300\36"
				      "\300\14\0\41\0\1\0\0\0\74\0\12"
				      "\0\1\0\12\24\147\1y\300\36";

static uint32_t
zero(uint32_t n)
{
	(void)n;
	return 0;
}

static void
srv_records_are_read_and_ordered(void **state)
{
	struct srv v[RESOLVE_TARGETS];

	(void)state;
	assert_int_equal(
	    srv_parse(answer, sizeof(answer) - 1, v, RESOLVE_TARGETS), 2);
	assert_string_equal(v[0].target, "x.b.org");
	assert_int_equal(v[0].port, 5222);
	srv_order(v, 2, zero);
	assert_string_equal(v[0].target, "y.b.org");
	assert_int_equal(v[0].priority, 1);
	assert_int_equal(v[0].weight, 10);
	assert_int_equal(srv_parse(answer, sizeof(answer) - 1, v, 1), 1);
	for (int len = -1; len < (int)sizeof(answer) - 1; len++)
		assert_true(srv_parse(answer, len, v, RESOLVE_TARGETS) < 2);
}

static void
srv_weights_are_drawn(void **state)
{
	const struct srv all[] = { { "a", 1, 0, 1 }, { "b", 1, 60, 1 },
		{ "c", 1, 40, 1 }, { "d", 0, 0, 1 } };
	struct srv v[4];

	(void)state;
	memcpy(v, all, sizeof(v));
	srv_order(v, 4, zero);
	assert_string_equal(v[0].target, "d");
	for (size_t i = 0; i < 4; i++)
		for (size_t k = i + 1; k < 4; k++)
			assert_string_not_equal(v[i].target, v[k].target);
}

struct found {
	enum err e;
	size_t n;
	struct address first;
	int calls;
};

static void
on_found(
    void *arg, enum err e, const struct address *v, size_t n, const char *why)
{
	struct found *f = arg;

	f->calls++;
	f->e = e;
	f->n = n;
	if (n > 0)
		f->first = v[0];
	assert_true(e != ERR_NOTFOUND || why[0] != '\0');
}

static void
literals_are_found(void **state)
{
	static const struct {
		const char *name;
		enum err e;
		bool loopback;
	} rows[] = {
		{ "127.0.0.1", OK, true },
		{ "127.9.9.9", OK, true },
		{ "::1", OK, true },
		{ "192.0.2.1", OK, false },
		{ "not a host name", ERR_NOTFOUND, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct found f = { 0 };
		uv_loop_t loop;

		print_message("  %s\n", rows[i].name);
		uv_loop_init(&loop);
		(void)resolve_start(
		    &loop, NULL, rows[i].name, 5222, on_found, &f);
		assert_int_equal(f.calls, 0);
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(f.calls, 1);
		assert_int_equal(f.e, rows[i].e);
		if (f.e == OK) {
			assert_string_equal(f.first.text, rows[i].name);
			assert_int_equal(f.first.port, 5222);
			assert_int_equal(f.first.loopback, rows[i].loopback);
		}
		assert_int_equal(uv_loop_close(&loop), 0);
	}
}

static void
a_lookup_can_be_cancelled(void **state)
{
	struct found f = { 0 };
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	resolve_cancel(
	    resolve_start(&loop, NULL, "127.0.0.1", 1, on_found, &f));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(f.calls, 1);
	assert_int_equal(f.e, ERR_OFFLINE);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* --------------------------------------------------------- the descriptor */

static void
a_high_descriptor_is_moved(void **state)
{
	struct lowfd l = { -1 };
	struct rlimit lim;
	int fd, high;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &lim), 0);
	lim.rlim_cur = lim.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
	if (lim.rlim_cur <= FD_SETSIZE)
		skip();
	assert_true(lowfd_keep(&l));
	fd = open("/dev/null", O_RDONLY);
	assert_true(lowfd_move(&l, &fd)); /* low already: stays */
	assert_true(l.reserve >= 0);
	high = fcntl(fd, F_DUPFD, FD_SETSIZE);
	assert_true(high >= FD_SETSIZE);
	assert_true(lowfd_move(&l, &high));
	assert_true(high < FD_SETSIZE);
	assert_int_equal(l.reserve, -1);
	assert_int_equal(fcntl(high, F_GETFD), FD_CLOEXEC);
	close(high);
	assert_true(lowfd_keep(&l));
	lowfd_drop(&l);
	close(fd);
}

/* ----------------------------------------------------------- the watchdog */

static void
the_watchdog_ends_silence(void **state)
{
	struct watchdog *w = watchdog_new();
	char byte;
	int fd[2];

	(void)state;
	assert_non_null(w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	watchdog_arm(w, fd[0], 20);
	assert_int_equal(read(fd[0], &byte, 1), 0); /* blocks until then */
	assert_true(watchdog_disarm(w));
	assert_false(watchdog_disarm(w));
	close(fd[0]);
	close(fd[1]);
	watchdog_free(w);
}

static void
the_watchdog_can_be_disarmed(void **state)
{
	struct watchdog *w = watchdog_new();
	char byte = 'x';
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	watchdog_arm(w, fd[0], 30);
	assert_false(watchdog_disarm(w));
	usleep(60000);
	assert_int_equal(write(fd[1], &byte, 1), 1);
	assert_int_equal(read(fd[0], &byte, 1), 1);
	assert_false(watchdog_disarm(w));
	close(fd[0]);
	close(fd[1]);
	watchdog_free(w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_is_checked),
		cmocka_unit_test(there_is_one_session),
		cmocka_unit_test(a_fault_is_explained),
		cmocka_unit_test(srv_records_are_read_and_ordered),
		cmocka_unit_test(srv_weights_are_drawn),
		cmocka_unit_test(literals_are_found),
		cmocka_unit_test(a_lookup_can_be_cancelled),
		cmocka_unit_test(a_high_descriptor_is_moved),
		cmocka_unit_test(the_watchdog_ends_silence),
		cmocka_unit_test(the_watchdog_can_be_disarmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
