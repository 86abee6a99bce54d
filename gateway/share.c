#include "gateway/share.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t
place_of(const struct shares *s, const char *bare)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->v[i].bare, bare) != 0)
		i++;
	return i;
}

const struct share *
shares_find(const struct shares *s, const char *bare)
{
	size_t i = place_of(s, bare);

	return i < s->n ? &s->v[i] : NULL;
}

void
shares_set(struct shares *s, const char *bare, bool control)
{
	size_t i = place_of(s, bare);

	if (i == s->n) {
		s->v = mem_grow(s->v, s->n, &s->cap, sizeof(*s->v));
		s->v[s->n++].bare = mem_strdup(bare);
	}
	s->v[i].control = control;
}

bool
shares_drop(struct shares *s, const char *bare)
{
	size_t i = place_of(s, bare);

	if (i == s->n)
		return false;
	free(s->v[i].bare);
	s->v[i] = s->v[--s->n];
	return true;
}

void
shares_fini(struct shares *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].bare);
	free(s->v);
	*s = (struct shares){ 0 };
}
