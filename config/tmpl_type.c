/* The types of registers. */
#include "config/tmpl_field.h"
#include "config/tmpl_line.h"
#include "config/value.h"

#include <string.h>

enum { STR_MAX = 128 }; /* bytes: what a reading can carry */

static const struct type {
	const char *name;
	enum reg_type type;
	uint8_t bits;  /* 0: as long as it says */
	bool fraction; /* IEEE 754 */
} types[] = {
	{ "bool", REG_BOOL, 1, false },
	{ "u8h", REG_U8H, 8, false },
	{ "u8l", REG_U8L, 8, false },
	{ "i8h", REG_I8H, 8, false },
	{ "i8l", REG_I8L, 8, false },
	{ "i16", REG_I16, 16, false },
	{ "u16", REG_U16, 16, false },
	{ "i32", REG_I32, 32, false },
	{ "u32", REG_U32, 32, false },
	{ "i64", REG_I64, 64, false },
	{ "u64", REG_U64, 64, false },
	{ "f16", REG_F16, 16, true },
	{ "f32", REG_F32, 32, true },
	{ "f64", REG_F64, 64, true },
	{ "bcd16", REG_BCD16, 16, false },
	{ "bcd32", REG_BCD32, 32, false },
	{ "str:N", REG_STR, 0, false },
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

static const struct type *
type_of(const struct field *f)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].type == f->type)
			return &types[i];
	return NULL;
}

const char *
tmpl_field_type(size_t i)
{
	return i < N_TYPES ? types[i].name : NULL;
}

unsigned
tmpl_field_regs(const struct field *f)
{
	unsigned bits = type_of(f)->bits;

	if (f->type == REG_STR)
		return (f->str_len + 1U) / 2U;
	return bits <= 16 ? 1 : bits / 16;
}

bool
type_is_number(const struct field *f)
{
	return f->type != REG_BOOL && f->type != REG_STR;
}

bool
type_is_fraction(const struct field *f)
{
	return type_of(f)->fraction;
}

unsigned
type_bits(const struct field *f)
{
	return type_of(f)->bits;
}

bool
type_is_part(const struct field *f)
{
	if (f->table == MB_COIL || f->table == MB_DISCRETE)
		return false;
	return f->bit_hi >= f->bit_lo || type_of(f)->bits == 8;
}

bool
line_type(struct line *l, const char *text)
{
	int64_t len;

	for (size_t i = 0; i < N_TYPES; i++) {
		if (strcmp(types[i].name, text) != 0 || !types[i].bits)
			continue;
		l->f->type = types[i].type;
		return true;
	}
	if (strncmp(text, "str:", 4) != 0)
		return line_fault(l,
		    "\"%s\" is no type (bool u8h u8l i8h i8l i16 u16 i32 u32 "
		    "i64 "
		    "u64 f16 f32 f64 bcd16 bcd32 str:N)",
		    text);
	if (value_int(text + 4, &len) != OK || len < 1 || len > STR_MAX)
		return line_fault(l, "str:N takes 1 to 128 bytes");
	l->f->type = REG_STR;
	l->f->str_len = (uint8_t)len;
	return true;
}
