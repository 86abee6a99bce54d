#include "tests/thingsim/image.h"

#include "common/mem.h"
#include "tests/thingsim/rawval.h"

#include <stdlib.h>
#include <string.h>

enum { REGS_MAX = 128, PAGE = 256, PAGES = 256, SF_MAX = 10 };

/* The cells of 256 addresses; a bit of have tells that there is one. */
struct page {
	uint16_t value[PAGE];
	uint64_t have[PAGE / 64];
};

struct image_table {
	struct page *pages[PAGES];
	unsigned first, last;
};

static bool
is_bits(enum modbus_table table)
{
	return table == MB_COIL || table == MB_DISCRETE;
}

static struct page *
page_at(const struct image *img, enum modbus_table table, unsigned addr)
{
	const struct image_table *t = img->tables[table];

	return t && addr <= UINT16_MAX ? t->pages[addr / PAGE] : NULL;
}

static void
add_cell(struct image *img, enum modbus_table table, unsigned addr)
{
	struct image_table *t = img->tables[table];
	struct page *p;

	if (addr > UINT16_MAX)
		return;
	if (!t) {
		t = img->tables[table] = mem_zalloc(sizeof(*t));
		t->first = addr;
		t->last = addr;
	}
	t->first = addr < t->first ? addr : t->first;
	t->last = addr > t->last ? addr : t->last;
	p = t->pages[addr / PAGE];
	if (!p)
		p = t->pages[addr / PAGE] = mem_zalloc(sizeof(*p));
	p->have[addr % PAGE / 64] |= UINT64_C(1) << addr % 64;
}

static void
add_field(struct image *img, const struct field *f)
{
	for (unsigned i = 0; i < tmpl_field_regs(f); i++)
		add_cell(img, f->table, f->addr + i);
}

static void
add_control(struct image *img, const struct control *c)
{
	add_field(img, &c->f);
	if (c->verify != VERIFY_AT)
		return;
	for (unsigned i = 0; i < tmpl_field_regs(&c->f); i++)
		add_cell(img, c->verify_table, c->verify_addr + i);
}

void
image_init(struct image *img, const struct tmpl *t)
{
	*img = (struct image){ .tmpl = t };
	for (size_t i = 0; i < t->n_fields; i++)
		add_field(img, &t->fields[i]);
	for (size_t i = 0; i < t->n_controls; i++)
		add_control(img, &t->controls[i]);
}

void
image_fini(struct image *img)
{
	for (size_t i = 0; i < IMAGE_TABLES; i++) {
		struct image_table *t = img->tables[i];

		for (size_t k = 0; t && k < PAGES; k++)
			free(t->pages[k]);
		free(t);
	}
	*img = (struct image){ 0 };
}

void
image_copy(struct image *to, const struct image *from)
{
	*to = (struct image){ .tmpl = from->tmpl };
	for (size_t i = 0; i < IMAGE_TABLES; i++) {
		const struct image_table *t = from->tables[i];

		if (!t)
			continue;
		to->tables[i] = mem_zalloc(sizeof(*t));
		*to->tables[i] = *t;
		for (size_t k = 0; k < PAGES; k++) {
			if (!t->pages[k])
				continue;
			to->tables[i]->pages[k] =
			    mem_zalloc(sizeof(struct page));
			*to->tables[i]->pages[k] = *t->pages[k];
		}
	}
}

bool
image_has(const struct image *img, enum modbus_table table, unsigned addr)
{
	const struct page *p = page_at(img, table, addr);

	return p && p->have[addr % PAGE / 64] >> addr % 64 & 1;
}

uint16_t
image_get(const struct image *img, enum modbus_table table, unsigned addr)
{
	const struct page *p = page_at(img, table, addr);

	return p ? p->value[addr % PAGE] : 0;
}

void
image_put(
    struct image *img, enum modbus_table table, unsigned addr, uint16_t value)
{
	if (image_has(img, table, addr))
		page_at(img, table, addr)->value[addr % PAGE] = value;
}

void
image_each(const struct image *img,
    void (*fn)(void *arg, enum modbus_table table, unsigned addr), void *arg)
{
	for (int i = 0; i < IMAGE_TABLES; i++) {
		enum modbus_table table = (enum modbus_table)i;
		const struct image_table *t = img->tables[i];

		for (unsigned a = t ? t->first : 1; t && a <= t->last; a++)
			if (image_has(img, table, a))
				fn(arg, table, a);
	}
}

bool
image_spans(const struct image *img, enum modbus_table table, unsigned addr)
{
	const struct image_table *t = img->tables[table];

	return t && t->first <= addr && addr <= t->last;
}

static void
get_regs(const struct image *img, const struct field *f, uint16_t *regs)
{
	for (unsigned i = 0; i < tmpl_field_regs(f); i++)
		regs[i] = image_get(img, f->table, f->addr + i);
}

static void
put_regs(struct image *img, const struct field *f, const uint16_t *regs)
{
	for (unsigned i = 0; i < tmpl_field_regs(f); i++)
		image_put(img, f->table, f->addr + i, regs[i]);
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

/* scaled is f with the power of ten that another of the device's registers
 * holds (SunSpec) in its scale; what no power is counts as 0. */
static struct field
scaled(const struct image *img, const struct field *f)
{
	struct field with = *f;
	const struct field *sf;
	int power;

	if (!f->sf)
		return with;
	sf = tmpl_find(img->tmpl, f->sf);
	power = sf ? (int16_t)image_get(img, sf->table, sf->addr) : 0;
	if (power < -SF_MAX || power > SF_MAX)
		return with;
	if (with.scale.mant == 0)
		with.scale = (struct num){ 1, 0 };
	for (; power > 0; power--)
		with.scale.mant *= 10;
	with.scale.dec = (uint8_t)(with.scale.dec - power);
	return with;
}

enum err
image_store(struct image *img, const struct field *f, const char *text)
{
	struct field with = scaled(img, f);
	uint16_t regs[4] = { 0 };
	uint64_t raw;
	enum err e;

	if (f->type == REG_STR) {
		store_str(img, f, text);
		return OK;
	}
	e = rawval_parse(&with, text, &raw);
	if (e != OK)
		return e;
	if (is_bits(f->table)) {
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
	struct field with = scaled(img, f);
	uint16_t regs[4] = { 0 };

	if (f->type == REG_STR) {
		text_str(img, f, out);
		return;
	}
	get_regs(img, f, regs);
	rawval_text(&with, is_bits(f->table) ? regs[0] : rawval_get(f, regs),
	    out, IMAGE_TEXT);
}
