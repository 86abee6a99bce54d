/* What a run has made, for the person who holds the paper then. */
#ifndef LABELS_SUMMARY_H
#define LABELS_SUMMARY_H

#include "common/buf.h"
#include "labels/label.h"
#include "labels/sticker.h"

#include <stdbool.h>

struct summary {
	size_t made, claims;
	const char *stock; /* of a sheet; NULL: none */
	const char *file;
	int sheets, first, last; /* cells from 1; last on the last sheet */
	/* The code with the smallest modules; module 0: none. */
	double module;
	int version;
	char level;
};

void summary_count(
    struct summary *s, const struct label *l, const struct sticker *k);

/* summary_text and summary_json append a line without its end. */
void summary_text(const struct summary *s, struct buf *out);
void summary_json(const struct summary *s, struct buf *out);

#endif
