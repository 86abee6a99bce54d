#include "cli/control_path.h"

#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
write_file(const char *dir, const char *name, const char *content)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static void
remove_file(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);

	assert_int_equal(remove(path), 0);
	free(path);
}

static void
found(void **state)
{
	static const struct {
		const char *conf, *part, *want;
	} rows[] = {
		{ "[gateway]\ncontrol = /a\n", "", "/a" },
		{ "[gateway]\nlog = info\n", "", CONTROL_PATH_DEFAULT },
		{ "", "", CONTROL_PATH_DEFAULT },
		{ "[gateway]\ncontrol =\n", "", CONTROL_PATH_DEFAULT },
		{ "[xmpp]\ncontrol = /x\n", "[gateway]\ncontrol = /b\n", "/b" },
		{ "[gateway]\ncontrol = /a\n", "[gateway]\ncontrol = /b\n",
		    "/a" },
		{ "nonsense\n[gateway]\nlgo = x\ncontrol = /a ; why\n[bus\n",
		    "[\n", "/a" },
		{ "[gateway]\ncontrol = /a\ncontrol = /c\n[node x]\n"
		  "address = 900\n",
		    "", "/a" },
	};
	char dir[] = "/tmp/tb-control-XXXXXX";
	char *conf, *parts;

	(void)state;
	assert_non_null(mkdtemp(dir));
	conf = mem_printf("%s/thingbridge.conf", dir);
	parts = mem_printf("%s/conf.d", dir);
	assert_int_equal(mkdir(parts, S_IRWXU), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct errbuf eb = { "" };
		char *got;

		print_message("row %zu\n", i);
		write_file(dir, "thingbridge.conf", rows[i].conf);
		write_file(parts, "a.conf", rows[i].part);
		write_file(parts, "a.old.conf", "[gateway]\ncontrol = /o\n");
		assert_int_equal(control_path(conf, &got, &eb), OK);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
	remove_file(parts, "a.conf");
	remove_file(parts, "a.old.conf");
	remove_file(dir, "conf.d");
	remove_file(dir, "thingbridge.conf");
	assert_int_equal(rmdir(dir), 0);
	free(conf);
	free(parts);
}

static void
absent(void **state)
{
	struct errbuf eb = { "" };
	char *got;

	(void)state;
	assert_int_equal(
	    control_path("/nonexistent/x.conf", &got, &eb), ERR_CONFIG);
	assert_null(got);
	assert_non_null(strstr(eb.text, "/nonexistent/x.conf"));
	assert_int_equal(control_path("/", &got, &eb), ERR_CONFIG);
	assert_null(got);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
