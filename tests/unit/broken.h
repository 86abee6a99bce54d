/* Runs over a folder of broken files: each says in its first line
 *     ; expect: NOTE
 * the one note it must give, with paths relative to the folder. */
#ifndef TESTS_UNIT_BROKEN_H
#define TESTS_UNIT_BROKEN_H

#include "common/buf.h"
#include "common/mem.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline char *
broken_expected(const char *path)
{
	static const char mark[] = "; expect: ";
	char line[1024];
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_memory_equal(line, mark, sizeof(mark) - 1);
	return mem_strdup(line + sizeof(mark) - 1);
}

/* notes with each "dir/" taken out. */
static inline char *
broken_relative(const char *notes, const char *dir)
{
	struct buf out = { 0 };
	size_t n = strlen(dir);

	while (*notes) {
		if (strncmp(notes, dir, n) == 0 && notes[n] == '/')
			notes += n + 1;
		else
			buf_putc(&out, *notes++);
	}
	return buf_take(&out);
}

/* load returns what loading path noted, owned.  A folder stands for the file
 * main in it. */
static inline void
broken_all(const char *dir, const char *main, int at_least,
    char *(*load)(const char *path))
{
	struct dirent **v;
	int n = scandir(dir, &v, NULL, alphasort), ran = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = v[i]->d_name;
		char *path = mem_printf("%s/%s%s%s", dir, name,
		    strchr(name, '.') ? "" : "/",
		    strchr(name, '.') ? "" : main);

		if (name[0] != '.') {
			char *want = broken_expected(path);
			char *notes = load(path);
			char *got = broken_relative(notes, dir);

			print_message("  %s\n", name);
			assert_string_equal(got, want);
			free(got);
			free(notes);
			free(want);
			ran++;
		}
		free(path);
		free(v[i]);
	}
	free(v);
	assert_true(ran >= at_least);
}

#endif
