/* The catalog of a PDF, written again with one entry more. */
#include "labels/pdf.h"

#include "common/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What an update needs of the document before it. */
struct trailer {
	long xref, root, info, size;
};

/* number reads the one behind name, after the place at. */
static bool
number(const char *at, const char *name, long *out)
{
	const char *p = strstr(at, name);
	char *end;

	if (!p)
		return false;
	p += strlen(name);
	*out = strtol(p, &end, 10);
	return end != p && *out >= 0;
}

/* The trailer, at the end, is text without a NUL. */
static bool
read_trailer(const struct buf *pdf, struct trailer *t)
{
	enum { TAIL = 200 };
	const char *tail = pdf->len < TAIL ? NULL : pdf->data + pdf->len - TAIL;
	const char *at = NULL;

	for (const char *p = tail; p && !at && *p != '\0'; p++)
		if (strncmp(p, "trailer\n", 8) == 0)
			at = p;
	return at && number(at, "/Root ", &t->root) &&
	    number(at, "/Info ", &t->info) && number(at, "/Size ", &t->size) &&
	    number(at, "startxref\n", &t->xref) && (size_t)t->xref < pdf->len &&
	    t->root < t->size;
}

/* catalog returns where that object is, and the length of it up to its last
 * ">>"; NULL when it is not there. */
static const char *
catalog(const struct buf *pdf, const struct trailer *t, size_t *len)
{
	enum { ENTRY = 20 }; /* bytes of a line in the table of references */
	const char *table = strstr(pdf->data + t->xref, "0000000000 65535 f");
	const char *p, *end;
	long at;

	if (!table || (size_t)t->root * ENTRY > strlen(table))
		return NULL;
	at = strtol(table + t->root * ENTRY, NULL, 10);
	if (at <= 0 || (size_t)at >= pdf->len)
		return NULL;
	p = pdf->data + at;
	end = strstr(p, ">>\nendobj");
	if (!end || strtol(p, NULL, 10) != t->root)
		return NULL;
	*len = (size_t)(end - p);
	return p;
}

enum err
pdf_unscaled(struct buf *pdf)
{
	struct trailer t;
	size_t len, object, table;
	const char *root;
	char *copy;

	if (!read_trailer(pdf, &t))
		return ERR_PROTO;
	root = catalog(pdf, &t, &len);
	if (!root)
		return ERR_PROTO;
	copy = mem_strndup(root, len);
	object = pdf->len;
	buf_printf(pdf,
	    "%s   /ViewerPreferences << /PrintScaling /None >>\n"
	    ">>\nendobj\n",
	    copy);
	free(copy);
	table = pdf->len;
	buf_printf(pdf,
	    "xref\n%ld 1\n%010zu 00000 n \n"
	    "trailer\n<< /Size %ld\n   /Root %ld 0 R\n   /Info %ld 0 R\n"
	    "   /Prev %ld\n>>\nstartxref\n%zu\n%%%%EOF\n",
	    t.root, object, t.size, t.root, t.info, t.xref, table);
	return OK;
}
