/* Speed and mode of a serial line, as text. */
#include "config/serial_mode.h"
#include "common/mem.h"
#include "config/template.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

enum err
serial_mode_bits(const char *text, struct serial_mode *out)
{
	if (strlen(text) != 3 || text[0] < '5' || text[0] > '8' ||
	    !strchr("NEO", text[1]) || (text[2] != '1' && text[2] != '2'))
		return ERR_PROTO;
	out->bits = text[0] - '0';
	out->parity = text[1];
	out->stop = text[2] - '0';
	return OK;
}

enum err
serial_mode_parse(const char *text, struct serial_mode *out)
{
	size_t n = strspn(text, "0123456789");
	char *baud = mem_strndup(text, n);
	int64_t v = 0;
	bool ok = n > 0 && n < 8 && value_int(baud, &v) == OK && v >= 50 &&
	    v <= 4000000;

	free(baud);
	if (!ok)
		return ERR_PROTO;
	out->baud = (int)v;
	text += n + strspn(text + n, " \t");
	return serial_mode_bits(*text ? text : "8N1", out);
}

bool
serial_mode_equal(const struct serial_mode *a, const struct serial_mode *b)
{
	return a->baud == b->baud && a->bits == b->bits &&
	    a->parity == b->parity && a->stop == b->stop;
}
