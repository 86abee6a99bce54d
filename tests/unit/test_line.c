/* Lines by their times, ports by their ways: what passes on the wire when, and
 * what happens to a port that goes, comes back, or is another's. */
#include "line_peer.h"

#include "drivers/line/line.h"
#include "drivers/line/port.h"
#include "drivers/line/ports.h"

#include <fcntl.h>
#include <linux/serial.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	SLACK_US = 15000, /* how late a busy machine may wake */
	TIMEOUT_MS = 300,
	ASKS = 5,
};

/* --- an RTS line, which pseudo-terminals have not --- */

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

static bool has_rts, has_rs485;
static struct serial_rs485 rs485;
static struct {
	bool up;
	int64_t at_us;
} rts[PEER_LOG];
static size_t n_rts;

int
__wrap_ioctl(int fd, unsigned long request, void *arg)
{
	bool up = request == TIOCMBIS;

	if (has_rts && (up || request == TIOCMBIC) &&
	    *(int *)arg == TIOCM_RTS) {
		rts[n_rts % PEER_LOG].up = up;
		rts[n_rts++ % PEER_LOG].at_us = peer_now_us();
		return 0;
	}
	if (has_rs485 && request == TIOCGRS485)
		memcpy(arg, &rs485, sizeof(rs485));
	else if (has_rs485 && request == TIOCSRS485)
		memcpy(&rs485, arg, sizeof(rs485));
	else
		return __real_ioctl(fd, request, arg);
	return 0;
}

/* --- an adapter that rounds odd speeds too far --- */

enum err __real_baud_set(int fd, int baud);
enum err __wrap_baud_set(int fd, int baud);

static bool rounds;

enum err
__wrap_baud_set(int fd, int baud)
{
	enum err e = __real_baud_set(fd, baud);

	return rounds ? ERR_CONFIG : e;
}

/* --- a line and its other end --- */

struct rig {
	struct peer *peer;
	struct cfg_bus cfg;
	struct line line;
	atomic_bool stop;
	struct errbuf why;
};

static struct mb_answer answer;
static int64_t answered_us[PEER_LOG];

static void
obey(struct peer *p, const uint8_t *rq, size_t n)
{
	if (p->number < PEER_LOG)
		answered_us[p->number] = peer_now_us();
	peer_obey(p, rq, n);
}

static void
say_nothing(struct peer *p, const uint8_t *rq, size_t n)
{
	(void)p;
	(void)rq;
	(void)n;
}

static void
rig_init(struct rig *r, enum peer_kind kind, peer_fn *fn, int baud)
{
	const struct serial_mode mode = { baud, 8, 'N', 1 };

	memset(r, 0, sizeof(*r));
	r->peer = peer_start(kind, fn);
	r->cfg = peer_bus(r->peer);
	line_init(&r->line, &r->cfg, mode, &r->stop);
	if (!r->line.ops)
		abort();
}

static void
rig_open(struct rig *r)
{
	enum err e = r->line.ops->open(&r->line, &r->why);

	if (e != OK)
		print_message("  %s\n", r->why.text);
	assert_int_equal(e, OK);
	/* no reads to make sure: requests are counted here */
	memset(r->line.met, UINT8_MAX, sizeof(r->line.met));
}

static void
rig_stop(struct rig *r)
{
	r->line.ops->close(&r->line);
	peer_stop(r->peer);
}

static enum err
ask(struct rig *r, unsigned unit)
{
	const struct mb_request rq = { .unit = (uint8_t)unit,
		.function = MB_READ_HOLDING,
		.addr = 1,
		.count = 2,
		.timeout_ms = TIMEOUT_MS };

	return r->line.ops->ask(&r->line, &rq, &answer);
}

/* The pauses on the wire before requests first to last.  None is too short; of
 * several, not all are too long because the machine is busy. */
static void
assert_pauses(const struct rig *r, size_t first, size_t last, int64_t want)
{
	int64_t least = INT64_MAX;

	for (size_t i = first; i <= last; i++) {
		int64_t got = r->peer->at_us[i] - answered_us[i - 1];

		least = got < least ? got : least;
	}
	print_message(
	    "    %lld us of %lld\n", (long long)least, (long long)want);
	assert_true(least >= want);
	assert_true(least < want + SLACK_US);
}

/* --- times --- */

static void
gaps(void **state)
{
	static const struct {
		const char *name;
		int baud;
		int64_t gap_ms, template_ms, unit_gap_ms;
		int64_t same_us, other_us; /* unit */
	} cases[] = {
		{ "3.5 characters", 1200, 0, 0, 0, 29166, 29166 },
		{ "3.5 characters", 9600, 0, 0, 0, 3645, 3645 },
		{ "fast", 115200, 0, 0, 0, 1750, 1750 },
		{ "the bus's", 9600, 40, 5, 0, 40000, 40000 },
		{ "the template's", 9600, 0, 30, 0, 30000, 30000 },
		{ "another unit", 9600, 0, 0, 60, 3645, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;

		print_message("  %s\n", cases[i].name);
		rig_init(&r, PEER_PTY, obey, cases[i].baud);
		r.cfg.gap_ms = cases[i].gap_ms;
		r.cfg.unit_gap_ms = cases[i].unit_gap_ms;
		r.line.gap_ms = cases[i].template_ms;
		rig_open(&r);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(ask(&r, 1), OK);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(ask(&r, 1 + k % 2), OK);
		peer_end(r.peer);
		assert_pauses(&r, 1, 4, cases[i].same_us);
		assert_pauses(&r, 5, 7, cases[i].other_us);
		rig_stop(&r);
	}
}

/* Bytes that come unasked begin the silence anew. */
static void
gap_after_noise(void **state)
{
	static const uint8_t noise[] = "abc";
	struct rig r;
	int64_t at;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	r.cfg.gap_ms = 50;
	rig_open(&r);
	assert_int_equal(ask(&r, 1), OK);
	peer_sleep_us(60000);
	peer_put(r.peer, noise, 3);
	at = peer_now_us();
	assert_int_equal(ask(&r, 1), OK);
	peer_end(r.peer);
	/* a request that nobody mistakes goes first */
	assert_true(r.peer->at_us[1] - at >= 50000);
	assert_true(r.line.late > 0);
	rig_stop(&r);
}

static void
char_delay(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	r.cfg.char_delay_ms = 20;
	rig_open(&r);
	assert_int_equal(ask(&r, 1), OK);
	peer_end(r.peer);
	for (size_t i = 1; i < 8; i++) {
		/* the first is read late too */
		int64_t took = r.peer->byte_us[i] - r.peer->byte_us[0];

		assert_true(took > (int64_t)i * 21000 - SLACK_US);
	}
	rig_stop(&r);
}

/* --- direction --- */

static void
rts_switches(void **state)
{
	static const int modes[] = { CFG_RS485_RTS_UP, CFG_RS485_RTS_DOWN };

	(void)state;
	has_rts = true;
	for (size_t i = 0; i < 2; i++) {
		bool up = modes[i] == CFG_RS485_RTS_UP;
		int64_t after = 0; /* the one that was seen soonest */
		struct rig r;

		n_rts = 0;
		rig_init(&r, PEER_PTY, obey, 9600);
		r.cfg.rs485 = modes[i];
		r.cfg.rts_before_us = 10000;
		r.cfg.rts_after_us = 7000;
		rig_open(&r);
		for (unsigned k = 0; k < ASKS; k++)
			assert_int_equal(ask(&r, 1), OK);
		peer_end(r.peer);
		assert_int_equal(n_rts, 1 + 2 * ASKS);
		for (size_t k = 0; k < n_rts; k++)
			assert_int_equal(rts[k].up, k % 2 ? up : !up);
		for (size_t k = 0; k < ASKS; k++) {
			int64_t at = r.peer->at_us[k];
			int64_t rest = rts[2 * k + 2].at_us - at;

			assert_true(at - rts[2 * k + 1].at_us >= 10000);
			after = rest > after ? rest : after;
		}
		assert_true(after >= 7000 && after < 7000 + SLACK_US);
		rig_stop(&r);
	}
	has_rts = false;
}

static enum err
open_as(enum cfg_rs485 mode, char out[512])
{
	struct rig r;
	enum err e;

	rig_init(&r, PEER_PTY, obey, 9600);
	r.cfg.rs485 = mode;
	r.cfg.rts_before_us = 1500;
	e = r.line.ops->open(&r.line, &r.why);
	snprintf(out, 512, "%s", r.why.text);
	rig_stop(&r);
	return e;
}

static void
kernel_switches(void **state)
{
	char why[512];

	(void)state;
	assert_int_equal(open_as(CFG_RS485_AUTO, why), OK);
	assert_int_equal(open_as(CFG_RS485_ON, why), ERR_UNSUP);
	print_message("  %s\n", why);
	assert_int_equal(open_as(CFG_RS485_RTS_UP, why), ERR_UNSUP);
	print_message("  %s\n", why);
	has_rs485 = true;
	assert_int_equal(open_as(CFG_RS485_ON, why), OK);
	assert_true(rs485.flags & SER_RS485_ENABLED);
	assert_int_equal(rs485.delay_rts_before_send, 2);
	assert_int_equal(open_as(CFG_RS485_OFF, why), OK);
	assert_false(rs485.flags & SER_RS485_ENABLED);
	has_rs485 = false;
}

/* --- speed and format --- */

static void
modes(void **state)
{
	static const struct serial_mode slow = { 1200, 7, 'E', 2 };
	static const struct serial_mode wrong = { 9600, 9, 'N', 1 };
	struct termios t;
	struct rig r;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	rig_open(&r);
	assert_int_equal(line_set_mode(&r.line, slow), OK);
	assert_int_equal(tcgetattr(r.line.fd, &t), 0);
	assert_int_equal(cfgetospeed(&t), B1200);
	assert_int_equal(line_char_us(&r.line, 6), 55000);
	assert_int_equal(line_set_mode(&r.line, wrong), ERR_CONFIG);
	assert_int_equal(r.line.mode.baud, 1200);
	assert_int_equal(ask(&r, 1), OK);
	r.line.ops->close(&r.line);
	rig_open(&r);
	assert_int_equal(r.line.mode.baud, 9600);
	rig_stop(&r);

	rig_init(&r, PEER_TCP, obey, 0);
	rig_open(&r);
	assert_int_equal(line_set_mode(&r.line, wrong), OK);
	assert_int_equal(ask(&r, 1), OK);
	rig_stop(&r);
}

static void
odd_speed(void **state)
{
	static const struct serial_mode odd = { 31250, 5, 'O', 1 };
	static const struct serial_mode wrong = { 9600, 9, 'N', 1 };
	struct rig r;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	rig_open(&r);
	assert_int_equal(line_set_mode(&r.line, odd), OK);
	assert_int_equal(line_set_mode(&r.line, wrong), ERR_CONFIG);
	assert_int_equal(r.line.mode.baud, 31250);
	assert_int_equal(ask(&r, 1), OK);
	rig_stop(&r);
}

/* A speed that is set and then found not to hold leaves the old one. */
static void
mode_refused(void **state)
{
	static const struct serial_mode odd = { 31250, 8, 'N', 1 };
	struct termios t;
	struct rig r;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	rig_open(&r);
	rounds = true;
	assert_int_equal(line_set_mode(&r.line, odd), ERR_CONFIG);
	rounds = false;
	assert_int_equal(r.line.mode.baud, 9600);
	assert_int_equal(tcgetattr(r.line.fd, &t), 0);
	assert_int_equal(cfgetospeed(&t), B9600);
	rig_stop(&r);
}

/* --- text, also between frames --- */

static void
text(void **state)
{
	(void)state;
	for (int kind = PEER_PTY; kind <= PEER_RTU_TCP; kind++) {
		struct rig r;
		char got[32];
		size_t n = 0;

		rig_init(&r, kind, obey, 9600);
		rig_open(&r);
		assert_int_equal(ask(&r, 1), OK);
		peer_put(r.peer, (const uint8_t *)"Hello\r\n", 7);
		assert_int_equal(
		    line_recv(&r.line, got, sizeof(got), 200, &n), OK);
		assert_int_equal(n, 7);
		assert_memory_equal(got, "Hello\r\n", 7);
		assert_int_equal(
		    line_recv(&r.line, got, sizeof(got), 20, &n), ERR_TIMEOUT);
		assert_int_equal(ask(&r, 1), OK);
		/* a request, as text */
		assert_int_equal(
		    line_write(&r.line, "\1\3\0\0\0\1\x84\xa", 8, 2), OK);
		peer_sleep_us(50000);
		assert_int_equal(
		    line_recv(&r.line, got, sizeof(got), 200, &n), OK);
		assert_int_equal(n, 7);
		rig_stop(&r);
	}
}

/* --- ports that go --- */

struct plug {
	struct peer *peer;
	int64_t out_us;
};

static void *
unplug(void *arg)
{
	struct plug *plug = arg;

	peer_sleep_us(100000);
	peer_end(plug->peer);
	plug->out_us = peer_now_us();
	close(plug->peer->fd);
	plug->peer->fd = -1;
	return NULL;
}

/* How long a line does not notice, in each of the things that it does. */
static void
unplugged(void **state)
{
	static const char *const doing[] = { "waiting", "settling", "resting" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rig r;
		pthread_t thread;
		enum err e = OK;
		int64_t start = peer_now_us(), noticed;
		struct plug plug;

		rig_init(&r, PEER_PTY, say_nothing, 9600);
		rig_open(&r);
		plug.peer = r.peer;
		assert_int_equal(
		    pthread_create(&thread, NULL, unplug, &plug), 0);
		if (i == 0)
			e = ask(&r, 1);
		if (i == 1)
			e = r.line.ops->recover(&r.line, 1000);
		while (i == 2 && e == OK && peer_now_us() < start + 1000000) {
			peer_sleep_us(1000);
			e = r.line.ops->idle(&r.line);
		}
		noticed = peer_now_us();
		pthread_join(thread, NULL);
		print_message("  %s: after %lld us\n", doing[i],
		    (long long)(noticed - plug.out_us));
		assert_int_equal(e, ERR_IO);
		assert_true(noticed - plug.out_us < 100000);
		rig_stop(&r);
	}
}

static void
another_name(void **state)
{
	char dir[] = "/tmp/tb-line-XXXXXX", link[64];
	struct rig r, other;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/adapter", dir);
	rig_init(&r, PEER_PTY, obey, 9600);
	rig_init(&other, PEER_PTY, peer_obey, 9600);
	r.cfg.port = link;
	assert_false(line_there(&r.line));
	assert_int_equal(r.line.ops->open(&r.line, &r.why), ERR_NOTFOUND);
	assert_int_equal(symlink(r.peer->name, link), 0);
	assert_true(line_there(&r.line));
	rig_open(&r);
	assert_int_equal(ask(&r, 1), OK);
	assert_int_equal(unlink(link), 0);
	assert_false(line_there(&r.line));
	r.line.ops->close(&r.line);
	assert_int_equal(symlink(other.peer->name, link), 0);
	rig_open(&r);
	assert_int_equal(ask(&r, 1), OK);
	peer_end(other.peer);
	assert_int_equal(other.peer->number, 1);
	unlink(link);
	rmdir(dir);
	rig_stop(&r);
	rig_stop(&other);
}

/* --- ports that are another's --- */

/* Locks the port and leaves it to a child, which it returns. */
static pid_t
lock_and_go(const char *path)
{
	int pipes[2];
	pid_t pid, child = 0;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_RDWR | O_NOCTTY);

		if (flock(fd, LOCK_EX | LOCK_NB) != 0)
			_exit(1);
		child = fork();
		if (child == 0) {
			alarm(20); /* when the test fails, nobody ends it */
			pause();
			_exit(0);
		}
		_exit(write(pipes[1], &child, sizeof(child)) < 0);
	}
	assert_int_equal(read(pipes[0], &child, sizeof(child)), sizeof(child));
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	return child;
}

static void
held(void **state)
{
	char name[32] = "", want[64];
	struct rig r, again;
	pid_t pid;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	rig_open(&r);
	again = r;
	again.line.cfg = &again.cfg;
	again.line.fd = -1;
	assert_int_equal(
	    again.line.ops->open(&again.line, &again.why), ERR_BUSY);
	print_message("  %s\n", again.why.text);
	assert_non_null(strstr(again.why.text, "another bus of this gateway"));
	r.line.ops->close(&r.line);

	pid = lock_and_go(r.peer->name);
	assert_int_equal(r.line.ops->open(&r.line, &r.why), ERR_BUSY);
	print_message("  %s\n", r.why.text);
	assert_int_equal(prctl(PR_GET_NAME, name), 0); /* or an emulator's */
	snprintf(want, sizeof(want), "held by %s (pid %ld)", name, (long)pid);
	assert_non_null(strstr(r.why.text, want));
	kill(pid, SIGKILL);
	while (r.line.ops->open(&r.line, &r.why) == ERR_BUSY)
		peer_sleep_us(1000);
	assert_int_equal(ask(&r, 1), OK);
	rig_stop(&r);
}

static void
no_port(void **state)
{
	static char null[] = "/dev/null";
	struct rig r;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	r.cfg.port = null;
	assert_int_equal(r.line.ops->open(&r.line, &r.why), ERR_IO);
	print_message("  %s\n", r.why.text);
	assert_non_null(strstr(r.why.text, "not a serial port"));
	rig_stop(&r);
}

/* --- many --- */

static void
high_descriptors(void **state)
{
	struct rlimit old, many;
	struct rig r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	many = old;
	many.rlim_cur = 4096;
	if (setrlimit(RLIMIT_NOFILE, &many) != 0)
		skip();
	for (int kind = PEER_PTY; kind <= PEER_TCP; kind++) {
		rig_init(&r, kind, obey, 115200);
		rig_open(&r);
		assert_true(r.line.fd >= 1024);
		assert_int_equal(ask(&r, 1), OK);
		rig_stop(&r);
	}
	many.rlim_cur = 1024;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
	rig_init(&r, PEER_TCP, obey, 115200);
	rig_open(&r);
	assert_true(r.line.fd < 1024);
	assert_int_equal(ask(&r, 1), OK);
	rig_stop(&r);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	print_message("  a line has %zu bytes\n", sizeof(r.line));
	assert_true(sizeof(struct line) < 1024);
}

/* --- the list of ports --- */

static void
put_file(const char *root, const char *path, const char *content)
{
	char command[1024];

	snprintf(command, sizeof(command),
	    "p='%s%s'; mkdir -p \"${p%%/*}\" && printf '%s\\n' > \"$p\"", root,
	    path, content);
	assert_int_equal(system(command), 0);
}

static void
put_link(const char *root, const char *path, const char *target)
{
	char command[1024];

	snprintf(command, sizeof(command),
	    "p='%s%s'; mkdir -p \"${p%%/*}\" && ln -s '%s' \"$p\"", root, path,
	    target);
	assert_int_equal(system(command), 0);
}

static void
port_list(void **state)
{
	char root[] = "/tmp/tb-ports-XXXXXX", command[64];
	static char path[] = "/dev/ttyUSB0", ids[] = "1a86:7523";
	struct port_info p = { .path = path, .ids = ids }, *all;
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(root));
	put_file(root, "/dev/ttyUSB0", "");
	put_link(root, "/dev/serial/by-id/usb-1a86-if00", "../../ttyUSB0");
	put_link(root, "/dev/serial/by-path/pci-1.2", "../../ttyUSB0");
	put_link(root, "/dev/serial/by-path/pci-1.1", "../../ttyUSB1");
	put_file(root, "/sys/class/tty/ttyUSB0/device/latency_timer", "16");
	put_link(root, "/sys/class/tty/ttyUSB0/device/driver",
	    "../../../bus/usb-serial/drivers/ch341-uart");
	put_file(root, "/sys/class/tty/console/active", "tty0 ttyUSB0");
	ports_describe(&p, root);
	print_message("  %s\n", p.hint);
	assert_string_equal(p.by_id, "/dev/serial/by-id/usb-1a86-if00");
	assert_string_equal(p.by_path, "/dev/serial/by-path/pci-1.2");
	assert_string_equal(p.driver, "ch341-uart");
	assert_true(p.access);
	assert_null(p.holder);
	assert_non_null(strstr(p.hint, "console"));
	assert_non_null(strstr(p.hint, "no serial number"));
	assert_non_null(strstr(p.hint, "16 ms"));
	free(p.by_id);
	free(p.by_path);
	free(p.driver);
	free(p.hint);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);

	all = ports_list(&n); /* whatever this machine has */
	for (size_t i = 0; i < n; i++)
		print_message("  %s %s %s: %s\n", all[i].path,
		    all[i].adapter ? all[i].adapter : "-",
		    all[i].holder ? all[i].holder : "-",
		    all[i].hint ? all[i].hint : "-");
	ports_free(all, n);
}

static void
same_port(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, PEER_PTY, obey, 9600);
	assert_true(ports_same(r.peer->name, r.peer->name));
	assert_true(ports_same("/dev/no", "/dev/no"));
	assert_false(ports_same(r.peer->name, "/dev/null"));
	assert_false(ports_same(r.peer->name, "/dev/no"));
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps),
		cmocka_unit_test(gap_after_noise),
		cmocka_unit_test(char_delay),
		cmocka_unit_test(rts_switches),
		cmocka_unit_test(kernel_switches),
		cmocka_unit_test(modes),
		cmocka_unit_test(odd_speed),
		cmocka_unit_test(mode_refused),
		cmocka_unit_test(text),
		cmocka_unit_test(unplugged),
		cmocka_unit_test(another_name),
		cmocka_unit_test(held),
		cmocka_unit_test(no_port),
		cmocka_unit_test(high_descriptors),
		cmocka_unit_test(port_list),
		cmocka_unit_test(same_port),
	};

	cmocka_set_skip_filter(getenv("TB_SKIP"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
