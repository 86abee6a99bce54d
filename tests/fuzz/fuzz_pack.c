/* Whatever stands in the file is refused, or packs again to what it was. */
#include "gateway/pack.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct again {
	struct pack pack;
	struct value v[64];
	int64_t at[64];
	size_t n, seen;
};

static bool
take(void *arg, int64_t at, const struct value *v)
{
	struct again *a = arg;

	if (a->n == 64 || !pack_add(&a->pack, at, v))
		return false;
	a->v[a->n] = *v;
	a->at[a->n++] = at;
	return true;
}

static bool
compare(void *arg, int64_t at, const struct value *v)
{
	struct again *a = arg;
	const struct value *w = &a->v[a->seen];

	if (a->seen == a->n || at != a->at[a->seen++] || v->type != w->type)
		abort();
	if (v->type == VALUE_NUM        ? num_cmp(v->num, w->num) != 0
		: v->type == VALUE_BOOL ? v->on != w->on
					: strcmp(v->text, w->text) != 0)
		abort();
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct again a = { 0 };

	(void)!unpack(data, size, 1767225600000, take, &a);
	if (a.n &&
	    unpack(a.pack.bytes.data, a.pack.bytes.len, a.pack.first, compare,
		&a) != OK)
		abort();
	if (a.seen != a.n)
		abort();
	pack_clear(&a.pack);
	return 0;
}
