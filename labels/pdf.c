#include "labels/pdf.h"

#include "common/mem.h"

#include <cairo-pdf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTS_PER_MM (72 / 25.4)

struct pdf {
	cairo_surface_t *sf;
	cairo_t *cr;
	struct buf data;
};

static cairo_status_t
collect(void *arg, const unsigned char *data, unsigned len)
{
	buf_add(arg, data, len);
	return CAIRO_STATUS_SUCCESS;
}

/* The date is that of the build or the run which asks for the same bytes each
 * time, or now. */
static void
set_date(cairo_surface_t *sf)
{
	const char *epoch =
	    getenv("SOURCE_DATE_EPOCH"); /* NOLINT(concurrency-mt-unsafe) */
	time_t t = epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
	char text[sizeof("2026-01-01T00:00:00Z") + 8];
	struct tm tm;

	if (gmtime_r(&t, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		cairo_pdf_surface_set_metadata(
		    sf, CAIRO_PDF_METADATA_CREATE_DATE, text);
}

struct pdf *
pdf_open(struct pair paper, const char *title)
{
	struct pdf *p = mem_zalloc(sizeof(*p));

	p->sf = cairo_pdf_surface_create_for_stream(collect, &p->data,
	    paper.x * POINTS_PER_MM, paper.y * POINTS_PER_MM);
	cairo_pdf_surface_set_metadata(p->sf, CAIRO_PDF_METADATA_TITLE, title);
	set_date(p->sf);
	p->cr = cairo_create(p->sf);
	cairo_scale(p->cr, POINTS_PER_MM, POINTS_PER_MM);
	return p;
}

void *
pdf_cairo(struct pdf *p)
{
	return p->cr;
}

void
pdf_page(struct pdf *p)
{
	cairo_show_page(p->cr);
}

enum err
pdf_close(struct pdf *p, struct buf *out, struct errbuf *eb)
{
	cairo_status_t st = cairo_status(p->cr);
	enum err e = OK;

	cairo_destroy(p->cr);
	cairo_surface_finish(p->sf);
	if (st == CAIRO_STATUS_SUCCESS)
		st = cairo_surface_status(p->sf);
	cairo_surface_destroy(p->sf);
	if (st != CAIRO_STATUS_SUCCESS)
		e = errbuf_set(
		    eb, ERR_IO, "cannot draw: %s", cairo_status_to_string(st));
	else if (pdf_unscaled(&p->data) != OK)
		e = errbuf_set(eb, ERR_IO,
		    "this version of cairo writes a PDF of another form");
	else if (out)
		buf_add(out, p->data.data, p->data.len);
	mem_free_secret(buf_take(&p->data));
	free(p);
	return e;
}
