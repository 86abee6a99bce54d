#include "gateway/interpret.h"

#include "common/buf.h"
#include "common/mem.h"
#include "drivers/decode.h"
#include "drivers/plan.h"
#include "gateway/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOAT_DEC " dec=3"

static const char *const order_names[] = { "ABCD", "BADC", "CDAB", "DCBA" };

static const struct {
	const char *name;
	enum reg_type type;
	uint8_t regs, str_len;
} types[] = {
	{ "u16", REG_U16, 1, 0 },
	{ "i16", REG_I16, 1, 0 },
	{ "u32", REG_U32, 2, 0 },
	{ "i32", REG_I32, 2, 0 },
	{ "f32", REG_F32, 2, 0 },
	{ "u64", REG_U64, 4, 0 },
	{ "i64", REG_I64, 4, 0 },
	{ "f64", REG_F64, 4, 0 },
	{ "str:8", REG_STR, 4, 8 },
};

const char *
interpret_table(enum modbus_table t)
{
	static const char *const names[] = { "coil", "discrete", "input",
		"holding" };

	return names[t];
}

/* A template's line names the decimals of what the device sends as a float. */
static bool
lacks_dec(const char *type)
{
	return type[0] == 'f' && !strstr(type, "dec=");
}

/* Takes line. */
static void
add(json_t *out, const char *type, const char *order, const char *value,
    char *line)
{
	json_array_append_new(out,
	    json_pack("{s:s, s:o, s:s, s:o}", "type", type, "order",
		order ? json_string(order) : json_null(), "value", value,
		"line", line ? json_string(line) : json_null()));
	free(line);
}

static void
text_of(const struct field *f, const uint16_t *regs, char *out)
{
	struct reading r = { 0 };

	decode_regs(f, regs, 0, &r);
	if (r.quality == QUALITY_OK)
		value_text(&r.value, out);
	else
		snprintf(
		    out, VALUE_TEXT_SIZE, "(%s)", r.why ? r.why : "no value");
}

static struct field
plain_field(const struct range *r)
{
	return (struct field){ .table = r->table,
		.addr = r->addr,
		.bit_hi = 0,
		.bit_lo = 1,
		.scale = { 1, 0 },
		.sf_field = -1 };
}

static void
add_raw(const struct range *r, json_t *out)
{
	char hex[16], bits[24];
	size_t n = 0;

	snprintf(hex, sizeof(hex), "0x%04X", r->value[0]);
	for (int i = 15; i >= 0; i--) {
		bits[n++] = (char)('0' + (r->value[0] >> i & 1));
		if (i && i % 4 == 0)
			bits[n++] = ' ';
	}
	bits[n] = '\0';
	add(out, "hex", NULL, hex, NULL);
	add(out, "bits", NULL, bits, NULL);
}

static void
add_type(const struct range *r, size_t t, json_t *out)
{
	size_t orders = types[t].regs > 1 ? 4 : 1;

	if (types[t].type == REG_STR)
		orders = 2; /* by the bytes of a word */
	for (size_t o = 0; o < orders; o++) {
		struct field f = plain_field(r);
		char value[VALUE_TEXT_SIZE];

		f.type = types[t].type;
		f.str_len = types[t].str_len;
		f.order = (enum reg_order)o;
		text_of(&f, r->value, value);
		add(out, types[t].name, orders > 1 ? order_names[o] : NULL,
		    value,
		    mem_printf("value = %s:0x%04X %s%s%s%s",
			interpret_table(r->table), r->addr, types[t].name,
			o ? " order=" : "", o ? order_names[o] : "",
			types[t].name[0] == 'f' ? FLOAT_DEC : ""));
	}
}

static void
add_bits(const struct range *r, json_t *out)
{
	for (size_t i = 0; i < r->n; i++)
		add(out, "bool", NULL, r->value[i] ? "true" : "false",
		    mem_printf("value = %s:%zu bool", interpret_table(r->table),
			r->addr + i));
}

void
interpret(const struct range *r, json_t *out)
{
	if (r->n == 0)
		return;
	if (r->table == MB_COIL || r->table == MB_DISCRETE) {
		add_bits(r, out);
		return;
	}
	add_raw(r, out);
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		if (types[t].regs <= r->n)
			add_type(r, t, out);
	}
}

bool
interpret_type(const struct range *r, const char *type, json_t *out)
{
	bool bits = r->table == MB_COIL || r->table == MB_DISCRETE;

	for (size_t t = 0; !bits && t < sizeof(types) / sizeof(types[0]); t++) {
		if (strcmp(type, types[t].name) != 0 || types[t].regs > r->n)
			continue;
		add_type(r, t, out);
		return true;
	}
	return false;
}

void
interpret_as(
    const struct field *f, const char *line, const uint16_t *regs, json_t *out)
{
	char value[VALUE_TEXT_SIZE];
	const char *type = strchr(line, ' ');

	text_of(f, regs, value);
	add(out, type ? type + 1 : line, NULL, value,
	    mem_printf("value = %s%s", line,
		type && lacks_dec(type + 1) ? FLOAT_DEC : ""));
}

/* The first message without the made-up file's name and line. */
static enum err
complain(const struct buf *errs, struct errbuf *eb)
{
	const char *text = errs->len ? errs->data : "it cannot be read";
	const char *mark = strstr(text, "error: ");

	if (mark)
		text = mark + strlen("error: ");
	mark = strstr(text, "] value: ");
	if (mark)
		text = mark + strlen("] value: ");
	return errbuf_set(eb, ERR_RANGE, "%.*s; as in holding:0x10 u32",
	    (int)strcspn(text, "\n"), text);
}

enum err
interpret_where(
    const char *where, const char *type, struct tmpl **out, struct errbuf *eb)
{
	bool bits = strncmp(where, "coil:", 5) == 0 ||
	    strncmp(where, "discrete:", 9) == 0;
	struct buf errs = { 0 };
	enum err e = ERR_RANGE;
	char *text;

	*out = NULL;
	if (!type)
		type = bits ? "bool" : "u16";
	if (strpbrk(where, "\r\n;") || strpbrk(type, "\r\n;"))
		return errbuf_set(eb, ERR_RANGE, "that is not one line");
	text = mem_printf("[template]\nid = probe\nname = probe\n"
			  "class = probe\nkind = modbus\nversion = 1\n"
			  "[poll]\nnormal = 10s\n[field]\n"
			  "value = %s %s%s\n",
	    where, type, lacks_dec(type) ? FLOAT_DEC : "");
	if (tmpl_load_text("probe", text, strlen(text), out, &errs) != OK)
		e = complain(&errs, eb);
	else
		e = OK;
	buf_fini(&errs);
	free(text);
	return e;
}
