/* One run of thinglabels: what its labels are drawn on, and what became of
 * them. */
#ifndef LABELS_JOB_H
#define LABELS_JOB_H

#include "common/buf.h"
#include "labels/options.h"
#include "labels/raster.h"
#include "labels/sheet.h"
#include "labels/sticker.h"
#include "labels/summary.h"

#include <stdbool.h>

struct job {
	const struct options *o;
	struct stock stock;
	struct sheet sheet;
	struct room room;     /* of one label */
	struct raster raster; /* for png and zpl */
	struct font *font;
	struct summary sum;
	bool missing; /* some characters are in no font here */
	int code;     /* of the last label that failed */
};

/* job_measure fills in room and raster, of the options and the stock. */
void job_measure(struct job *j);

/* job_sticker chooses what goes on a label, and says what is wrong with it.
 * Returns false when there will be none: j->code says why.
 * Owns:    *s when true: sticker_fini. */
bool job_sticker(struct job *j, const struct label *l, struct sticker *s);

/* job_say_fonts says what helps when characters are missing. */
void job_say_fonts(void);

/* job_write writes to file, or standard output when it is NULL, and says what
 * failed.
 * Returns: the exit code. */
int job_write(const char *file, const struct buf *data);

#endif
