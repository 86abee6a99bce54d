/* Children in an order that is asked for. */
#include "common/mem.h"
#include "gateway/browse_impl.h"
#include "gateway/portrait.h"
#include "protocol/xmltype.h"

#include <stdlib.h>
#include <string.h>

/* A spot with what it is sorted by: of each order its parameter, or NULL. */
struct row {
	struct spot spot;
	size_t at; /* before */
	const struct conc_req *req;
	struct portrait portrait;
	const struct conc_param *by[CONC_SORT_MAX];
};

static const struct conc_param *
find(const struct portrait *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->params[i].id, name) == 0 ||
		    strcmp(p->params[i].name, name) == 0)
			return &p->params[i];
	}
	return NULL;
}

static bool
is_number(const struct conc_param *p, double *out)
{
	return (p->type == CTL_INT || p->type == CTL_LONG ||
		   p->type == CTL_DOUBLE) &&
	    xml_double(p->value, out) == OK;
}

static int
compare(const struct conc_param *a, const struct conc_param *b)
{
	double x, y;

	if (is_number(a, &x) && is_number(b, &y))
		return (x > y) - (x < y);
	return strcmp(a->value, b->value);
}

/* What has no such parameter stands last, and what is alike as it stood. */
static int
order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	for (size_t i = 0; i < x->req->n_sort; i++) {
		const struct conc_param *p = x->by[i], *q = y->by[i];
		int d = p && q ? compare(p, q) : 0;

		if (!p != !q)
			return p ? -1 : 1;
		if (d)
			return x->req->sort[i].descending ? -d : d;
	}
	return (x->at > y->at) - (x->at < y->at);
}

void
browse_sort(const struct call *c, struct spots *spots)
{
	const struct portrait_wants wants = { .parameters = true };
	struct row *rows = mem_array(spots->n + 1, sizeof(*rows));

	for (size_t i = 0; i < spots->n; i++) {
		struct row *r = &rows[i];

		r->spot = spots->v[i];
		r->at = i;
		r->req = c->req;
		portrait_take(&r->portrait, &c->view, &r->spot, &wants);
		for (size_t k = 0; k < c->req->n_sort; k++)
			r->by[k] =
			    find(&r->portrait, c->req->sort[k].parameter);
	}
	qsort(rows, spots->n, sizeof(*rows), order);
	for (size_t i = 0; i < spots->n; i++) {
		spots->v[i] = rows[i].spot;
		portrait_fini(&rows[i].portrait);
	}
	free(rows);
}
