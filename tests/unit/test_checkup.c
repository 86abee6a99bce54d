#define _GNU_SOURCE /* nftw */
#include "cli/checkup.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *
last(const json_t *list, const char *member)
{
	const json_t *f = json_array_get(list, json_array_size(list) - 1);
	const char *s = json_string_value(json_object_get(f, member));

	return s ? s : "";
}

static void
put(const char *root, const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
drop_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void
drop(const char *root)
{
	assert_int_equal(nftw(root, drop_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void
test_clock(void **state)
{
	char root[] = "/tmp/checkup.XXXXXX";
	json_t *list = json_array();

	(void)state;
	assert_non_null(mkdtemp(root));
	checkup_clock(list, root, INT64_C(1000), true);
	assert_string_equal(last(list, "result"), "error");
	assert_non_null(strstr(last(list, "command"), "timedatectl"));
	checkup_clock(list, root, INT64_C(1800000000000), false);
	assert_string_equal(last(list, "result"), "warning");
	assert_non_null(strstr(last(list, "text"), "without power"));
	put(root, "/dev/rtc0", "");
	checkup_clock(list, root, INT64_C(1800000000000), true);
	assert_string_equal(last(list, "result"), "ok");
	assert_null(strstr(last(list, "text"), "without power"));
	assert_int_equal(checkup_worst(list), CHECKUP_ERROR);
	drop(root);
	json_decref(list);
}

static json_t *
port(const char *holder, bool ours, bool access, const char *hint)
{
	return json_pack("[{s:s, s:s, s:s?, s:b, s:b, s:s?}]", "path",
	    "/dev/ttyAMA0", "bus", "rs485", "holder", holder, "ours", ours,
	    "access", access, "hint", hint);
}

static void
test_ports(void **state)
{
	static const struct {
		const char *holder;
		bool ours, access;
		const char *hint, *result, *command;
	} cases[] = {
		{ "agetty (pid 812)", false, true, NULL, "error",
		    "disable --now serial-getty@ttyAMA0" },
		{ "ModemManager (pid 9)", false, true, NULL, "error",
		    "disable --now ModemManager" },
		{ "brltty (pid 9)", false, true, NULL, "error",
		    "apt-get purge brltty" },
		{ "minicom (pid 9)", false, true, NULL, "error",
		    "fuser -v /dev/ttyAMA0" },
		{ "thingbridged (pid 9)", true, true, "in use by bus rs485",
		    "ok", "" },
		{ NULL, false, false, "no permission", "error", "adduser" },
		{ NULL, false, false, "not there: is it plugged in?", "error",
		    "thingbridge ports" },
		{ "x", true, true, "set its latency_timer to 1", "warning",
		    "60-thingbridge.rules" },
		{ NULL, false, true, NULL, "ok", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *list = json_array();
		json_t *ports = port(cases[i].holder, cases[i].ours,
		    cases[i].access, cases[i].hint);

		checkup_ports(list, ports);
		assert_int_equal(json_array_size(list), 1);
		assert_string_equal(last(list, "result"), cases[i].result);
		assert_non_null(
		    strstr(last(list, "command"), cases[i].command));
		json_decref(ports);
		json_decref(list);
	}
}

static void
test_modem_manager(void **state)
{
	char root[] = "/tmp/checkup.XXXXXX";
	json_t *list = json_array(),
	       *ports = json_pack("[{s:s, s:s}, {s:s, s:n}]", "path",
		   "/dev/null", "bus", "rs485", "path", "/dev/zero", "bus");

	(void)state;
	assert_non_null(mkdtemp(root));
	put(root, "/proc/1/comm", "systemd\n");
	checkup_modem(list, root, ports);
	assert_int_equal(json_array_size(list), 0);
	put(root, "/proc/77/comm", "ModemManager\n");
	checkup_modem(list, root, ports);
	assert_int_equal(json_array_size(list), 1); /* not of the free port */
	put(root, "/run/udev/data/c1:3", "S:x\nE:ID_MM_PORT_IGNORE=1\n");
	checkup_modem(list, root, ports);
	assert_int_equal(json_array_size(list), 1);
	json_decref(ports);
	drop(root);
	json_decref(list);
}

static void
test_user(void **state)
{
	char root[] = "/tmp/checkup.XXXXXX";
	json_t *list = json_array();

	(void)state;
	assert_non_null(mkdtemp(root));
	checkup_user(list, root); /* not installed */
	assert_int_equal(json_array_size(list), 0);
	put(root, "/etc/passwd", "root:x:0:0::/:\n_thingbridge:x:9:9::/:\n");
	put(root, "/etc/group", "dialout2:x:1:_thingbridge\ndialout:x:20:pi\n");
	checkup_user(list, root);
	assert_string_equal(last(list, "result"), "error");
	put(root, "/etc/group", "dialout:x:20:pi,_thingbridge\n");
	checkup_user(list, root);
	assert_string_equal(last(list, "result"), "ok");
	drop(root);
	json_decref(list);
}

static void
test_disk(void **state)
{
	json_t *list = json_array();

	(void)state;
	checkup_disk(list, "/no/such/folder/state.db");
	assert_string_equal(last(list, "result"), "error");
	assert_string_equal(last(list, "command"),
	    "sudo install -d -m 700 -o _thingbridge /no/such/folder");
	checkup_disk(list, "/proc/state.db"); /* no room at all */
	assert_string_equal(last(list, "result"), "error");
	json_decref(list);
}

static void
test_service(void **state)
{
	char root[] = "/tmp/checkup.XXXXXX";
	json_t *list = json_array();

	(void)state;
	assert_non_null(mkdtemp(root));
	checkup_service(list, root); /* no systemd */
	assert_int_equal(json_array_size(list), 0);
	put(root, "/run/systemd/system/x", "");
	checkup_service(list, root);
	assert_string_equal(last(list, "result"), "warning");
	put(root,
	    "/etc/systemd/system/multi-user.target.wants/thingbridged.service",
	    "");
	checkup_service(list, root);
	assert_string_equal(last(list, "result"), "ok");
	drop(root);
	json_decref(list);
}

/* A text cut within a character, or a path that is no UTF-8, is still told. */
static void
test_odd_text(void **state)
{
	char text[600] = "ab";
	json_t *list = json_array();

	(void)state;
	for (size_t i = 2; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	checkup_add(list, "config", CHECKUP_ERROR, NULL, "%s", text);
	assert_int_equal(checkup_worst(list), CHECKUP_ERROR);
	checkup_add(list, "port", CHECKUP_ERROR, NULL, "%s", "/dev/\xff");
	assert_string_equal(last(list, "check"), "port");
	json_decref(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_modem_manager),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_odd_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
