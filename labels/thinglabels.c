/* thinglabels: draws stickers.  JSON in, pictures out. */
#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include "labels/file.h"
#include "labels/furniture.h"
#include "labels/label.h"
#include "labels/options.h"
#include "labels/pdf.h"
#include "labels/png.h"
#include "labels/report.h"
#include "labels/sheet.h"
#include "labels/sticker.h"
#include "labels/summary.h"
#include "labels/svg.h"
#include "labels/term.h"
#include "labels/zpl.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* What one run works with. */
struct job {
	const struct options *o;
	struct stock stock;
	struct sheet sheet;
	struct room room;     /* of one label */
	struct raster raster; /* for png and zpl */
	struct font *font;
	struct summary sum;
	size_t n; /* labels of this run */
	int code; /* of the last label that failed */
};

/* prepare measures the label: the dots a printer can print, or all of it. */
static void
prepare(struct job *j)
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

/* warn_lines says what the layout could not do as asked. */
static void
warn_lines(struct job *j, const struct label *l, const struct layout *lo)
{
	for (unsigned role = 0; role <= LINE_NOTICE; role++) {
		if (lo->dropped & 1u << role)
			say("%s: no room for the %s on %gx%g mm", l->node,
			    layout_role((enum line_role)role), j->stock.label.x,
			    j->stock.label.y);
		if (lo->cut & 1u << role)
			say("%s: the %s was cut to fit", l->node,
			    layout_role((enum line_role)role));
	}
	for (size_t i = 0; i < lo->n; i++) {
		int n =
		    font_missing(j->font, lo->line[i].face, lo->line[i].text);

		if (n > 0)
			say("%s: %d character%s of the %s cannot be printed, "
			    "as no font here has them (apt install "
			    "fonts-noto-core fonts-noto-cjk)",
			    l->node, n, n == 1 ? "" : "s",
			    layout_role(lo->line[i].role));
	}
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

/* make chooses what goes on a label, and says what is wrong with it; false:
 * there will be none. */
static bool
make(struct job *j, const struct label *l, struct sticker *s)
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
	return true;
}

static int
write_out(const char *file, const struct buf *data)
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

static void
wipe(struct buf *b)
{
	mem_free_secret(buf_take(b));
}

static void
tell(struct job *j)
{
	struct buf text = { 0 };

	j->sum.file = j->o->file;
	if (!j->o->file || j->sum.made == 0)
		return;
	if (j->o->json)
		summary_json(&j->sum, &text);
	else
		summary_text(&j->sum, &text);
	fprintf(stderr, "%s\n", text.data);
	buf_fini(&text);
}

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
	if (!make(j, l, &s))
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

/* draw_files makes a file for each label, draw_stream one of all. */
static size_t
draw_files(struct job *j, const struct labels *ls)
{
	size_t good = 0;

	for (size_t i = 0; i < ls->n; i++) {
		struct buf data = { 0 };
		char *name = j->n > 1 ? file_name(j->o->file, ls->v[i].node)
				      : mem_strdup(j->o->file);
		int code;

		if (draw_one(j, &ls->v[i], &data)) {
			code = write_out(name, &data);
			good += code == EXIT_OK;
			j->code = code == EXIT_OK ? j->code : code;
		}
		wipe(&data);
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
	code = good || ls->n == 0 ? write_out(j->o->file, &data) : j->code;
	wipe(&data);
	if (code == EXIT_OK)
		return good;
	j->code = code;
	return 0;
}

/* aim moves and scales what is drawn to where the printer puts it. */
static void
aim(struct job *j, cairo_t *cr)
{
	const struct aim *a = &j->o->aim;

	if (a->has_offset)
		cairo_translate(cr, a->offset.x, a->offset.y);
	if (a->has_scale)
		cairo_scale(cr, a->scale.x / 100, a->scale.y / 100);
}

/* A page of a roll has its label in the middle of what can be printed. */
static struct cell
cell_of(const struct job *j, int i)
{
	const struct stock *s = &j->stock;

	if (s->page != STOCK_ROLL)
		return sheet_cell(&j->sheet, i);
	return (struct cell){ i,
		{ (s->label.x - j->room.w) / 2,
		    (s->label.y - j->room.h) / 2 } };
}

static void
end_page(struct job *j, struct pdf *pdf)
{
	if (j->stock.page != STOCK_ROLL)
		furniture_foot(pdf_cairo(pdf), &j->stock);
	pdf_page(pdf);
}

static void
put_label(
    struct job *j, struct pdf *pdf, const struct sticker *s, struct pair at)
{
	cairo_t *cr = pdf_cairo(pdf);
	struct pair corner =
	    j->stock.page == STOCK_ROLL ? (struct pair){ 0, 0 } : at;

	if (j->o->border)
		furniture_border(cr, &j->stock, corner);
	cairo_save(cr);
	cairo_translate(cr, at.x, at.y);
	sticker_paint(s, cr, 1);
	cairo_restore(cr);
}

static size_t
draw_pages(struct job *j, struct pdf *pdf, const struct labels *ls)
{
	int n = 0, page = 0;

	for (size_t i = 0; i < ls->n; i++) {
		struct cell cell = cell_of(j, n);
		struct sticker s;

		if (!make(j, &ls->v[i], &s))
			continue;
		if (cell.page > page)
			end_page(j, pdf);
		page = cell.page;
		put_label(j, pdf, &s, cell.at);
		summary_count(&j->sum, &ls->v[i], &s);
		sticker_fini(&s);
		n++;
	}
	end_page(j, pdf);
	j->sum.sheets = page + 1;
	if (j->stock.page != STOCK_ROLL) {
		int cells = sheet_cells(&j->sheet);

		j->sum.stock = j->stock.id;
		j->sum.first = j->sheet.first + 1;
		j->sum.last = (j->sheet.first + n - 1) % cells + 1;
	}
	return (size_t)n;
}

/* draw_pdf makes one document of all labels, or the test page. */
static size_t
draw_pdf(struct job *j, const struct labels *ls)
{
	struct pdf *pdf = pdf_open(stock_paper(&j->stock),
	    j->o->test ? "Test page for labels" : "Labels");
	struct buf data = { 0 };
	struct errbuf eb = { "" };
	size_t good = 0;
	int code = EXIT_OK;

	aim(j, pdf_cairo(pdf));
	if (j->o->test) {
		furniture_test(pdf_cairo(pdf), &j->sheet);
		end_page(j, pdf);
	} else {
		good = draw_pages(j, pdf, ls);
	}
	if (pdf_close(pdf, &data, &eb) != OK) {
		say("%s", eb.text);
		code = EXIT_FAILED;
	} else if (good || j->o->test) {
		code = write_out(j->o->file, &data);
	}
	wipe(&data);
	if (code == EXIT_OK)
		return good;
	j->code = code;
	return 0;
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

static int
draw(struct job *j, const struct labels *ls)
{
	enum format f = j->o->format;
	bool each = f == FORMAT_PNG || f == FORMAT_SVG;
	size_t good;

	if (each && ls->n > 1 && !j->o->file) {
		say("several labels need -o FILE");
		return EXIT_FAILED;
	}
	if (each && ls->n > 1 && !names_differ(j->o, ls))
		return EXIT_FAILED;
	if (ls->n == 0 && !j->o->test) {
		say("there is no label in the input");
		return EXIT_OK;
	}
	j->n = ls->n;
	if (f == FORMAT_PDF)
		good = draw_pdf(j, ls);
	else if (each && j->o->file)
		good = draw_files(j, ls);
	else
		good = draw_stream(j, ls);
	if (good)
		tell(j);
	return good && good < ls->n ? EXIT_PARTLY : j->code;
}

static bool
read_all(struct buf *in)
{
	char block[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		buf_add(in, block, (size_t)n);
		if (in->len > LABELS_INPUT_MAX)
			return false;
	}
	explicit_bzero(block, sizeof(block));
	return true;
}

static int
one_report(const struct options *o, const struct buf *in)
{
	struct buf pdf = { 0 };
	struct errbuf eb = { "" };
	int missing = 0, code = EXIT_FAILED;

	if (report_draw(
		in->data ? in->data : "", in->len, &pdf, &missing, &eb) == OK)
		code = write_out(o->file, &pdf);
	else
		say("%s", eb.text);
	wipe(&pdf);
	if (missing)
		say("%d character%s cannot be printed, as no font here has "
		    "them (apt install fonts-noto-core fonts-noto-cjk)",
		    missing, missing == 1 ? "" : "s");
	return code;
}

static int
draw_input(struct job *j)
{
	struct buf in = { 0 };
	struct labels ls = { 0 };
	struct errbuf eb = { "" };
	int code = EXIT_FAILED;

	if (!j->o->test && !read_all(&in))
		say("cannot read the labels from standard input");
	else if (j->o->format == FORMAT_REPORT)
		code = one_report(j->o, &in);
	else if (!j->o->test &&
	    labels_parse(in.data ? in.data : "", in.len, &ls, &eb) != OK)
		say("%s", eb.text);
	else
		code = draw(j, &ls);
	wipe(&in);
	labels_fini(&ls);
	return code;
}

/* with_stock does what needs no input, then the drawing. */
static int
with_stock(struct options *o, const struct stocks *table)
{
	struct job j = { .o = o };
	struct errbuf eb = { "" };
	int code;

	if (o->list) {
		stocks_list(table, stdout);
		return EXIT_OK;
	}
	code = options_stock(o, table, &j.stock);
	if (code != EXIT_OK)
		return code;
	j.sheet = (struct sheet){ &j.stock, o->by_column, 0 };
	if (o->start && sheet_start(&j.sheet, o->start, &eb) != OK) {
		say("%s", eb.text);
		return EXIT_USAGE;
	}
	if (o->printer && printer_aim(o->printer, &o->aim, &eb) != OK) {
		say("%s", eb.text);
		return EXIT_FAILED;
	}
	prepare(&j);
	j.font = font_open();
	code = draw_input(&j);
	font_close(j.font);
	return code;
}

/* The table is read when it is needed: a label of a given size needs none. */
static int
run(struct options *o)
{
	bool needed =
	    o->list || o->stock || (o->format == FORMAT_PDF && o->size.x <= 0);
	struct stocks table = { 0 };
	int code = EXIT_CONFIG;

	if (!needed || stocks_load(o->stocks, &table) == OK)
		code = with_stock(o, &table);
	stocks_fini(&table);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o = { .format = FORMATS };
	struct rlimit no_core = { 0, 0 };
	bool binary;
	int code;

	setrlimit(RLIMIT_CORE, &no_core);
	if (!options_parse(argc, argv, &o, &code))
		return code;
	binary = o.format == FORMAT_PNG || o.format == FORMAT_PDF;
	if (binary && !o.list && !o.file && isatty(STDOUT_FILENO)) {
		say("a %s does not go to a terminal: give -o FILE",
		    o.format == FORMAT_PNG ? "PNG" : "PDF");
		return EXIT_USAGE;
	}
	return run(&o);
}
