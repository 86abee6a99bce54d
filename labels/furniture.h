/* What a sheet has beside its labels: a ruler to check the printer by, and the
 * page that aligns it. */
#ifndef LABELS_FURNITURE_H
#define LABELS_FURNITURE_H

#include "labels/sheet.h"

/* furniture_foot draws a line of 100 mm and what to do with it, where the
 * sheet has room beside its labels.  cairo is a cairo_t, in mm. */
void furniture_foot(void *cairo, const struct stock *s);

void furniture_border(void *cairo, const struct stock *s, struct pair at);

/* furniture_test draws the page that shows how far off the printer is. */
void furniture_test(void *cairo, const struct sheet *s);

#endif
