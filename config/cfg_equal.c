/* What a reload compares. */
#include "config/cfg_keys.h"
#include "config/config.h"

#include <string.h>
#include <strings.h>

bool
cfg_tags_equal(
    const struct cfg_tag *a, size_t n, const struct cfg_tag *b, size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(a[i].name, b[i].name) != 0 ||
		    strcmp(a[i].value, b[i].value) != 0 || a[i].num != b[i].num)
			return false;
	return true;
}

bool
cfg_bus_equal(const struct cfg_bus *a, const struct cfg_bus *b)
{
	return strcmp(a->name, b->name) == 0 &&
	    serial_mode_equal(&a->serial, &b->serial) &&
	    keys_equal(cfg_section("bus"), a, b, false, NULL);
}

bool
cfg_node_equal(const struct cfg_node *a, const struct cfg_node *b)
{
	return strcmp(a->name_id, b->name_id) == 0 &&
	    tmpl_equal(a->tmpl, b->tmpl) &&
	    keys_equal(cfg_section("node"), a, b, false, NULL) &&
	    cfg_tags_equal(a->claim, a->n_claim, b->claim, b->n_claim) &&
	    cfg_tags_equal(a->tags, a->n_tags, b->tags, b->n_tags);
}

void
cfg_restart(const struct cfg *a, const struct cfg *b, struct buf *out)
{
	for (size_t i = 0; i < cfg_schema.n; i++) {
		const struct section *s = &cfg_schema.sections[i];
		struct section rest = *s;
		const struct key *k;

		if (s->named)
			continue;
		while (!keys_equal(&rest, (const char *)a + s->at,
		    (const char *)b + s->at, true, &k)) {
			buf_printf(out, "%s%s.%s", out->len ? ", " : "",
			    s->name, k->name);
			rest.keys = k + 1;
		}
	}
}
