#include "labels/zpl.h"

#include "common/mem.h"

#include <cairo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A row ends early where only white follows (","), and ":" repeats the row
 * before (ZPL II manual, alternative data compression). */
static void
row(const unsigned char *bits, const unsigned char *before, size_t n,
    struct buf *out)
{
	if (before && memcmp(bits, before, n) == 0) {
		buf_putc(out, ':');
		return;
	}
	while (n && bits[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%02X", bits[i]);
	buf_putc(out, ',');
}

void
zpl_bits(const unsigned char *bits, int w, int h, struct buf *out)
{
	size_t n = ((size_t)w + 7) / 8, total = n * (size_t)h;

	buf_printf(out,
	    "^XA\n^PW%d\n^LL%d\n^LH0,0\n^FO0,0\n^GFA,%zu,%zu,%zu,\n", w, h,
	    total, total, n);
	for (size_t y = 0; y < (size_t)h; y++) {
		row(bits + y * n, y ? bits + (y - 1) * n : NULL, n, out);
		buf_putc(out, '\n');
	}
	buf_puts(out, "^FS\n^XZ\n");
}

/* Text is grey at its edges: what is darker than half is black. */
static void
threshold(cairo_surface_t *sf, const struct raster *r, unsigned char *bits)
{
	enum { HALF = 0x80 };
	const unsigned char *data = cairo_image_surface_get_data(sf);
	size_t stride = (size_t)cairo_image_surface_get_stride(sf);
	size_t n = ((size_t)r->w + 7) / 8;

	for (size_t y = 0; y < (size_t)r->h; y++) {
		for (size_t x = 0; x < (size_t)r->w; x++) {
			uint32_t pixel;

			memcpy(&pixel, data + y * stride + x * 4, 4);
			if ((pixel & 0xff) < HALF)
				bits[y * n + x / 8] |=
				    (unsigned char)(HALF >> x % 8);
		}
	}
}

enum err
zpl_draw(const struct sticker *s, const struct raster *r, struct buf *out,
    struct errbuf *eb)
{
	void *surface;
	unsigned char *bits;
	size_t size = ((size_t)r->w + 7) / 8 * (size_t)r->h;
	enum err e = raster_draw(s, r, &surface, eb);

	if (e != OK)
		return e;
	bits = mem_array(size, 1);
	cairo_surface_flush(surface);
	threshold(surface, r, bits);
	cairo_surface_destroy(surface);
	zpl_bits(bits, r->w, r->h, out);
	explicit_bzero(bits, size);
	free(bits);
	return OK;
}
