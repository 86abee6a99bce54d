/* QR codes: making one, and choosing its error correction for a square. */
#ifndef LABELS_CODE_H
#define LABELS_CODE_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

enum code_level { CODE_L, CODE_M, CODE_Q, CODE_H };

/* White modules on each side (ISO/IEC 18004 9.1), always ours to paint. */
enum { CODE_QUIET = 4 };

struct code {
	enum code_level level;
	int version, width;  /* width in modules, without the quiet zone */
	unsigned char *dark; /* width * width, 1 is dark */
};

/* code_make encodes text at a level: ASCII as it is, anything else behind an
 * ECI header that says UTF-8, since readers guess other character sets.
 * Owns:    *out: code_fini.
 * Errors:  ERR_RANGE too long for a QR code. */
enum err code_make(
    const char *text, enum code_level level, struct code *out) MUST_USE;
void code_fini(struct code *c);

/* A square to fill.  dot is the printer's dot, of which a module is a whole
 * number; 0 when any width of a module will do.  force: also modules that are
 * too small to be read. */
struct code_square {
	double mm, dot;
	bool force;
};

/* code_module is the width of a module in mm; 0 when not one dot is left. */
double code_module(const struct code *c, const struct code_square *sq);

/* code_choose starts at M, goes on to Q and H where that costs no module width
 * worth having, and falls back to L before the modules get too small for a
 * phone: when a picture is poor, size matters more than the level.
 * Errors:  ERR_RANGE too long, or modules under CODE_MODULE_MIN; eb says how
 *          large the square must be. */
enum err code_choose(const char *text, const struct code_square *sq,
    struct code *out, struct errbuf *eb) MUST_USE;

#define CODE_MODULE_FINE 0.38 /* mm: wide enough to spend on a higher level */
#define CODE_MODULE_GOOD 0.33 /* mm: below, some phones fail */
#define CODE_MODULE_MIN 0.25  /* mm: below, refused */

char code_letter(enum code_level level);

static inline bool
code_dark(const struct code *c, int x, int y)
{
	return c->dark[(size_t)y * (size_t)c->width + (size_t)x] != 0;
}

#endif
