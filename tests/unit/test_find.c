/* The readers of what the surroundings tell of an XMPP server. */
#include "common/mem.h"
#include "xmpp/find_dhcp.h"
#include "xmpp/find_lease.h"
#include "xmpp/find_txt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PRONTO "pronto.example.org"

/* In tests/data/lease, in the formats of Debian's clients; written by hand
 * where the client was not at hand. */
static const struct {
	const char *file;
	size_t n;
	const char *first;
} files[] = {
	{ "networkd", 1, PRONTO },
	{ "dhclient.leases", 1, PRONTO },
	{ "dhclient-named.leases", 1, PRONTO },
	{ "dhclient-gone.leases", 0, NULL },
	{ "dhcpcd-U", 1, PRONTO },
	{ "dhcpcd.lease", 2, PRONTO },
	{ "udhcpc", 2, PRONTO },
	{ "nm-dispatcher", 1, PRONTO },
	{ "hook", 1, PRONTO },
	{ "not-there", 0, NULL },
};

static void
test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = mem_printf("%s/%s", TEST_LEASES, files[i].file);
		struct lease l = { .n = 0 };
		unsigned closed;

		dhcp_names(path, &l, &closed);
		print_message("%s\n", files[i].file);
		assert_int_equal(l.n, files[i].n);
		if (l.n)
			assert_string_equal(l.name[0], files[i].first);
		assert_int_equal(closed, 0);
		free(path);
	}
}

static void
test_folder(void **state)
{
	struct lease l = { .n = 0 };
	unsigned closed;

	(void)state;
	dhcp_names(TEST_LEASES, &l, &closed);
	assert_true(l.n >= 2);
}

static const struct {
	const char *text;
	const char *name; /* or NULL: none */
} lines[] = {
	{ "OPTION_224=70726f6e746f", "pronto" },
	{ "OPTION_224=70726f6e746f00", "pronto" },
	{ "OPTION_224=70726f6e746f2e", "pronto" },
	{ "OPTION_84=70726f6e746f", "pronto" },
	{ "OPTION_84=78\nOPTION_224=79", "y" },
	{ "OPTION_225=70726f6e746f", NULL },
	{ "OPTION_2240=70726f6e746f", NULL },
	{ "OPTION_224=70726f6e746", NULL },
	{ "OPTION_224=", NULL },
	{ "OPTION_224", NULL },
	{ "  option unknown-224 \"pronto\";", "pronto" },
	{ "  option unknown-224 70:72:6f:6e:74:6f;", "pronto" },
	{ "  option unknown-224 0:1:2;", NULL },
	{ "new_unknown_224=pronto", "pronto" },
	{ "DHCP4_UNKNOWN_224=\"pronto\"", "pronto" },
	{ "xmpp_server=two one", "two" },
	{ "xmpp_server=../../etc/passwd", NULL },
	{ "xmpp_server=a..b", NULL },
	{ "xmpp_server=-a", NULL },
	{ "xmpp_server=$(reboot)", NULL },
	{ "xmpp_server=", NULL },
};

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct lease l = { .n = 0 };

		lease_read(lines[i].text, strlen(lines[i].text), &l);
		print_message("%s\n", lines[i].text);
		assert_int_equal(l.n > 0, lines[i].name != NULL);
		if (lines[i].name)
			assert_string_equal(l.name[0], lines[i].name);
	}
}

static void
test_bounds(void **state)
{
	struct lease l = { .n = 0 };
	char long_name[300];

	(void)state;
	lease_add(&l, "a,b A.,c d e", 12);
	assert_int_equal(l.n, LEASE_NAMES);
	assert_string_equal(l.name[2], "c");
	l.n = 0;
	memset(long_name, 'a', sizeof(long_name));
	lease_add(&l, long_name, sizeof(long_name));
	lease_add(&l, long_name, 64);
	assert_int_equal(l.n, 0);
	lease_add(&l, long_name, 63);
	assert_int_equal(l.n, 1);
}

#define TXT(s, h) txt_read((const uint8_t *)(s), sizeof(s) - 1, h)

static void
test_txt(void **state)
{
	struct hints h;

	(void)state;
	TXT("\x09txtvers=1\x11ordom=Example.org\x0eregis=registry\x0f"
	    "provis=p1 p2 p1",
	    &h);
	assert_string_equal(h.domain, "example.org");
	assert_int_equal(h.registry.n, 1);
	assert_string_equal(h.registry.name[0], "registry");
	assert_int_equal(h.provisioning.n, 2);
	assert_string_equal(h.provisioning.name[1], "p2");
}

static void
test_txt_bad(void **state)
{
	struct hints h;

	(void)state;
	TXT("\x00", &h);
	assert_int_equal(h.registry.n, 0);
	TXT("\x09regis=a@b\x08ordom=/a\x05ordom\x06regis=\x01=", &h);
	assert_int_equal(h.registry.n, 0);
	assert_string_equal(h.domain, "");
	TXT("\x07regis=a\x07regis=b", &h); /* the first counts */
	assert_int_equal(h.registry.n, 1);
	assert_string_equal(h.registry.name[0], "a");
	TXT("\x0fregis=a b c d e\x40regis=cut", &h);
	assert_int_equal(h.registry.n, HINT_USERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_txt),
		cmocka_unit_test(test_txt_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
