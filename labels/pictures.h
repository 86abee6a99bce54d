/* Labels as pictures: a file for each, or one stream of all. */
#ifndef LABELS_PICTURES_H
#define LABELS_PICTURES_H

#include "labels/job.h"

/* pictures_draw writes PNG, SVG, ZPL or what a terminal shows.
 * Returns: how many labels were drawn; j->code says what failed. */
size_t pictures_draw(struct job *j, const struct labels *ls);

#endif
