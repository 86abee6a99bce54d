#include "labels/pictures.h"

#include "common/mem.h"
#include "labels/file.h"
#include "labels/png.h"
#include "labels/svg.h"
#include "labels/term.h"
#include "labels/zpl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void
draw_term(const struct label *l, struct buf *out)
{
	struct winsize ws;
	int columns;

	if (term_draw(l, out, &columns) != OK) {
		say("%s: the text is too long for a QR code", l->node);
		return;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 &&
	    ws.ws_col < columns)
		say("the terminal is %d columns wide, the code needs %d",
		    ws.ws_col, columns);
}

static enum err
draw_sticker(
    struct job *j, const struct sticker *s, struct buf *out, struct errbuf *eb)
{
	if (j->o->format == FORMAT_PNG)
		return png_draw(s, &j->raster, out, eb);
	if (j->o->format == FORMAT_ZPL)
		return zpl_draw(s, &j->raster, out, eb);
	svg_draw(&s->lo, s->code.dark ? &s->code : NULL, out);
	return OK;
}

/* draw_one appends the picture of a label; false: it has none. */
static bool
draw_one(struct job *j, const struct label *l, struct buf *out)
{
	struct sticker s;
	struct errbuf eb = { "" };
	enum err e;

	if (j->o->format == FORMAT_TERM) {
		size_t before = out->len;

		draw_term(l, out);
		j->code = out->len > before ? j->code : EXIT_REFUSED;
		return out->len > before;
	}
	if (!job_sticker(j, l, &s))
		return false;
	e = draw_sticker(j, &s, out, &eb);
	if (e == OK)
		summary_count(&j->sum, l, &s);
	else
		say("%s: %s", l->node, eb.text);
	if (e != OK)
		j->code = EXIT_FAILED;
	sticker_fini(&s);
	return e == OK;
}

/* Several labels whose names make the same file would overwrite each other. */
static bool
names_differ(const struct options *o, const struct labels *ls)
{
	bool differ = true;

	for (size_t i = 0; o->file && i < ls->n; i++) {
		char *a = file_name(o->file, ls->v[i].node);

		for (size_t k = 0; k < i; k++) {
			char *b = file_name(o->file, ls->v[k].node);

			if (strcmp(a, b) == 0) {
				say("%s and %s would both go to %s",
				    ls->v[k].node, ls->v[i].node, a);
				differ = false;
			}
			free(b);
		}
		free(a);
	}
	return differ;
}

/* draw_files makes a file for each label, draw_stream one of all. */
static size_t
draw_files(struct job *j, const struct labels *ls)
{
	size_t good = 0;

	for (size_t i = 0; i < ls->n; i++) {
		struct buf data = { 0 };
		char *name = ls->n > 1 ? file_name(j->o->file, ls->v[i].node)
				       : mem_strdup(j->o->file);
		int code;

		if (draw_one(j, &ls->v[i], &data)) {
			code = job_write(name, &data);
			good += code == EXIT_OK;
			j->code = code == EXIT_OK ? j->code : code;
		}
		mem_free_secret(buf_take(&data));
		free(name);
	}
	return good;
}

static size_t
draw_stream(struct job *j, const struct labels *ls)
{
	struct buf data = { 0 };
	size_t good = 0;
	int code;

	for (size_t i = 0; i < ls->n; i++)
		good += draw_one(j, &ls->v[i], &data);
	code = good || ls->n == 0 ? job_write(j->o->file, &data) : j->code;
	mem_free_secret(buf_take(&data));
	if (code == EXIT_OK)
		return good;
	j->code = code;
	return 0;
}

size_t
pictures_draw(struct job *j, const struct labels *ls)
{
	bool each = j->o->format == FORMAT_PNG || j->o->format == FORMAT_SVG;
	bool several = each && ls->n > 1;

	if (several && !j->o->file) {
		say("several labels need -o FILE");
		j->code = EXIT_FAILED;
		return 0;
	}
	if (several && !names_differ(j->o, ls)) {
		j->code = EXIT_FAILED;
		return 0;
	}
	return each && j->o->file ? draw_files(j, ls) : draw_stream(j, ls);
}
