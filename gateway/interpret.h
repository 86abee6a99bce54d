/* Registers shown in every way that a template can name, for whoever looks for
 * the right one.  Thread: any. */
#ifndef GATEWAY_INTERPRET_H
#define GATEWAY_INTERPRET_H

#include "config/template.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* What a range holds: registers, or coils of 0 and 1. */
struct range {
	enum modbus_table table;
	uint16_t addr;
	const uint16_t *value;
	size_t n;
};

/* interpret appends {"type","order","value","line"} for each reading of the
 * first four registers; of coils, of each. */
void interpret(const struct range *r, json_t *out);

/* interpret_type appends those of one type alone, in each order of its bytes.
 * False: it is none of the types that interpret knows, and nothing was
 * appended. */
bool interpret_type(const struct range *r, const char *type, json_t *out);

/* interpret_as appends the reading of one field, whose line is `where type`. */
void interpret_as(
    const struct field *f, const char *line, const uint16_t *regs, json_t *out);

/* interpret_where parses `where type` (type NULL: u16, or bool of bits) as a
 * template's line.  Owns: *out is owned and has one field.
 * Errors: ERR_RANGE, with the sentence. */
enum err interpret_where(const char *where, const char *type, struct tmpl **out,
    struct errbuf *eb) MUST_USE;

const char *interpret_table(enum modbus_table t);

#endif
