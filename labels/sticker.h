/* One label, ready to be drawn: its code chosen, its lines placed. */
#ifndef LABELS_STICKER_H
#define LABELS_STICKER_H

#include "labels/code.h"
#include "labels/font.h"
#include "labels/layout.h"

#define MM_PER_INCH 25.4

/* What a label may fill.  dot is the printer's, 0 when it has none. */
struct room {
	double w, h, dot;
	bool force;     /* also modules that are too small */
	bool code_only; /* no text */
};

struct sticker {
	struct layout lo;
	struct code code; /* dark is NULL when there is none */
	double module;    /* in mm */
	double dot;       /* of the room */
};

/* sticker_make chooses code and layout.
 * Owns:    *out: sticker_fini, also after an error.
 * Errors:  ERR_RANGE the code does not fit, eb says what it needs. */
enum err sticker_make(const struct label *l, const struct room *room,
    struct font *font, struct sticker *out, struct errbuf *eb) MUST_USE;
void sticker_fini(struct sticker *s);

/* sticker_paint draws it on a cairo_t in black, its corner at 0, 0.  unit is
 * what one of its units measures in mm. */
void sticker_paint(const struct sticker *s, void *cairo, double unit);

#endif
