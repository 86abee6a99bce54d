/* Label stock: what sheets and rolls measure, read from ini files. */
#ifndef LABELS_STOCK_H
#define LABELS_STOCK_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct pair {
	double x, y;
};

/* pair_parse reads two numbers with a character between them, and nothing
 * else: "63.5x38.1", "-0.4,1". */
bool pair_parse(const char *s, char between, struct pair *out) MUST_USE;

enum stock_page { STOCK_A4, STOCK_LETTER, STOCK_ROLL };

/* Sizes in mm; margin and pitch from edge to edge.  A sheet has cells, a roll
 * has dots, 0 where the whole label can be printed. */
struct stock {
	char *id, *about;
	char *same; /* other names, between commas; "" when none */
	enum stock_page page;
	struct pair label, margin, pitch;
	int cols, rows;
	double dpi;
	int dots_x, dots_y;
	bool turned, code_only;
};

struct stocks {
	struct stock *v;
	size_t n, cap;
};

/* stocks_load reads the table of the package, then that of the user: own, or
 * /etc/thingbridge/labels.ini if it is there when own is NULL.  Of two with
 * one name the later counts.
 * Owns:    *out: stocks_fini, also after an error.
 * Errors:  ERR_IO, ERR_CONFIG; what is wrong has been written to standard
 *          error, with file and line. */
enum err stocks_load(const char *own, struct stocks *out) MUST_USE;
void stocks_fini(struct stocks *s);

/* stocks_read appends what data[len], of a file of that name, holds.
 * Errors: ERR_CONFIG; notes has the lines. */
struct notes;
enum err stocks_read(const char *file, const char *data, size_t len,
    struct stocks *out, struct notes *notes) MUST_USE;

/* stocks_find takes any of its names; NULL when there is none. */
const struct stock *stocks_find(const struct stocks *s, const char *id);

void stocks_list(const struct stocks *s, FILE *out);

/* stock_paper is the size of the sheet in mm, upright. */
struct pair stock_paper(const struct stock *s);

#endif
