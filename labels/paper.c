#include "labels/paper.h"

#include "common/mem.h"
#include "labels/furniture.h"
#include "labels/pdf.h"

#include <cairo.h>

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

		if (!job_sticker(j, &ls->v[i], &s))
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

size_t
paper_draw(struct job *j, const struct labels *ls)
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
		code = job_write(j->o->file, &data);
	}
	mem_free_secret(buf_take(&data));
	if (code == EXIT_OK)
		return good;
	j->code = code;
	return 0;
}
