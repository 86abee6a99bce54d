/* Labels as one PDF: sheets, or a page for each label of a roll. */
#ifndef LABELS_PAPER_H
#define LABELS_PAPER_H

#include "labels/job.h"

/* paper_draw writes the document of all labels, or the test page.
 * Returns: how many labels are in it; j->code says what failed. */
size_t paper_draw(struct job *j, const struct labels *ls);

#endif
