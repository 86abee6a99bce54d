#include "gateway/learned.h"

#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/store.h"

#include <stdlib.h>
#include <string.h>

void
learned_fini(struct learned *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->fields[i]);
	free(l->fields);
	memset(l, 0, sizeof(*l));
}

void
learned_add(struct learned *l, const char *field)
{
	l->fields = mem_resize(l->fields, l->n + 1, sizeof(*l->fields));
	l->fields[l->n++] = mem_strdup(field);
}

/* FNV-1a, 64 bits. */
int64_t
learned_hash(const struct tmpl *t)
{
	const char *text = t->text;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (int64_t)h;
}

void
learned_take(struct gateway *gw, struct node *n, const struct drv_event *ev)
{
	const struct tmpl *t = n->cfg->tmpl;

	learned_fini(&n->learned);
	n->learned.tmpl = learned_hash(t);
	for (size_t i = 0; i < ev->n; i++) {
		if (ev->r[i].field < t->n_fields)
			learned_add(
			    &n->learned, t->fields[ev->r[i].field].name);
	}
	store_learned(gw->store, n);
}

uint16_t *
learned_fields(const struct node *n, size_t *count)
{
	const struct tmpl *t = n->cfg->tmpl;
	uint16_t *out;

	*count = 0;
	if (n->learned.n == 0 || n->learned.tmpl != learned_hash(t))
		return NULL;
	out = mem_array(n->learned.n, sizeof(*out));
	for (size_t i = 0; i < n->learned.n; i++) {
		const struct field *f = tmpl_find(t, n->learned.fields[i]);

		if (f)
			out[(*count)++] = (uint16_t)(f - t->fields);
	}
	return out;
}
