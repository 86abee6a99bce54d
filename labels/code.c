#include "labels/code.h"

#include "common/mem.h"

#include <math.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

static const QRecLevel levels[] = {
	[CODE_L] = QR_ECLEVEL_L,
	[CODE_M] = QR_ECLEVEL_M,
	[CODE_Q] = QR_ECLEVEL_Q,
	[CODE_H] = QR_ECLEVEL_H,
};

enum { ECI_UTF8 = 26 };

#define NO_WIDTH 0.01 /* mm: not one dot of any printer */

static bool
is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static QRcode *
encode_utf8(const char *text, QRecLevel level)
{
	QRinput *in = QRinput_new2(0, level);
	QRcode *qr = NULL;

	if (in && QRinput_appendECIheader(in, ECI_UTF8) == 0 &&
	    QRinput_append(in, QR_MODE_8, (int)strlen(text),
		(const unsigned char *)text) == 0)
		qr = QRcode_encodeInput(in);
	QRinput_free(in);
	return qr;
}

enum err
code_make(const char *text, enum code_level level, struct code *out)
{
	QRcode *qr;
	size_t n;

	memset(out, 0, sizeof(*out));
	qr = is_ascii(text)
	    ? QRcode_encodeString(text, 0, levels[level], QR_MODE_8, 1)
	    : encode_utf8(text, levels[level]);
	if (!qr)
		return ERR_RANGE;
	n = (size_t)qr->width * (size_t)qr->width;
	out->level = level;
	out->version = qr->version;
	out->width = qr->width;
	out->dark = mem_array(n, 1);
	for (size_t i = 0; i < n; i++)
		out->dark[i] = qr->data[i] & 1;
	/* The code holds the KEY as plainly as text would. */
	explicit_bzero(qr->data, n);
	QRcode_free(qr);
	return OK;
}

void
code_fini(struct code *c)
{
	if (c->dark)
		explicit_bzero(c->dark, (size_t)c->width * (size_t)c->width);
	free(c->dark);
	memset(c, 0, sizeof(*c));
}

double
code_module(const struct code *c, const struct code_square *sq)
{
	double modules = c->width + 2 * CODE_QUIET;

	if (sq->dot <= 0)
		return sq->mm / modules;
	/* A square of exactly n dots must not lose one to rounding. */
	return floor(sq->mm / sq->dot / modules + 1e-6) * sq->dot;
}

/* try_level replaces *c by the code of another level if that one will do. */
static void
try_level(const char *text, enum code_level level, const struct code_square *sq,
    struct code *c)
{
	struct code other;
	double module;

	if (code_make(text, level, &other) != OK)
		return;
	module = code_module(&other, sq);
	if (level < c->level
		? module > code_module(c, sq)
		: other.version == c->version || module >= CODE_MODULE_FINE) {
		code_fini(c);
		*c = other;
		return;
	}
	code_fini(&other);
}

static enum err
too_small(const struct code *c, const struct code_square *sq, struct errbuf *eb)
{
	double need = CODE_MODULE_MIN;

	if (sq->dot > 0)
		need = ceil(need / sq->dot - 1e-6) * sq->dot;
	return errbuf_set(eb, ERR_RANGE,
	    "the QR code gets %.1f mm, and its modules would be %.2f mm wide: "
	    "phones cannot read less than %.2f mm; it needs %.1f mm",
	    sq->mm, code_module(c, sq), CODE_MODULE_MIN,
	    need * (c->width + 2 * CODE_QUIET));
}

enum err
code_choose(const char *text, const struct code_square *sq, struct code *out,
    struct errbuf *eb)
{
	enum err e = code_make(text, CODE_M, out);

	if (e != OK) /* too long at M may still go at L */
		e = code_make(text, CODE_L, out);
	if (e != OK)
		return errbuf_set(eb, e, "the text is too long for a QR code");
	if (code_module(out, sq) < CODE_MODULE_GOOD)
		try_level(text, CODE_L, sq, out);
	try_level(text, CODE_Q, sq, out);
	try_level(text, CODE_H, sq, out);
	if (code_module(out, sq) >= (sq->force ? NO_WIDTH : CODE_MODULE_MIN))
		return OK;
	e = too_small(out, sq, eb);
	code_fini(out);
	return e;
}

char
code_letter(enum code_level level)
{
	return "LMQH"[level];
}
