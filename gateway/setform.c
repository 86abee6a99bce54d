#include "gateway/setform.h"

#include "common/mem.h"
#include "gateway/parameter.h"
#include "gateway/setting.h"

#include <stdlib.h>
#include <string.h>

static bool
find_now(const struct node *n, const struct control *k, int64_t mono,
    char now[VALUE_TEXT_SIZE])
{
	return setting_old(n, k, now) &&
	    node_quality(n, (size_t)k->field, mono) == QUALITY_OK;
}

/* Whether all nodes have it; now is its value when that is one and the same. */
static bool
find_common(const struct node *const *nodes, size_t n, const struct control *k,
    int64_t mono, char now[VALUE_TEXT_SIZE])
{
	bool known = find_now(nodes[0], k, mono, now);
	char other[VALUE_TEXT_SIZE];

	for (size_t i = 1; i < n; i++) {
		const struct control *o =
		    tmpl_find_control(nodes[i]->cfg->tmpl, k->f.name);

		if (!o || !param_alike(k, o))
			return false;
		known = known && find_now(nodes[i], o, mono, other) &&
		    strcmp(now, other) == 0;
	}
	if (!known)
		now[0] = '\0';
	return true;
}

xmpp_stanza_t *
setform_new(xmpp_ctx_t *ctx, const struct node *const *nodes, size_t n,
    const struct names *allowed, int64_t mono)
{
	const struct tmpl *t = nodes[0]->cfg->tmpl;
	char *title =
	    n == 1 ? mem_strdup(nodes[0]->id) : mem_printf("%zu nodes", n);
	xmpp_stanza_t *x = form_new(ctx, "form", title);
	char now[VALUE_TEXT_SIZE];
	size_t put = 0;

	free(title);
	for (size_t i = 0; i < t->n_controls; i++) {
		const struct control *k = &t->controls[i];

		if (!names_has(allowed, k->f.name) ||
		    !find_common(nodes, n, k, mono, now))
			continue;
		param_form(ctx, x, k, *now ? now : NULL);
		put++;
	}
	if (put > 0)
		return x;
	xmpp_stanza_release(x);
	return NULL;
}
