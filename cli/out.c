#include "cli/out.h"

#include "common/buf.h"
#include "common/mem.h"
#include "common/utf8.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
out_json(const json_t *data)
{
	json_dumpf(data, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	putchar('\n');
}

json_t *
out_member(const json_t *o, const char *path)
{
	json_t *v = NULL;

	while (*path) {
		size_t n = strcspn(path, ".");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		o = v = json_object_get(o, name);
		path += n + (path[n] == '.');
	}
	return v;
}

const char *
out_string(const json_t *o, const char *path)
{
	const char *s = json_string_value(out_member(o, path));

	return s ? s : "";
}

static char *
number_text(const json_t *v)
{
	if (json_is_integer(v))
		return mem_printf("%lld", (long long)json_integer_value(v));
	return mem_printf("%.3g", json_real_value(v));
}

char *
out_safe(const char *s)
{
	char *copy = mem_strdup(s);

	utf8_blot(copy, '?');
	return copy;
}

char *
out_text(const json_t *v)
{
	if (json_is_string(v) && json_string_length(v) > 0)
		return out_safe(json_string_value(v));
	if (json_is_number(v))
		return number_text(v);
	if (json_is_boolean(v))
		return mem_strdup(json_is_true(v) ? "yes" : "no");
	return mem_strdup("-");
}

static char *
cell(const struct column *c, const json_t *row)
{
	return c->text ? c->text(row) : out_text(out_member(row, c->member));
}

/* TSV keeps a text whole: what would end a cell is escaped. */
static void
plain_text(const char *s)
{
	static const char special[] = "\t\n\r\\", letter[] = "tnr\\";

	for (; *s; s++) {
		const char *at = strchr(special, *s);

		if (at)
			printf("\\%c", letter[at - special]);
		else
			putchar(*s);
	}
}

static void
plain_cell(const struct column *c, const json_t *row)
{
	const json_t *v = c->text ? NULL : out_member(row, c->member);
	char *text;

	if (json_is_string(v)) {
		plain_text(json_string_value(v));
		return;
	}
	if (!c->text && (!v || json_is_null(v)))
		return; /* nothing, not "-" */
	text = cell(c, row);
	plain_text(text);
	free(text);
}

static void
plain_rows(const struct column *cols, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		for (const struct column *c = cols; c->title; c++) {
			if (c != cols)
				putchar('\t');
			plain_cell(c, row);
		}
		putchar('\n');
	}
}

static void
table_row(
    struct libscols_table *tb, const struct column *cols, const json_t *row)
{
	struct libscols_line *ln = scols_table_new_line(tb, NULL);

	for (size_t i = 0; cols[i].title; i++) {
		char *text = cell(&cols[i], row);

		if (scols_line_refer_data(ln, i, text) != 0)
			free(text);
	}
}

static void
table_rows(const struct column *cols, const json_t *rows)
{
	struct libscols_table *tb;
	const json_t *row;
	size_t i;

	scols_init_debug(0);
	tb = scols_new_table();
	if (!tb)
		abort();
	for (const struct column *c = cols; c->title; c++)
		scols_table_new_column(tb, c->title, 0,
		    (c->right ? SCOLS_FL_RIGHT : 0) |
			(c->cut ? SCOLS_FL_TRUNC : 0));
	json_array_foreach(rows, i, row) table_row(tb, cols, row);
	scols_print_table(tb);
	scols_unref_table(tb);
}

void
out_rows(enum out_mode mode, const struct column *cols, const json_t *rows)
{
	if (mode == OUT_PLAIN)
		plain_rows(cols, rows);
	else
		table_rows(cols, rows);
}

void
out_fields(enum out_mode mode, const struct column *cols, const json_t *o)
{
	size_t width = 0;

	for (const struct column *c = cols; c->title; c++)
		if (strlen(c->title) > width)
			width = strlen(c->title);
	for (const struct column *c = cols; c->title; c++) {
		char *text;

		if (mode == OUT_PLAIN) {
			printf("%s\t", c->title);
			plain_cell(c, o);
			putchar('\n');
			continue;
		}
		text = cell(c, o);
		printf("%-*s  %s\n", (int)width, c->title, text);
		free(text);
	}
}

bool
out_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (!no || !*no);
}
