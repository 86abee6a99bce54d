/* What [control] adds to a line: how it is written, and how that is checked. */
#include "common/mem.h"
#include "common/num.h"
#include "config/tmpl_line.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

enum { FC_COIL = 5, FC_REGISTER = 6, FC_REGISTERS = 16, FC_MASK = 22 };

const char *
control_set_fc(struct line *l, char *v)
{
	const struct field *f = &l->c->f;
	int64_t fc;

	if (f->table == MB_COIL ? value_word(v, "5|15") < 0
				: value_word(v, "6|16|22") < 0)
		return f->table == MB_COIL ? "must be 5 or 15 for a coil"
					   : "must be 6, 16 or 22";
	if (value_int(v, &fc) != OK)
		return "must be a number";
	l->c->fc = (uint8_t)fc;
	if (fc == FC_REGISTER && tmpl_field_regs(f) > 1)
		return "must be 16: the type takes several registers";
	if (fc == FC_MASK && !type_is_part(f))
		return "can be 22 for bits or a byte of a register alone";
	return NULL;
}

/* Bits are read back at the same place in another register. */
const char *
control_set_verify(struct line *l, char *v)
{
	struct control *c = l->c;
	struct field at = { .name = c->f.name };
	struct buf unseen = { 0 };
	struct notes notes = { .out = &unseen };
	struct line probe = { .t = l->t, .f = &at, .notes = &notes };
	int word = value_word(v, "same|none");
	bool coil = c->f.table == MB_COIL, good;

	l->verify_given = true;
	if (word >= 0) {
		c->verify = word ? VERIFY_NONE : VERIFY_SAME;
		return NULL;
	}
	probe.at.file = "verify";
	good = where_modbus(&probe, &at, v);
	buf_fini(&unseen);
	if (!good || at.bit_hi >= at.bit_lo)
		return "must be same, none, or an address";
	if (coil != (at.table == MB_COIL || at.table == MB_DISCRETE))
		return "must be of the same width: a coil or discrete input "
		       "for a coil, a register for a register";
	if (at.addr + tmpl_field_regs(&c->f) > UINT16_MAX + 1)
		return "reaches beyond register 65535";
	c->verify = VERIFY_AT;
	c->verify_table = at.table;
	c->verify_addr = at.addr;
	return NULL;
}

/* The first of two times may leave its unit to the second. */
static bool
first_time(const char *v, const char *second, int64_t *ms)
{
	char *with_unit;
	bool good;

	if (value_duration(v, ms) == OK)
		return true;
	with_unit =
	    mem_printf("%s%s", v, second + strspn(second, "0123456789"));
	good = value_duration(with_unit, ms) == OK;
	free(with_unit);
	return good;
}

const char *
control_set_pulse(struct line *l, char *v)
{
	static const char *const bad = "must be a range of times, as 0..3600s";
	struct control *c = l->c;
	char *dots = strstr(v, "..");

	if (!dots)
		return bad;
	*dots = '\0';
	if (value_duration(dots + 2, &c->pulse_max_ms) != OK ||
	    !first_time(v, dots + 2, &c->pulse_min_ms) ||
	    c->pulse_min_ms > c->pulse_max_ms || c->pulse_max_ms == 0)
		return bad;
	c->has_pulse = true;
	return c->f.type == REG_STR ? "does not apply to text" : NULL;
}

const char *
control_set_step(struct line *l, char *v)
{
	l->c->has_step = true;
	return num_parse(v, &l->c->step) == OK && l->c->step.mant > 0
	    ? NULL
	    : "must be a number above 0";
}

const char *
control_set_access(struct line *l, char *v)
{
	int word = value_word(v, "rw|w");

	l->c->write_only = word == 1;
	return word < 0 ? "must be rw or w" : NULL;
}

static uint8_t
default_fc(const struct field *f)
{
	if (f->table == MB_COIL)
		return FC_COIL;
	return tmpl_field_regs(f) > 1 ? FC_REGISTERS : FC_REGISTER;
}

const char *
control_finish(struct line *l)
{
	struct control *c = l->c;

	if (c->fc == 0)
		c->fc = default_fc(&c->f);
	if (c->write_only && type_is_part(&c->f) && c->fc != FC_MASK)
		return "access=w needs fc=22 for bits or a byte: the rest of "
		       "the register cannot be read and kept";
	if (!c->write_only || c->verify != VERIFY_SAME)
		return NULL;
	if (l->verify_given)
		return "verify=same needs what can be read, not access=w";
	c->verify = VERIFY_NONE;
	return NULL;
}
