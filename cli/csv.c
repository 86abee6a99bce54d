#include "cli/csv.h"

#include "cli/out.h"
#include "common/mem.h"

#include <stdbool.h>
#include <string.h>

void
csv_cell(struct buf *b, const char *text)
{
	bool formula = *text && strchr("=+-@\t\r\n", *text);
	bool quote = strpbrk(text, "\",\r\n") != NULL;

	if (quote)
		buf_putc(b, '"');
	if (formula)
		buf_putc(b, '\'');
	for (; *text; text++) {
		if (*text == '"')
			buf_putc(b, '"');
		buf_putc(b, *text);
	}
	if (quote)
		buf_putc(b, '"');
}

static void
add_value(struct buf *b, const json_t *v)
{
	char *text;

	if (!json_is_number(v) && json_string_length(v) == 0)
		return;
	text = out_text(v);
	csv_cell(b, text);
	mem_free_secret(text);
}

static void
add_line(struct buf *b, const char *const *columns, const json_t *row)
{
	for (size_t i = 0; columns[i]; i++) {
		if (i)
			buf_putc(b, ',');
		if (row)
			add_value(b, json_object_get(row, columns[i]));
		else
			csv_cell(b, columns[i]);
	}
	buf_puts(b, "\r\n");
}

void
csv_table(struct buf *b, const char *const *columns, const json_t *rows)
{
	const json_t *row;
	size_t i;

	add_line(b, columns, NULL);
	json_array_foreach(rows, i, row) add_line(b, columns, row);
}
