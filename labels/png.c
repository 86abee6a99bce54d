#include "labels/png.h"

#include "labels/font.h"

#include <cairo.h>
#include <math.h>
#include <stdint.h>

#define MM_PER_INCH 25.4

enum {
	HEADER = 8 + 25, /* signature and IHDR */
	PHYS = 9,        /* two 32-bit densities and the unit */
	UNIT_METRE = 1,
};

static uint32_t
crc32_of(const unsigned char *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void
put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* ISO/IEC 15948 11.3.5.3: length, "pHYs", x, y, unit, CRC. */
void
png_add_dpi(const struct buf *png, double dpi, struct buf *out)
{
	unsigned char chunk[4 + 4 + PHYS + 4] = { 0, 0, 0, PHYS, 'p', 'H', 'Y',
		's' };
	uint32_t per_metre = (uint32_t)lround(dpi / MM_PER_INCH * 1000);

	put32(chunk + 8, per_metre);
	put32(chunk + 12, per_metre);
	chunk[16] = UNIT_METRE;
	put32(chunk + 17, crc32_of(chunk + 4, 4 + PHYS));
	buf_add(out, png->data, HEADER);
	buf_add(out, chunk, sizeof(chunk));
	buf_add(out, png->data + HEADER, png->len - HEADER);
}

/* draw_code paints the quiet zone and the dark modules, in dots. */
static void
draw_code(
    cairo_t *cr, const struct layout *lo, const struct code *c, double dot)
{
	struct code_square sq = { lo->code_side, dot };
	double m = round(code_module(c, &sq) / dot);
	double x0 = floor(lo->code_x / dot + 1e-6);
	double y0 = floor(lo->code_y / dot + 1e-6);

	cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
	cairo_set_source_rgb(cr, 0, 0, 0);
	for (int y = 0; y < c->width; y++)
		for (int x = 0; x < c->width; x++)
			if (code_dark(c, x, y))
				cairo_rectangle(cr, x0 + m * (x + CODE_QUIET),
				    y0 + m * (y + CODE_QUIET), m, m);
	cairo_fill(cr);
	cairo_set_antialias(cr, CAIRO_ANTIALIAS_DEFAULT);
}

static cairo_status_t
collect(void *arg, const unsigned char *data, unsigned len)
{
	buf_add(arg, data, len);
	return CAIRO_STATUS_SUCCESS;
}

static void
draw(cairo_t *cr, const struct layout *lo, const struct code *c, double dot)
{
	cairo_set_source_rgb(cr, 1, 1, 1);
	cairo_paint(cr);
	if (c)
		draw_code(cr, lo, c, dot);
	cairo_set_source_rgb(cr, 0, 0, 0);
	for (size_t i = 0; i < lo->n; i++) {
		const struct line *ln = &lo->line[i];

		font_set(cr, ln->face, ln->size / dot);
		cairo_move_to(cr, ln->x / dot, round(ln->y / dot));
		cairo_show_text(cr, ln->text);
	}
}

enum err
png_draw(const struct layout *lo, const struct code *c, double dpi,
    struct buf *out, struct errbuf *eb)
{
	double dot = MM_PER_INCH / dpi;
	cairo_surface_t *sf = cairo_image_surface_create(CAIRO_FORMAT_RGB24,
	    (int)floor(lo->w / dot + 1e-6), (int)floor(lo->h / dot + 1e-6));
	cairo_t *cr = cairo_create(sf);
	struct buf raw = { 0 };
	cairo_status_t st;

	draw(cr, lo, c, dot);
	st = cairo_status(cr);
	cairo_destroy(cr);
	if (st == CAIRO_STATUS_SUCCESS)
		st = cairo_surface_write_to_png_stream(sf, collect, &raw);
	cairo_surface_destroy(sf);
	if (st == CAIRO_STATUS_SUCCESS && raw.len > HEADER)
		png_add_dpi(&raw, dpi, out);
	buf_fini(&raw);
	if (st == CAIRO_STATUS_SUCCESS)
		return OK;
	return errbuf_set(
	    eb, ERR_IO, "cannot draw: %s", cairo_status_to_string(st));
}
