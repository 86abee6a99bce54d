#include "labels/job.h"

#include "labels/file.h"

#include <math.h>
#include <unistd.h>

/* A label has the dots that the printer can print, or all of its size. */
void
job_measure(struct job *j)
{
	const struct stock *s = &j->stock;
	enum format f = j->o->format;
	double dot = MM_PER_INCH / s->dpi;
	struct pair mm = s->label, dots;

	if (s->turned)
		mm = (struct pair){ mm.y, mm.x };
	dots.x = s->dots_x ? s->dots_x : floor(mm.x / dot + 1e-6);
	dots.y = s->dots_y ? s->dots_y : floor(mm.y / dot + 1e-6);
	j->raster =
	    (struct raster){ s->dpi, (int)dots.x, (int)dots.y, s->turned };
	j->room = (struct room){ s->label.x, s->label.y, .force = j->o->force,
		.code_only = s->code_only };
	if (f == FORMAT_SVG || (f == FORMAT_PDF && s->page != STOCK_ROLL))
		return;
	j->room.dot = dot;
	j->room.w = (s->turned ? dots.y : dots.x) * dot;
	j->room.h = (s->turned ? dots.x : dots.y) * dot;
}

static void
warn_dropped(const struct job *j, const struct label *l, unsigned dropped)
{
	struct buf list = { 0 };

	for (unsigned role = 0; role <= LINE_NOTICE; role++)
		if (dropped & 1u << role)
			buf_printf(&list, "%s%s", list.len ? ", " : "",
			    layout_role((enum line_role)role));
	if (list.len)
		say("%s: no room for the %s on %gx%g mm", l->node, list.data,
		    j->stock.label.x, j->stock.label.y);
	buf_fini(&list);
}

/* warn_lines says what the layout could not do as asked; of the KEY apart, as
 * the sticker is of little use without it. */
static void
warn_lines(const struct job *j, const struct label *l, const struct layout *lo)
{
	const unsigned key = 1u << LINE_KEY;

	warn_dropped(j, l, lo->dropped & key);
	warn_dropped(j, l, lo->dropped & ~key);
	for (unsigned role = 0; role <= LINE_NOTICE; role++)
		if (lo->cut & 1u << role)
			say("%s: the %s was cut to fit", l->node,
			    layout_role((enum line_role)role));
}

static void
warn_missing(struct job *j, const struct label *l, const struct layout *lo)
{
	for (size_t i = 0; i < lo->n; i++) {
		int n =
		    font_missing(j->font, lo->line[i].face, lo->line[i].text);

		if (n == 0)
			continue;
		say("%s: %d character%s of the %s cannot be printed", l->node,
		    n, n == 1 ? "" : "s", layout_role(lo->line[i].role));
		j->missing = true;
	}
}

void
job_say_fonts(void)
{
	say("no font here has these characters: apt install fonts-noto-core "
	    "fonts-noto-cjk");
}

static void
warn_code(const struct label *l, const struct sticker *s)
{
	if (s->code.dark && s->module < CODE_MODULE_GOOD)
		say("%s: modules of %.2f mm (version %d, level %c): under "
		    "%.2f mm some phones fail; use a larger label",
		    l->node, s->module, s->code.version,
		    code_letter(s->code.level), CODE_MODULE_GOOD);
}

bool
job_sticker(struct job *j, const struct label *l, struct sticker *s)
{
	struct errbuf eb = { "" };
	enum err e = sticker_make(l, &j->room, j->font, s, &eb);

	if (e != OK) {
		say("%s: %s%s", l->node, eb.text,
		    e == ERR_RANGE && !j->o->force ? " (or --force)" : "");
		j->code = e == ERR_RANGE ? EXIT_REFUSED : EXIT_FAILED;
		sticker_fini(s);
		return false;
	}
	warn_code(l, s);
	warn_lines(j, l, &s->lo);
	warn_missing(j, l, &s->lo);
	return true;
}

int
job_write(const char *file, const struct buf *data)
{
	struct errbuf eb = { "" };
	enum err e;

	if (file)
		e = file_write(file, data, &eb);
	else if (file_put(STDOUT_FILENO, data) == OK)
		e = OK;
	else
		e = errbuf_errno(&eb, "cannot write");
	if (e != OK)
		say("%s", eb.text);
	return e == OK ? EXIT_OK : EXIT_FAILED;
}
