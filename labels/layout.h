/* Which lines a sticker has, how large, and where: all in mm, from the top
 * left corner of the label.  Does not draw. */
#ifndef LABELS_LAYOUT_H
#define LABELS_LAYOUT_H

#include "labels/code.h"
#include "labels/label.h"

enum font_face { FONT_PLAIN, FONT_BOLD, FONT_MONO };

/* How wide text is, size and width in mm. */
struct meter {
	double (*width)(
	    void *arg, enum font_face face, double size, const char *text);
	void *arg;
};

enum line_role {
	LINE_NAME,
	LINE_PLACE,
	LINE_MAKER,
	LINE_ID,
	LINE_BUS,
	LINE_JID,
	LINE_KEY,
	LINE_REGISTRY,
	LINE_NOTICE,
};

struct line {
	enum line_role role;
	enum font_face face;
	double size, x, y; /* y is the baseline */
	double width;      /* of the text */
	char *text;
};

enum { LAYOUT_LINES = 24 };

struct layout {
	double w, h;
	double code_x, code_y, code_side; /* code_side 0: no code */
	struct line line[LAYOUT_LINES];
	size_t n;
	unsigned dropped; /* 1 << line_role of what found no place */
	unsigned cut;     /* 1 << line_role of what ends in an ellipsis */
};

/* layout_code_side is the room for the code, quiet zone included, on a label
 * of w by h mm: beside the text when it is wide, above it when it is tall. */
double layout_code_side(const struct label *l, double w, double h);

/* layout_make places the lines.  code_side may be less than
 * layout_code_side().  Names shrink, then are cut; the KEY is whole or absent,
 * in groups of four that are never divided; what does not fit is left out:
 * registry first, then maker, then place.
 * Owns: out: layout_fini. */
void layout_make(const struct label *l, double w, double h, double code_side,
    const struct meter *meter, struct layout *out);

/* layout_code makes a layout of the code alone. */
void layout_code(double w, double h, double code_side, struct layout *out);
void layout_fini(struct layout *lo);

/* layout_text returns the line of a role for people, or NULL when there is
 * nothing to say.  Not for LINE_KEY.  Returns owned. */
char *layout_text(const struct label *l, enum line_role role);

/* layout_key returns the KEY in groups of four.  Returns owned, a secret. */
char *layout_key(const char *key);

const char *layout_role(enum line_role role);

#endif
