/* Fonts by cairo: measuring text, and finding what a font cannot show. */
#ifndef LABELS_FONT_H
#define LABELS_FONT_H

#include "labels/layout.h"

struct font;

/* font_open finds the three faces.  Returns owned. */
struct font *font_open(void);
void font_close(struct font *f);

/* font_measure is the width of a struct meter whose arg is a struct font. */
double font_measure(
    void *font, enum font_face face, double size, const char *text);

/* font_missing counts the characters of text that the face has no glyph for. */
int font_missing(struct font *f, enum font_face face, const char *text);

const char *font_family(enum font_face face);

/* font_set makes the face the current one of a cairo_t, at size in its units.
 */
void font_set(void *cairo, enum font_face face, double size);

#endif
