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

static void
check_field(const struct tmpl *t, const struct field *f)
{
	must(f->name && f->unit && f->label);
	must(tmpl_poll_ms(t, f, 0) >= 0);
	if (t->kind != TMPL_MODBUS)
		return;
	must(f->addr + tmpl_field_regs(f) <= 65536);
	must(f->table == MB_COIL || f->table == MB_DISCRETE ||
	    tmpl_field_regs(f) <= t->max_read);
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
		must(tmpl_equal(t, t));
	} else {
		must(!t && notes.data);
	}
	tmpl_free(t);
	buf_fini(&notes);
	return 0;
}
