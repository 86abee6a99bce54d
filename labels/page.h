/* Text on A4 pages: sizes in mm, wrapped to a width, numbered page by page. */
#ifndef LABELS_PAGE_H
#define LABELS_PAGE_H

#include "labels/code.h"
#include "labels/font.h"

#include <stdbool.h>

#define PAGE_W 210.0
#define PAGE_H 297.0
#define PAGE_LEFT 15.0
#define PAGE_WIDTH 180.0 /* of the text */
#define PAGE_TOP 16.0
#define PAGE_BOTTOM 278.0 /* where the text ends */
#define PAGE_LEAD 1.4     /* a line's height over its size */

enum ink { INK_TEXT, INK_SOFT, INK_ACCENT, INK_ALARM, INK_RULE, INK_STRIPE };

/* How a text looks. */
struct type {
	enum font_face face;
	double size;
	enum ink ink;
};

/* What stands on every page. */
struct page_frame {
	const char *notice, *head, *foot;
};

struct page {
	void *cr; /* a cairo_t */
	struct font *font;
	struct page_frame frame;
	double y;     /* where the next thing goes */
	int n;        /* the page's number */
	int of;       /* 0 while they are counted */
	int *missing; /* characters that no font has; counted with the pages */
};

/* page_next begins the next page; page_need does when less than mm are left,
 * and returns whether it did. */
void page_next(struct page *p);
bool page_need(struct page *p, double mm);

/* page_put writes a line whose baseline is at y, from x on; page_put_right one
 * that ends there. */
void page_put(
    struct page *p, const struct type *t, double x, double y, const char *text);
void page_put_right(
    struct page *p, const struct type *t, double x, double y, const char *text);
double page_width(struct page *p, const struct type *t, const char *text);

/* A text in a column: what stands before a line break as first says, what
 * follows one as rest says. */
struct block {
	const struct type *first, *rest;
	double x, w;
	bool right;
	const char *text;
};

/* page_block writes it from y on, or only measures it, and returns its height.
 * Words that are wider than the column are divided; nothing is cut. */
double page_block(struct page *p, const struct block *b, double y, bool draw);

void page_fill(
    struct page *p, enum ink ink, double x, double y, double w, double h);

/* page_code draws a QR code of side mm, with its quiet zone. */
void page_code(
    struct page *p, const struct code *c, double x, double y, double side);

#endif
