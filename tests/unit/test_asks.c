/* What comes between the polls of a bus: asks, traces, and units that come and
 * go while the others are polled. */
#include "aside.h"
#include "common/mem.h"
#include "field_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct drv_ask
read_ask(uint64_t token, uint8_t unit, uint16_t addr, uint16_t count)
{
	return (struct drv_ask){ .token = token,
		.kind = DRV_ASK_MODBUS,
		.unit = unit,
		.function = MB_READ_HOLDING,
		.addr = addr,
		.count = count,
		.timeout_ms = 100 };
}

static struct heard_answer
ask_it(struct rig *r, struct drv_ask ask)
{
	r->n_answers = 0;
	assert_int_equal(drv_bus_ask(r->bus, &ask), OK);
	listen_until(r, 5000, &r->n_answers, 1);
	assert_int_equal(r->n_answers, 1);
	assert_int_equal(r->answers[0].token, ask.token);
	return r->answers[0];
}

static void
only_some(struct ask *a, void *arg)
{
	(void)arg;
	if (a->unit > 2)
		a->delay_ms = -1;
	if (a->addr == 200)
		a->exception = 2;
}

static void
single(int type)
{
	struct drv_ask bad = read_ask(4, 1, 0, 999),
		       put = read_ask(5, 1, 40, 1);
	struct heard_answer a;
	struct rig r = { 0 };

	device_init(&r.dev, 2, 10, 300);
	rig_start(&r, type,
	    type == BUS_MODBUS_TCP ? slave_tcp(only_some, NULL)
				   : slave_pty(only_some, NULL),
	    1);
	a = ask_it(&r, read_ask(1, 2, 7, 3)); /* no unit of the bus */
	assert_int_equal(a.result, OK);
	assert_int_equal(a.n, 3);
	assert_int_equal(a.value[2], slave_value(2, 9));
	assert_true(a.took_us > 0 && a.took_us < 100000);

	a = ask_it(&r, read_ask(2, 1, 200, 1));
	assert_int_equal(a.result, ERR_REFUSED);
	assert_int_equal(a.exception, 2);
	assert_true(a.why[0]);

	a = ask_it(&r, read_ask(3, 9, 0, 1));
	assert_int_equal(a.result, ERR_TIMEOUT);
	assert_in_range(a.took_us, 90000, 400000);

	assert_int_equal(ask_it(&r, bad).result, ERR_RANGE);

	put.function = MB_WRITE_REGISTER;
	put.value[0] = 77;
	assert_int_equal(ask_it(&r, put).result, OK);
	assert_int_equal(slave_stored(r.slave, 1, 40), 77);
	put.function = MB_WRITE_COILS;
	put.count = MB_WRITE_BITS_MAX; /* more than an ask has values */
	assert_int_equal(ask_it(&r, put).result, ERR_RANGE);
	listen_for(&r, 200);
	assert_int_equal(r.heard[0].wrong + r.heard[0].bad, 0);
	assert_int_equal(r.heard[0].counters.timeouts, 0);
	rig_stop(&r);
}

static void
single_tcp(void **state)
{
	(void)state;
	single(BUS_MODBUS_TCP);
}

static void
single_rtu(void **state)
{
	(void)state;
	single(BUS_MODBUS_RTU);
}

/* At another speed, which a pty takes and forgets. */
static void
another_speed(void **state)
{
	struct drv_ask ask = read_ask(1, 1, 0, 1);
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(answers_all, NULL), 1);
	listen_for(&r, 100);
	ask.serial = (struct serial_mode){ 9600, 8, 'N', 1 };
	assert_int_equal(ask_it(&r, ask).result, OK);
	ask.serial.baud = 12345;
	listen_for(&r, 200);
	assert_int_equal(r.heard[0].wrong + r.heard[0].bad, 0);
	rig_stop(&r);

	memset(&r, 0, sizeof(r));
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	ask.serial.baud = 9600;
	assert_int_equal(ask_it(&r, ask).result, ERR_UNSUP);
	rig_stop(&r);
}

/* As many as fit, then no more; each is answered, in order. */
static void
bounded(void **state)
{
	struct drv_ask ask = read_ask(0, 1, 0, 1);
	struct rig r = { 0 };
	unsigned taken = 0;

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(only_some, NULL), 1);
	listen_for(&r, 100);
	ask.unit = 9; /* silent: 100 ms */
	for (ask.token = 0; ask.token < DRV_ASKS_MAX + 20; ask.token++) {
		taken += drv_bus_ask(r.bus, &ask) == OK;
		ask.unit = 1;
	}
	assert_int_equal(taken, DRV_ASKS_MAX);
	listen_until(&r, 3000, &r.n_answers, taken);
	assert_int_equal(r.n_answers, taken);
	for (size_t i = 0; i < r.n_answers; i++)
		assert_int_equal(r.answers[i].token, i);
	assert_int_equal(ask_it(&r, read_ask(99, 1, 0, 1)).result, OK);
	rig_stop(&r);
}

/* Polls that fill the bus leave a tenth of the time to what waits behind. */
static void
ten_ms(struct ask *a, void *arg)
{
	(void)arg;
	a->delay_ms = 10;
}

/* More than are served, for ever: some polls are made all the same. */
static void
flood(void **state)
{
	struct drv_ask ask = read_ask(0, 1, 0, 1);
	struct rig r = { 0 };
	unsigned given = 0;

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(ten_ms, NULL), 1);
	listen_for(&r, 100);
	r.heard[0].good = 0;
	for (int i = 0; i < 100; i++) {
		while (given - r.n_answers < 4)
			given += drv_bus_ask(r.bus, &ask) == OK;
		listen_for(&r, 10);
	}
	print_message(
	    "  %zu answers, %u polls\n", r.n_answers, r.heard[0].good);
	assert_in_range(r.heard[0].good, 3, 20);
	rig_stop(&r);
}

static void
line_down(void **state)
{
	struct rig r = { 0 };
	static char nowhere[] = "127.0.0.1:1";
	struct heard_answer a;
	int64_t start;

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	drv_bus_stop(r.bus);
	free(r.cfg.host);
	r.cfg.host = mem_strdup(nowhere);
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	listen_for(&r, 300);
	start = clock_mono(&clock_system);
	a = ask_it(&r, read_ask(1, 1, 0, 1));
	assert_int_equal(a.result, ERR_IO);
	assert_true(a.why[0]);
	assert_true(clock_mono(&clock_system) - start < 100);
	rig_stop(&r);
}

/* The port goes while asks wait: all of them are answered. */
static void
line_lost(void **state)
{
	struct drv_ask ask = read_ask(1, 9, 0, 1);
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_RTU, slave_pty(only_some, NULL), 1);
	listen_for(&r, 100);
	ask.timeout_ms = 2000;
	for (int i = 0; i < 5; i++)
		assert_int_equal(drv_bus_ask(r.bus, &ask), OK);
	listen_for(&r, 100);
	slave_stop(r.slave);
	listen_until(&r, 1000, &r.n_answers, 5);
	assert_int_equal(r.n_answers, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(r.answers[i].result, ERR_IO);
	r.slave = slave_pty(only_some, NULL);
	rig_stop(&r);
}

static void
behind(void **state)
{
	struct drv_ask ask = read_ask(0, 1, 0, 1);
	struct rig r = { 0 };
	size_t sent = 0;

	(void)state;
	device_init(&r.dev, 8, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(ten_ms, NULL), 1);
	listen_for(&r, 300);
	ask.behind = true;
	for (int64_t end = clock_mono(&clock_system) + 2000;
	     clock_mono(&clock_system) < end;) {
		if (r.n_answers == sent && drv_bus_ask(r.bus, &ask) == OK)
			sent++;
		listen_for(&r, 5);
	}
	print_message("  %zu answers, %u good\n", r.n_answers, r.heard[0].good);
	assert_in_range(r.n_answers, 8, 25);
	assert_true(r.heard[0].good > 150);
	rig_stop(&r);
}

/* --- text --- */

static void
echoes(int fd, const char *data, size_t n, void *arg)
{
	(void)arg;
	if (n == 1 && data[0] == '?')
		return;
	(void)!write(fd, "<", 1);
	usleep(20000);
	(void)!write(fd, data, n);
}

static void
text(void **state)
{
	struct drv_ask ask = { .token = 1,
		.kind = DRV_ASK_TEXT,
		.timeout_ms = 200,
		.text = "ab",
		.n_text = 2 };
	struct heard_answer a;
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_SERIAL, slave_text(echoes, NULL), 0);
	a = ask_it(&r, ask);
	assert_int_equal(a.result, OK);
	assert_int_equal(a.n, 3);
	assert_int_equal(a.value[0], '<');
	assert_int_equal(a.value[2], 'b');
	ask.text[0] = '?';
	ask.n_text = 1;
	assert_int_equal(ask_it(&r, ask).result, ERR_TIMEOUT);
	rig_stop(&r);

	memset(&r, 0, sizeof(r));
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	assert_int_equal(ask_it(&r, ask).result, ERR_UNSUP);
	rig_stop(&r);
}

/* A byte now and then, for ever: the answer ends all the same. */
static void
drips(int fd, const char *data, size_t n, void *arg)
{
	atomic_bool *end = arg;

	(void)data;
	for (int i = 0; n == 1 && i < 150 && !atomic_load(end); i++) {
		(void)!write(fd, "x", 1);
		usleep(40000);
	}
}

static void
text_without_end(void **state)
{
	struct drv_ask ask = { .token = 1,
		.kind = DRV_ASK_TEXT,
		.timeout_ms = 200,
		.text = "a",
		.n_text = 1 };
	atomic_bool end = false;
	struct rig r = { 0 };
	struct heard_answer a;

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_SERIAL, slave_text(drips, &end), 0);
	a = ask_it(&r, ask);
	assert_int_equal(a.result, OK);
	assert_in_range(a.took_us, 1000000, 2500000);
	atomic_store(&end, true);
	rig_stop(&r);
}

/* --- trace --- */

static void
trace(void **state)
{
	struct rig r = { 0 };
	size_t n;

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 1);
	listen_for(&r, 200);
	assert_int_equal(r.n_trace, 0);
	drv_bus_trace(r.bus, true);
	listen_for(&r, 20);
	assert_true(r.n_trace >= 4);          /* of before */
	assert_int_equal(r.trace[0][0], '!'); /* the line is open */
	assert_int_equal(r.trace[1][0], '>');
	assert_non_null(strstr(r.trace[1], "010400000001"));
	assert_int_equal(r.trace[2][0], '<');
	assert_non_null(strstr(r.trace[2], "01040203e8"));
	n = r.n_trace;
	listen_for(&r, 150);
	assert_true(r.n_trace >= n + 2);
	drv_bus_trace(r.bus, false);
	listen_for(&r, 100);
	n = r.n_trace;
	listen_for(&r, 150);
	assert_int_equal(r.n_trace, n);
	rig_stop(&r);
}

/* --- units that come and go --- */

static void
await_applied(struct rig *r)
{
	for (int i = 0; i < 100 && !drv_bus_applied(r->bus); i++)
		listen_for(r, 5);
	assert_true(drv_bus_applied(r->bus));
}

static void
apply(void **state)
{
	const uint32_t second = 1;
	struct device other, third;
	struct rig r = { 0 };
	struct drv_unit units[3];
	unsigned good;

	(void)state;
	device_init(&r.dev, 2, 10, 300);
	r.dev.polls[0].ms = 200;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(answers_all, NULL), 3);
	listen_for(&r, 500);
	other = r.dev; /* an equal template, elsewhere */
	other.t.fields = other.fields;
	other.t.polls = other.polls;
	third = other;
	third.t.fields = third.fields;
	third.t.polls = third.polls;
	memcpy(units, r.units, sizeof(units));
	units[0].tmpl = &other.t;
	units[1].tmpl = &other.t;
	units[1].poll_ms = 3600000;
	units[2].handle = 3;
	units[2].address = 4;
	units[2].tmpl = &third.t;
	r.units[3] = units[2];
	assert_int_equal(drv_bus_apply(r.bus, units, 3, &second, 1), OK);
	await_applied(&r);
	memset(&r.dev.t, 0, sizeof(r.dev.t)); /* nobody needs it now */
	listen_for(&r, 300);
	good = r.heard[2].good;
	assert_int_equal(r.heard[1].online, 2); /* it began again */
	r.heard[1].good = 0;
	listen_for(&r, 1000);
	assert_int_equal(r.heard[2].good, good); /* it is gone */
	assert_true(r.heard[3].good > 6);        /* it is new */
	assert_int_equal(r.heard[0].online, 1);  /* it went on */
	assert_true(r.heard[0].gap_max < 380);   /* and missed nothing */
	assert_int_equal(r.heard[1].good, 0);    /* each hour */
	assert_int_equal(r.heard[0].wrong + r.heard[3].wrong, 0);
	assert_int_equal(r.up, 1);
	rig_stop(&r);
}

/* An ask to a unit that goes before it is served is answered. */
static void
apply_under_asks(void **state)
{
	struct drv_ask hold = read_ask(1, 9, 0, 1),
		       ask = { .token = 2, .kind = DRV_ASK_WRITE, .handle = 0 };
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 1, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(only_some, NULL), 1);
	listen_for(&r, 100);
	hold.timeout_ms = 300;
	assert_int_equal(drv_bus_ask(r.bus, &hold), OK);
	listen_for(&r, 50);
	assert_int_equal(drv_bus_ask(r.bus, &ask), OK);
	assert_int_equal(drv_bus_apply(r.bus, NULL, 0, NULL, 0), OK);
	assert_int_equal(drv_bus_apply(r.bus, NULL, 0, NULL, 0), ERR_BUSY);
	listen_until(&r, 2000, &r.n_answers, 2);
	assert_int_equal(r.n_answers, 2);
	assert_int_equal(r.answers[1].token, 2);
	assert_int_equal(r.answers[1].result, ERR_NOTFOUND);
	await_applied(&r);
	rig_stop(&r);
}

/* --- what is learnt --- */

static void
no_reading_across_3(struct ask *a, void *arg)
{
	unsigned *refused = arg;

	if (a->addr < 3 && a->addr + a->count > 3) {
		a->exception = 2;
		(*refused)++;
	}
}

static void
learned(void **state)
{
	struct rig r = { 0 };
	unsigned refused = 0;
	uint16_t cuts[N_FIELDS];
	size_t n;

	(void)state;
	device_init(&r.dev, 6, 1, 300);
	rig_start(
	    &r, BUS_MODBUS_TCP, slave_tcp(no_reading_across_3, &refused), 1);
	listen_for(&r, 300);
	assert_true(r.heard[0].learnings > 0);
	assert_int_equal(r.heard[0].bad + r.heard[0].wrong, 0);
	assert_int_equal(r.heard[0].n_learned, 1);
	assert_int_equal(r.heard[0].learned[0], 3);
	n = r.heard[0].n_learned;
	memcpy(cuts, r.heard[0].learned, sizeof(cuts));

	/* again, and what was learnt is known */
	drv_bus_stop(r.bus);
	slave_stop(r.slave);
	assert_true(refused > 0);
	refused = 0;
	r.units[0].learned = cuts;
	r.units[0].n_learned = n;
	r.slave = slave_tcp(no_reading_across_3, &refused);
	free(r.cfg.host);
	r.cfg.host = mem_strdup(slave_path(r.slave));
	r.bus = drv_bus_start(&r.cfg, r.units, 1, r.box, &clock_system);
	listen_for(&r, 300);
	rig_stop(&r);
	assert_int_equal(refused, 0);
	assert_int_equal(r.heard[0].bad + r.heard[0].wrong, 0);
}

static void
sometimes(struct ask *a, void *arg)
{
	(void)arg;
	if (a->number % 10 == 3)
		a->exception = 6;
	else if (a->number % 10 == 6)
		a->exception = 4;
	else if (a->number % 10 == 9)
		a->delay_ms = -1;
}

static void
counters(void **state)
{
	struct drv_counters c;
	struct drv_stats st;
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 2, 10, 60);
	r.dev.t.retries = 1;
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(sometimes, NULL), 1);
	listen_for(&r, 3000);
	drv_bus_stop(r.bus);
	r.bus = NULL;
	listen_for(&r, 50);
	c = r.heard[0].counters;
	print_message("  ok %llu timeouts %llu retries %llu bytes %llu "
		      "p50 %u p99 %u\n",
	    (unsigned long long)c.ok, (unsigned long long)c.timeouts,
	    (unsigned long long)c.retries, (unsigned long long)c.bytes,
	    c.rtt_p50_us, c.rtt_p99_us);
	assert_true(c.ok > 30 && c.timeouts > 3 && c.retries > 10);
	assert_true(c.exception[6] > 3 && c.exception[4] > 3);
	assert_true(c.exceptions >= c.exception[6] + c.exception[4]);
	assert_true(c.bytes >= c.ok * 23);
	assert_true(c.rtt_p50_us > 0 && c.rtt_p50_us <= c.rtt_p99_us);
	assert_true(c.ok_utc_ms > 0 && c.bad_utc_ms > 0);
	assert_int_equal(r.heard[0].bad, 0); /* one retry was enough */
	(void)st;
	rig_stop(&r);
}

/* A bus that cannot keep up says so, and lags by no more than a cycle. */
static void
overruns(void **state)
{
	struct drv_stats st;
	struct rig r = { 0 };

	(void)state;
	device_init(&r.dev, 8, 10, 300);
	rig_start(&r, BUS_MODBUS_TCP, slave_tcp(ten_ms, NULL), 1);
	listen_for(&r, 1500);
	drv_bus_stats(r.bus, &st);
	print_message("  %llu overruns\n", (unsigned long long)st.overruns);
	assert_true(st.overruns > 5);
	assert_int_equal(r.heard[0].counters.overruns > 5, 1);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_tcp),
		cmocka_unit_test(single_rtu),
		cmocka_unit_test(another_speed),
		cmocka_unit_test(bounded),
		cmocka_unit_test(flood),
		cmocka_unit_test(line_down),
		cmocka_unit_test(line_lost),
		cmocka_unit_test(behind),
		cmocka_unit_test(text),
		cmocka_unit_test(text_without_end),
		cmocka_unit_test(trace),
		cmocka_unit_test(apply),
		cmocka_unit_test(apply_under_asks),
		cmocka_unit_test(learned),
		cmocka_unit_test(counters),
		cmocka_unit_test(overruns),
	};

	return aside_run(tests, sizeof(tests) / sizeof(tests[0]));
}
