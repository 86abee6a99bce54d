#include "cli/owned.h"

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

static json_t *
empty(void)
{
	return json_pack("{s:i, s:[]}", "schema", 1, "things");
}

static void
put(json_t *things, const char *jid, const char *node, const char *source)
{
	struct thing_name name = { jid, { node, source, "" } };
	struct tags tags = { 0 };

	assert_int_equal(tags_add(&tags, "SN", "1", false, NULL), OK);
	assert_int_equal(tags_add(&tags, "V", "1.20", true, NULL), OK);
	assert_int_equal(tags_add(&tags, "KEY", "7K2QM9XR", false, NULL), OK);
	owned_put(things, &name, &tags, true, "registry.example.org", 0);
	tags_fini(&tags);
}

static void
resolve(void **state)
{
	static const struct {
		const char *argv[5];
		enum err want;
		const char *jid, *node, *source, *cache;
	} rows[] = {
		{ { "a@x.org" }, OK, "a@x.org", "", "", "" },
		{ { "other@x.org" }, OK, "other@x.org", "", "", "" },
		{ { "m1" }, OK, "plant@x.org", "m1", "S", "" },
		{ { "m2" }, ERR_RANGE, NULL, NULL, NULL, NULL },
		{ { "m3" }, ERR_NOTFOUND, NULL, NULL, NULL, NULL },
		{ { "plc.x.org" }, OK, "plc.x.org", "", "", "" },
		{ { "none.x.org" }, ERR_NOTFOUND, NULL, NULL, NULL, NULL },
		{ { "plant@x.org", "m1" }, OK, "plant@x.org", "m1", "S", "" },
		{ { "plant@x.org", "m2" }, ERR_RANGE, NULL, NULL, NULL, NULL },
		{ { "plant@x.org", "m2", "T" }, OK, "plant@x.org", "m2", "T",
		    "" },
		{ { "new@x.org", "m1" }, OK, "new@x.org", "m1", "", "" },
		{ { "new@x.org", "m1", "S", "C" }, OK, "new@x.org", "m1", "S",
		    "C" },
		{ { "a@b@c", "m1" }, ERR_RANGE, NULL, NULL, NULL, NULL },
	};
	json_t *things = empty();

	(void)state;
	put(things, "a@x.org", "", "");
	put(things, "plc.x.org", "", "");
	put(things, "plant@x.org", "m1", "S");
	put(things, "plant@x.org", "m2", "S");
	put(things, "plant@x.org", "m2", "T");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct thing_name got;
		struct errbuf eb = { "" };
		char *argv[4];
		int argc = 0;

		while (argc < 4 && rows[i].argv[argc]) {
			argv[argc] = mem_strdup(rows[i].argv[argc]);
			argc++;
		}
		print_message("  %s %s\n", argv[0], argc > 1 ? argv[1] : "");
		assert_int_equal(
		    owned_resolve(things, argc, argv, &got, &eb), rows[i].want);
		assert_true(rows[i].want == OK || eb.text[0]);
		if (rows[i].want == OK) {
			assert_string_equal(got.jid, rows[i].jid);
			assert_string_equal(got.node.node, rows[i].node);
			assert_string_equal(got.node.source, rows[i].source);
			assert_string_equal(got.node.cache, rows[i].cache);
		}
		while (argc > 0)
			free(argv[--argc]);
	}
	json_decref(things);
}

static void
keep(void **state)
{
	char dir[] = "/tmp/owned-XXXXXX";
	struct thing_name name = { "plant@x.org", { "m1", "S", "" } };
	char *account, *path, *text;
	json_t *things, *again;
	struct owned_edit ed;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	account = mem_printf("%s/account.conf", dir);
	path = owned_path(account);
	assert_int_equal(owned_begin(path, &ed, NULL), OK);
	things = json_incref(ed.things);
	put(things, "plant@x.org", "m1", "S");
	put(things, "plant@x.org", "m1", "S"); /* once more is the same */
	assert_int_equal(owned_end(&ed, true, NULL), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(owned_load(path, &again, NULL), OK);
	assert_true(json_equal(things, again));
	assert_int_equal(json_array_size(json_object_get(again, "things")), 1);
	text = json_dumps(again, 0);
	assert_null(strstr(text, "7K2Q")); /* no KEY */
	assert_non_null(strstr(text, "\"#V\": \"1.20\""));
	assert_true(owned_drop(again, &name));
	assert_false(owned_drop(again, &name));
	assert_null(owned_find(again, &name));
	free(text);
	json_decref(things);
	json_decref(again);
	unlink(path);
	rmdir(dir);
	free(path);
	free(account);
}

static void
damaged(void **state)
{
	static const char *const texts[] = { "", "[]", "{\"things\":1}", "{" };
	char path[] = "/tmp/owned-XXXXXX";

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = i ? -1 : mkstemp(path);
		FILE *f = fd >= 0 ? fdopen(fd, "w") : fopen(path, "w");
		struct errbuf eb = { "" };
		json_t *things;

		assert_non_null(f);
		fputs(texts[i], f);
		fclose(f);
		assert_int_equal(owned_load(path, &things, &eb), ERR_CONFIG);
		assert_null(things);
		assert_non_null(strstr(eb.text, path));
	}
	unlink(path);
}

static void
same(void **state)
{
	static const char registry[] = "registry.example.org";
	json_t *things = empty();
	struct tags tags = { 0 };
	const json_t *entry;

	(void)state;
	assert_int_equal(tags_add(&tags, "SN", "1", false, NULL), OK);
	assert_int_equal(tags_add(&tags, "KEY", "other", false, NULL), OK);
	put(things, "a@example.org", "n", "S");
	assert_null(owned_same(things, &tags, registry));
	assert_int_equal(tags_add(&tags, "V", "1.20", true, NULL), OK);
	entry = owned_same(things, &tags, registry);
	assert_non_null(entry);
	assert_string_equal(
	    json_string_value(json_object_get(entry, "jid")), "a@example.org");
	assert_null(owned_same(things, &tags, "other.example.org"));
	tags_fini(&tags);
	json_decref(things);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve),
		cmocka_unit_test(keep),
		cmocka_unit_test(damaged),
		cmocka_unit_test(same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
