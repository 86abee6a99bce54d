#include "tests/thingsim/image.h"

#include "common/mem.h"
#include "tests/thingsim/rawval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REGS_MAX = 128 };

static bool
is_bits(int table)
{
	return table == MB_COIL || table == MB_DISCRETE;
}

static int
cell_order(const void *pa, const void *pb)
{
	const struct cell *a = pa, *b = pb;

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return (a->addr > b->addr) - (a->addr < b->addr);
}

static void
add_cells(struct image *img, size_t *cap, const struct field *f)
{
	for (unsigned i = 0; i < tmpl_field_regs(f); i++) {
		img->cells =
		    mem_grow(img->cells, img->n, cap, sizeof(*img->cells));
		img->cells[img->n++] = (struct cell){
			.table = (uint8_t)f->table,
			.addr = (uint16_t)(f->addr + i),
		};
	}
}

void
image_init(struct image *img, const struct tmpl *t)
{
	size_t cap = 0, kept = 0;

	*img = (struct image){ 0 };
	for (size_t i = 0; i < t->n_fields; i++)
		add_cells(img, &cap, &t->fields[i]);
	for (size_t i = 0; i < t->n_controls; i++)
		add_cells(img, &cap, &t->controls[i]);
	if (img->n == 0)
		return;
	qsort(img->cells, img->n, sizeof(*img->cells), cell_order);
	for (size_t i = 1; i < img->n; i++)
		if (cell_order(&img->cells[kept], &img->cells[i]) != 0)
			img->cells[++kept] = img->cells[i];
	img->n = kept + 1;
}

void
image_fini(struct image *img)
{
	free(img->cells);
	*img = (struct image){ 0 };
}

struct cell *
image_cell(const struct image *img, int table, unsigned addr)
{
	struct cell key = { .table = (uint8_t)table, .addr = (uint16_t)addr };

	if (img->n == 0 || addr > UINT16_MAX)
		return NULL;
	return bsearch(
	    &key, img->cells, img->n, sizeof(*img->cells), cell_order);
}

bool
image_spans(const struct image *img, int table, unsigned addr)
{
	bool below = false, above = false;

	for (size_t i = 0; i < img->n; i++) {
		if (img->cells[i].table != table)
			continue;
		below = below || img->cells[i].addr <= addr;
		above = above || img->cells[i].addr >= addr;
	}
	return below && above;
}

static void
get_regs(const struct image *img, const struct field *f, uint16_t *regs)
{
	for (unsigned i = 0; i < tmpl_field_regs(f); i++)
		regs[i] = image_cell(img, (int)f->table, f->addr + i)->value;
}

static void
put_regs(struct image *img, const struct field *f, const uint16_t *regs)
{
	for (unsigned i = 0; i < tmpl_field_regs(f); i++)
		image_cell(img, (int)f->table, f->addr + i)->value = regs[i];
}

static void
store_str(struct image *img, const struct field *f, const char *text)
{
	uint16_t regs[REGS_MAX] = { 0 };
	size_t len = strlen(text);
	bool swap = f->order == ORDER_BADC || f->order == ORDER_DCBA;

	for (size_t i = 0; i < len && i < f->str_len; i++) {
		bool low = (i % 2 == 1) != swap;
		unsigned byte = (unsigned char)text[i];

		regs[i / 2] |= (uint16_t)(low ? byte : byte << 8);
	}
	put_regs(img, f, regs);
}

static void
text_str(const struct image *img, const struct field *f, char out[IMAGE_TEXT])
{
	uint16_t regs[REGS_MAX] = { 0 };
	bool swap = f->order == ORDER_BADC || f->order == ORDER_DCBA;

	get_regs(img, f, regs);
	for (size_t i = 0; i < f->str_len; i++) {
		bool low = (i % 2 == 1) != swap;

		out[i] = (char)(low ? regs[i / 2] & 0xFF : regs[i / 2] >> 8);
	}
	out[f->str_len] = '\0';
}

enum err
image_store(struct image *img, const struct field *f, const char *text)
{
	uint16_t regs[4] = { 0 };
	uint64_t raw;
	enum err e;

	if (f->type == REG_STR) {
		store_str(img, f, text);
		return OK;
	}
	e = rawval_parse(f, text, &raw);
	if (e != OK)
		return e;
	if (is_bits((int)f->table)) {
		regs[0] = raw != 0;
	} else {
		get_regs(img, f, regs);
		rawval_put(f, raw, regs);
	}
	put_regs(img, f, regs);
	return OK;
}

void
image_text(const struct image *img, const struct field *f, char out[IMAGE_TEXT])
{
	uint16_t regs[4] = { 0 };

	if (f->type == REG_STR) {
		text_str(img, f, out);
		return;
	}
	get_regs(img, f, regs);
	rawval_text(f, is_bits((int)f->table) ? regs[0] : rawval_get(f, regs),
	    out, IMAGE_TEXT);
}
