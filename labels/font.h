/* Fonts by Pango: measuring and showing text of any script, and finding what no
 * font here can show. */
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

/* font_missing counts the characters of text that no font here has. */
int font_missing(struct font *f, enum font_face face, const char *text);

const char *font_family(enum font_face face);

/* font_show writes text at the current point of a cairo_t, its baseline there;
 * size is in its units. */
void font_show(void *cairo, enum font_face face, double size, const char *text);

#endif
