/* A template is taken whole, or refused with an error. */
#include "config/template.h"

#include "common/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The scale factor, where there is one, is a field that has none itself. */
static void
check_sf(const struct tmpl *t, const struct field *f)
{
	must((f->sf != NULL) == (f->sf_field >= 0));
	if (!f->sf)
		return;
	must((size_t)f->sf_field < t->n_fields);
	must(t->fields[f->sf_field].type == REG_I16);
	must(t->fields[f->sf_field].sf_field < 0);
}

static void
check_field(const struct tmpl *t, const struct field *f)
{
	must(f->name && f->unit && f->label);
	must(tmpl_poll_ms(t, f, 0) >= 0);
	must(!f->has_max_rate || f->max_rate.mant > 0);
	check_sf(t, f);
	if (t->kind != TMPL_MODBUS)
		return;
	must(f->addr + tmpl_field_regs(f) <= 65536);
	must(f->table == MB_COIL || f->table == MB_DISCRETE ||
	    tmpl_field_regs(f) <= t->max_read);
}

static void
check_control(const struct tmpl *t, const struct control *c)
{
	bool coil = c->f.table == MB_COIL;
	unsigned regs = tmpl_field_regs(&c->f);

	must(c->f.name && c->f.unit && c->f.label);
	must(c->field < (int)t->n_fields);
	must(coil || c->f.table == MB_HOLDING);
	must(c->f.addr + regs <= 65536);
	must(coil ? c->fc == 5 || c->fc == 15
		  : c->fc == 6 || c->fc == 16 || c->fc == 22);
	must(c->fc != 6 || regs == 1);
	must(c->verify != VERIFY_AT || c->verify_addr + regs <= 65536);
	must(!c->write_only || c->verify != VERIFY_SAME);
	must(!c->has_pulse || c->pulse_min_ms <= c->pulse_max_ms);
}

static void
check_frame(const struct frame *f)
{
	must(f->n_ends == 0 || f->end.len > 0);
	for (size_t i = 0; i < f->n_ends; i++)
		must(f->ends[i].len > 0);
	must(f->length >= 0 && f->length_at >= 0);
	must(!f->has_length_at || f->length_at < f->max);
}

/* Read again, it is the same template. */
static void
check_again(const struct tmpl *t)
{
	struct tmpl *copy = tmpl_again(t);

	must(copy && tmpl_equal(t, copy));
	must(
	    copy->n_fields == t->n_fields && copy->n_controls == t->n_controls);
	tmpl_free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf notes = { 0 };
	struct tmpl *t;

	if (size == 0)
		return 0;
	if (tmpl_load_text("f", (const char *)data, size, &t, &notes) == OK) {
		must(!notes.data && t->n_fields > 0);
		for (size_t i = 0; i < t->n_fields; i++)
			check_field(t, &t->fields[i]);
		for (size_t i = 0; i < t->n_controls; i++)
			check_control(t, &t->controls[i]);
		if (t->kind == TMPL_TEXT)
			check_frame(&t->frame);
		check_again(t);
	} else {
		must(!t && notes.data);
	}
	tmpl_free(t);
	buf_fini(&notes);
	return 0;
}
