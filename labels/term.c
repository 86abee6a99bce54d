#include "labels/term.h"

#include "common/mem.h"
#include "labels/code.h"
#include "labels/layout.h"

#include <stdlib.h>

/* Colours 16 and 231 of the 256 are fixed; the first 16 follow the theme. */
#define BLACK_ON_WHITE "\033[38;5;16;48;5;231m"
#define RESET "\033[0m"

static bool
dark(const struct code *c, int x, int y)
{
	return x >= 0 && y >= 0 && x < c->width && y < c->width &&
	    code_dark(c, x, y);
}

static void
draw_code(struct buf *out, const struct code *c)
{
	static const char *const cell[] = { " ", "▀", "▄", "█" };
	int end = c->width + CODE_QUIET;

	for (int y = -CODE_QUIET; y < end; y += 2) {
		buf_puts(out, BLACK_ON_WHITE);
		for (int x = -CODE_QUIET; x < end; x++)
			buf_puts(
			    out, cell[dark(c, x, y) | dark(c, x, y + 1) << 1]);
		buf_puts(out, RESET "\n");
	}
}

static void
draw_lines(struct buf *out, const struct label *l)
{
	static const enum line_role roles[] = { LINE_NAME, LINE_PLACE,
		LINE_MAKER, LINE_ID, LINE_BUS, LINE_JID, LINE_REGISTRY };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		char *text = layout_text(l, roles[i]);

		if (text)
			buf_printf(out, "%s\n", text);
		free(text);
	}
	if (l->kind == LABEL_CLAIM && *l->key) {
		char *key = layout_key(l->key);

		buf_printf(out, "KEY %s\n", key);
		mem_free_secret(key);
	}
	buf_putc(out, '\n');
}

enum err
term_draw(const struct label *l, struct buf *out, int *columns)
{
	struct code c;

	*columns = 0;
	if (*l->text) {
		enum err e = code_make(l->text, CODE_L, &c);

		if (e != OK)
			return e;
		*columns = c.width + 2 * CODE_QUIET;
		draw_code(out, &c);
		code_fini(&c);
	}
	draw_lines(out, l);
	return OK;
}
