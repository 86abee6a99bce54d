/* Units: who answers on a bus must be known. */
#include "config/load.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

static int
compare_units(const void *a, const void *b)
{
	const struct cfg_node *x = *(const struct cfg_node *const *)a;
	const struct cfg_node *y = *(const struct cfg_node *const *)b;

	if (x->on != y->on)
		return (x->on > y->on) - (x->on < y->on);
	if (x->tmpl->kind != y->tmpl->kind)
		return (x->tmpl->kind > y->tmpl->kind) -
		    (x->tmpl->kind < y->tmpl->kind);
	if (x->address != y->address)
		return (x->address > y->address) - (x->address < y->address);
	return (x > y) - (x < y);
}

/* A unit before v[i] on its bus whose answers could pass for those of v[i], or
 * NULL.  v is sorted by compare_units. */
static const struct cfg_node *
double_of(const struct cfg_node *const *v, size_t i)
{
	const struct cfg_node *n = v[i];

	if (i > 0 && v[i - 1]->on == n->on &&
	    v[i - 1]->tmpl->kind == n->tmpl->kind &&
	    v[i - 1]->address == n->address)
		return v[i - 1];
	if (n->tmpl->kind != TMPL_TEXT || tmpl_tells_address(n->tmpl))
		return NULL;
	while (i-- > 0 && v[i]->on == n->on)
		if (strcmp(v[i]->tmpl->id, n->tmpl->id) == 0)
			return v[i];
	return NULL;
}

static void
same_unit(
    struct load *l, const struct cfg_node *first, const struct cfg_node *second)
{
	const struct ini_section *s = l->node_at[second - l->c->nodes];
	const struct ini_item *i = load_good(s, "address");

	if (first->address != second->address)
		note_error(&l->notes, ini_place(s, ini_find(s, "template")),
		    "answers of %s do not tell who they are from (its match "
		    "has no {address}), and [node %s] is on [bus %s] too",
		    second->tmpl->id, first->name_id, second->bus);
	else if (!i && second->tmpl->kind == TMPL_TEXT)
		note_error(&l->notes, ini_place(s, ini_find(s, "bus")),
		    "a device without an address is alone on its bus, and "
		    "[node %s] is there",
		    first->name_id);
	else
		note_error(&l->notes, ini_place(s, i),
		    "address %lld on [bus %s] is that of [node %s] already",
		    (long long)second->address, second->bus, first->name_id);
}

/* A node that is not enabled may wait for its turn at an address. */
void
load_check_units(struct load *l)
{
	const struct cfg_node **v =
	    mem_array(l->c->n_nodes + 1, sizeof(const struct cfg_node *));
	size_t n = 0;

	for (size_t i = 0; i < l->c->n_nodes; i++) {
		const struct ini_item *a = ini_find(l->node_at[i], "address");
		const struct cfg_node *node = &l->c->nodes[i];

		if (node->on && node->tmpl && node->enabled && !(a && a->bad) &&
		    !l->node_at[i]->bad && node->address != NO_ADDRESS)
			v[n++] = node;
	}
	qsort(v, n, sizeof(*v), compare_units);
	for (size_t i = 1; i < n; i++) {
		const struct cfg_node *first = double_of(v, i);

		if (first)
			same_unit(l, first, v[i]);
	}
	free(v);
}
