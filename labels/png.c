#include "labels/png.h"

#include "common/crc32.h"
#include "common/mem.h"

#include <cairo.h>
#include <math.h>
#include <stdint.h>

enum {
	HEADER = 8 + 25, /* signature and IHDR */
	PHYS = 9,        /* two 32-bit densities and the unit */
	UNIT_METRE = 1,
};

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
	put32(chunk + 17, crc32_add(0, chunk + 4, 4 + PHYS));
	buf_add(out, png->data, HEADER);
	buf_add(out, chunk, sizeof(chunk));
	buf_add(out, png->data + HEADER, png->len - HEADER);
}

static cairo_status_t
collect(void *arg, const unsigned char *data, unsigned len)
{
	buf_add(arg, data, len);
	return CAIRO_STATUS_SUCCESS;
}

enum err
png_draw(const struct sticker *s, const struct raster *r, struct buf *out,
    struct errbuf *eb)
{
	struct buf raw = { 0 };
	void *surface;
	cairo_status_t st;
	enum err e = raster_draw(s, r, &surface, eb);

	if (e != OK)
		return e;
	st = cairo_surface_write_to_png_stream(surface, collect, &raw);
	cairo_surface_destroy(surface);
	if (st == CAIRO_STATUS_SUCCESS && raw.len > HEADER)
		png_add_dpi(&raw, r->dpi, out);
	mem_free_secret(buf_take(&raw));
	if (st == CAIRO_STATUS_SUCCESS)
		return OK;
	return errbuf_set(
	    eb, ERR_IO, "cannot draw: %s", cairo_status_to_string(st));
}
