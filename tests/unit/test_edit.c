#include "common/mem.h"
#include "config/edit.h"
#include "config/ini.h"
#include "config/save.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BOM "\xEF\xBB\xBF"

static void
fill(struct buf *text, const char *s)
{
	*text = (struct buf){ 0 };
	buf_puts(text, s);
}

static const char *
text_of(const struct buf *text)
{
	return text->data ? text->data : "";
}

static void
adding(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "nothing", "", "[n x]\na = 1\nb = 2\n" },
		{ "a section", "[k]\nc = 3\n",
		    "[k]\nc = 3\n\n[n x]\na = 1\nb = 2\n" },
		{ "no end of line", "[k]\nc = 3",
		    "[k]\nc = 3\n\n[n x]\na = 1\nb = 2\n" },
		{ "an empty line at the end", "; why\n\n",
		    "; why\n\n[n x]\na = 1\nb = 2\n" },
		{ "carriage returns", "[k]\r\nc = 3\r\n",
		    "[k]\r\nc = 3\r\n\r\n[n x]\r\na = 1\r\nb = 2\r\n" },
		{ "carriage returns, no end", "[k]\r\nc = 3",
		    "[k]\r\nc = 3\r\n\r\n[n x]\r\na = 1\r\nb = 2\r\n" },
		{ "a byte order mark alone", BOM,
		    BOM "\n[n x]\na = 1\nb = 2\n" },
		{ "a byte order mark", BOM "[k]\n",
		    BOM "[k]\n\n[n x]\na = 1\nb = 2\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text;

		print_message("  %s\n", rows[i].name);
		fill(&text, rows[i].in);
		edit_add(&text, "n x", "a = 1\nb = 2\n");
		assert_string_equal(text_of(&text), rows[i].out);
		assert_true(edit_has(&text, "n x"));
		buf_fini(&text);
	}
}

static void
appending(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = { { "", "; a\n; b\n" }, { "x", "x\n; a\n; b\n" },
		{ "x\r\ny", "x\r\ny\r\n; a\r\n; b\r\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text;

		fill(&text, rows[i].in);
		edit_append(&text, "; a\n; b\n");
		assert_string_equal(text.data, rows[i].out);
		buf_fini(&text);
	}
}

static void
removing(void **state)
{
	static const struct {
		const char *name, *in, *out; /* NULL: none is there */
	} rows[] = {
		{ "nothing", "", NULL },
		{ "another", "[n xy]\n[nx]\n[n]\n[n x y]\n", NULL },
		{ "in a comment", "; [n x]\n#[n x]\n [n x]\n", NULL },
		{ "not closed", "[n x\na = 1\n", NULL },
		{ "all there is", "[n x]\na = 1\n", "" },
		{ "blanks", "[ n \t x ] ; why\na = 1\n[k]\n", "[k]\n" },
		{ "between others",
		    "[a]\nb = 1\n\n[n x]\na = 1\n\n[k]\nc = 3\n",
		    "[a]\nb = 1\n\n[k]\nc = 3\n" },
		{ "its comments go, those of the next stay",
		    "[n x]\n; mine\na = 1\n\n; of k\n[k]\n",
		    "\n; of k\n[k]\n" },
		{ "what stands above stays", "; who\n[n x]\na = 1\n",
		    "; who\n" },
		{ "what stands at the end stays", "[n x]\na = 1\n; end",
		    "; end" },
		{ "carriage returns", "[a]\r\n\r\n[n x]\r\na = 1\r\n",
		    "[a]\r\n" },
		{ "a byte order mark", BOM "[n x]\na = 1\n[k]\n", BOM "[k]\n" },
		{ "no end of line", "[k]\n[n x]\na = 1", "[k]\n" },
		{ "no comment becomes a tag of the section above",
		    "[tags]\nCITY = x\n[n x]\na = 1\n#LAT = 1.5\n"
		    "# LON = 2\n\n#ALT=3\n[k]\n#LAT = 4\n",
		    "[tags]\nCITY = x\n;LAT = 1.5\n"
		    "# LON = 2\n\n;ALT=3\n[k]\n#LAT = 4\n" },
		{ "nor does one at the end", "[tag]\r\n[n x]\r\n#LAT = 1.5",
		    "[tag]\r\n;LAT = 1.5" },
		{ "the first of two", "[n x]\na = 1\n[n x]\na = 2\n",
		    "[n x]\na = 2\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text;
		bool there;

		print_message("  %s\n", rows[i].name);
		fill(&text, rows[i].in);
		there = edit_remove(&text, "n x");
		assert_int_equal(there, rows[i].out != NULL);
		assert_string_equal(
		    text_of(&text), rows[i].out ? rows[i].out : rows[i].in);
		buf_fini(&text);
	}
}

static void
back_as_it_was(void **state)
{
	static const char *const texts[] = { "[a]\nb = 1\n", "; only this\n",
		"[a]\r\nb = 1\r\n", "\xEF\xBB\xBF[a]\nb = \xc3\xa4\n",
		"[a]\n\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf text;

		fill(&text, texts[i]);
		edit_add(&text, "n x", "a = 1\n");
		edit_add(&text, "n y", "a = 2\n");
		assert_true(edit_remove(&text, "n x"));
		assert_true(edit_remove(&text, "n y"));
		if (i < 4)
			assert_string_equal(text.data, texts[i]);
		buf_fini(&text);
	}
}

static void
setting(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "nothing", "", "[n x]\nk = new\n" },
		{ "no such section", "[a]\nk = 1\n",
		    "[a]\nk = 1\n\n[n x]\nk = new\n" },
		{ "no such key", "[n x]\nkk = 1\n; why\n\n[a]\nk = 1\n",
		    "[n x]\nkk = 1\nk = new\n; why\n\n[a]\nk = 1\n" },
		{ "no end of line", "[n x]\nkk = 1",
		    "[n x]\nkk = 1\nk = new\n" },
		{ "another value", "[n x]\nk   =old\nl = 2\n",
		    "[n x]\nk   = new\nl = 2\n" },
		{ "no value", "[n x]\nk=\n", "[n x]\nk= new\n" },
		{ "its comment stays", "[n x]\nk = old;er  ; why\n",
		    "[n x]\nk = new  ; why\n" },
		{ "carriage returns", "[n x]\r\nk = old\r\n",
		    "[n x]\r\nk = new\r\n" },
		{ "of another section", "[n y]\nk = old\n[n x]\n[n z]\nk = 1\n",
		    "[n y]\nk = old\n[n x]\nk = new\n[n z]\nk = 1\n" },
		{ "a byte order mark", BOM "[n x]\nk = old\n",
		    BOM "[n x]\nk = new\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text;

		print_message("  %s\n", rows[i].name);
		fill(&text, rows[i].in);
		assert_true(edit_set(&text, "n x", "k", "new"));
		assert_string_equal(text_of(&text), rows[i].out);
		buf_fini(&text);
	}
}

static void
values(void **state)
{
	struct buf lines = { 0 };
	char *big = mem_zalloc(5001);

	(void)state;
	assert_true(
	    edit_line(&lines, "k", "V\xc3\xa4rme ; gr\xc3\xb6\xc3\x9f"));
	assert_string_equal(
	    lines.data, "k = V\xc3\xa4rme \\; gr\xc3\xb6\xc3\x9f\n");
	assert_false(edit_line(&lines, "k", "x\n[node y]"));
	assert_false(edit_line(&lines, "k", "x\ry"));
	assert_false(edit_line(&lines, "k", "x\xc2\x9by"));
	assert_false(edit_line(&lines, "k", "\xff"));
	memset(big, 'x', 5000);
	assert_false(edit_line(&lines, "k", big));
	assert_false(edit_set(&lines, "s", "k", "x\ny"));
	assert_string_equal(
	    lines.data, "k = V\xc3\xa4rme \\; gr\xc3\xb6\xc3\x9f\n");
	free(big);
	buf_fini(&lines);
}

/* The next of all strings over ";\\ a=#", the shortest first. */
static void
count_up(char *s, size_t size)
{
	static const char letters[] = ";\\ a=#";

	for (size_t i = 0; i + 1 < size; i++) {
		const char *at = s[i] ? strchr(letters, s[i]) + 1 : letters;

		s[i] = *at ? *at : letters[0];
		if (*at)
			return;
	}
}

/* Each is read as it was written, but for blanks at its ends. */
static void
values_come_back(void **state)
{
	struct buf text = { 0 }, errs = { 0 };
	struct notes notes = { .out = &errs };
	struct ini ini = { 0 };
	char s[7] = "";

	(void)state;
	buf_puts(&text, "[a]\n");
	for (size_t i = 0; i < 50000; i++, count_up(s, sizeof(s)))
		assert_true(edit_line(&text, "k", s));
	ini_read(&ini, "f", text.data, text.len, &notes);
	assert_null(errs.data);
	assert_int_equal(ini.sections[0].n, 50000);
	memset(s, 0, sizeof(s));
	for (size_t i = 0; i < 50000; i++, count_up(s, sizeof(s))) {
		size_t from = strspn(s, " "), len = strlen(s);

		while (len > from && s[len - 1] == ' ')
			len--;
		if (strlen(ini.sections[0].items[i].value) != len - from ||
		    memcmp(ini.sections[0].items[i].value, s + from,
			len - from) != 0)
			fail_msg("\"%s\" came back as \"%s\"", s,
			    ini.sections[0].items[i].value);
	}
	ini_fini(&ini);
	buf_fini(&text);
}

static void
anything(void **state)
{
	static const struct {
		const char *text;
		bool any;
	} rows[] = { { "", false }, { BOM "; x\r\n# y\n\n \t\n", false },
		{ "; x\n[a]", true }, { "[a]\n", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text;

		fill(&text, rows[i].text);
		assert_int_equal(edit_any(&text), rows[i].any);
		buf_fini(&text);
	}
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void
files(void **state)
{
	char dir[] = "/tmp/tb-edit-XXXXXX";
	struct errbuf eb = { "" };
	struct buf text = { 0 };
	char *path, *link;
	int lock, second;
	bool there;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/a.conf", dir);
	link = mem_printf("%s/b.conf", dir);
	assert_int_equal(save_read(path, &text, &there, &eb), OK);
	assert_false(there);
	buf_puts(&text, "[a]\n");
	assert_int_equal(save_write(path, &text, 0644, &eb), OK);
	assert_int_equal(mode_of(path), 0644);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(symlink("a.conf", link), 0);
	buf_puts(&text, "b = 1\n");
	assert_int_equal(save_write(link, &text, 0644, &eb), OK);
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(save_write(path, &text, 0600, &eb), OK);
	assert_int_equal(mode_of(path), 0600); /* a secret */
	buf_fini(&text);
	assert_int_equal(save_read(path, &text, &there, &eb), OK);
	assert_true(there);
	assert_string_equal(text.data, "[a]\nb = 1\n");
	assert_int_equal(save_lock(dir, &lock, &eb), OK);
	assert_int_equal(save_lock(dir, &second, &eb), ERR_BUSY);
	close(lock);
	assert_int_equal(
	    save_write("/nonexistent/x", &text, 0600, &eb), ERR_IO);
	assert_non_null(strstr(eb.text, "/nonexistent/x"));
	buf_fini(&text);
	assert_int_equal(save_remove(link, &eb), OK);
	assert_int_equal(save_remove(path, &eb), OK);
	assert_int_equal(rmdir(dir), 0); /* nothing was left behind */
	free(path);
	free(link);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding),
		cmocka_unit_test(appending),
		cmocka_unit_test(removing),
		cmocka_unit_test(back_as_it_was),
		cmocka_unit_test(setting),
		cmocka_unit_test(values),
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(anything),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
