#include "gateway/addressed.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

/* A reference with a nodeId alone. */
struct bare {
	const struct node_ref *ref;
	bool found;
};

struct found {
	struct node **v;
	size_t n, cap;
};

static void
add(struct found *f, struct node *n)
{
	f->v = mem_grow(f->v, f->n, &f->cap, sizeof(struct node *));
	f->v[f->n++] = n;
}

static int
by_id(const void *a, const void *b)
{
	const struct bare *x = a, *y = b;

	return strcmp(x->ref->node, y->ref->node);
}

static int
by_handle(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a;
	const struct node *y = *(struct node *const *)b;

	return (x->handle > y->handle) - (x->handle < y->handle);
}

/* Sorts the references and leaves one of each; returns how many. */
static size_t
sort_bare(struct bare *v, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_id);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || by_id(&v[kept - 1], &v[i]) != 0)
			v[kept++] = v[i];
	}
	return kept;
}

/* One look at the table for all of them, since a peer may name a thousand.
 * Returns one that nothing has, or NULL. */
static const struct node_ref *
add_bare(const struct nodes *t, struct bare *v, size_t n, struct found *out)
{
	n = sort_bare(v, n);
	for (size_t i = 0; n && i < t->n; i++) {
		const struct node_ref id = { t->v[i]->id, "", "" };
		const struct bare key = { .ref = &id };
		struct bare *b = bsearch(&key, v, n, sizeof(*v), by_id);

		if (!b || !t->v[i]->cfg)
			continue;
		b->found = true;
		add(out, t->v[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (!v[i].found)
			return v[i].ref;
	}
	return NULL;
}

static void
sort_nodes(struct found *f)
{
	size_t kept = 0;

	if (f->n)
		qsort(f->v, f->n, sizeof(struct node *), by_handle);
	for (size_t i = 0; i < f->n; i++) {
		if (kept == 0 || f->v[kept - 1] != f->v[i])
			f->v[kept++] = f->v[i];
	}
	f->n = kept;
}

enum err
addressed_nodes(const struct nodes *t, const struct node_refs *refs,
    struct node ***out, size_t *n, const struct node_ref **missing)
{
	struct bare *bare = mem_array(refs->n, sizeof(*bare));
	struct found f = { 0 };
	size_t n_bare = 0;

	*missing = NULL;
	for (size_t i = 0; i < refs->n && !*missing; i++) {
		const struct node_ref *ref = &refs->v[i];
		struct node *node = nodes_by_ref(t, ref);

		if (node && node->cfg)
			add(&f, node);
		else if (!*ref->source && !*ref->cache)
			bare[n_bare++] = (struct bare){ ref, false };
		else
			*missing = ref;
	}
	if (!*missing)
		*missing = add_bare(t, bare, n_bare, &f);
	free(bare);
	sort_nodes(&f);
	*out = f.v;
	*n = f.n;
	return *missing ? ERR_NOTFOUND : OK;
}
