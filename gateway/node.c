#include "gateway/node.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "gateway/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WRONG_POLLS = 3,
	WRONG_MIN = 2,   /* fields */
	WRONG_SHARE = 4, /* one of so many */
	TROUBLE_SIZE = 1024,
	BUCKETS_FIRST = 64,
};

/* FNV-1a, over the ends of the three texts too. */
static uint32_t
hash_of(const struct node_ref *ref)
{
	const char *const texts[] = { ref->node, ref->source, ref->cache };
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < 3; i++) {
		for (const char *p = texts[i]; *p; p++)
			h = (h ^ (unsigned char)*p) * 16777619u;
		h *= 16777619u;
	}
	return h;
}

uint32_t
node_hash(const struct node *n)
{
	const struct node_ref ref = node_ref_of(n);

	return hash_of(&ref);
}

static struct node **
bucket_of(const struct nodes *t, uint32_t hash)
{
	return &t->bucket[hash & (t->n_buckets - 1)];
}

static void
index_add(struct nodes *t, struct node *n)
{
	struct node **b = bucket_of(t, node_hash(n));

	n->chain = *b;
	*b = n;
}

static void
index_remove(struct nodes *t, const struct node *n)
{
	struct node **link = bucket_of(t, node_hash(n));

	while (*link != n)
		link = &(*link)->chain;
	*link = n->chain;
}

/* Makes room for one more than there are. */
static void
index_grow(struct nodes *t)
{
	if (t->n < t->n_buckets)
		return;
	t->n_buckets = t->n_buckets ? t->n_buckets * 2 : BUCKETS_FIRST;
	free(t->bucket);
	t->bucket = mem_array(t->n_buckets, sizeof(struct node *));
	for (size_t i = 0; i < t->n; i++)
		index_add(t, t->v[i]);
}

struct node *
nodes_add(struct nodes *t, const struct node_ref *ref)
{
	struct node *n = mem_zalloc(sizeof(*n));

	n->handle = ++t->next_handle;
	n->id = mem_strdup(ref->node);
	n->source = mem_strdup(ref->source);
	n->cache = mem_strdup(ref->cache);
	index_grow(t);
	index_add(t, n);
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = n;
	return n;
}

static void
set_points(struct node *n, size_t count)
{
	for (size_t i = 0; i < n->n_points; i++)
		kept_set(&n->points[i].value, NULL);
	free(n->points);
	n->points = count ? mem_array(count, sizeof(*n->points)) : NULL;
	n->n_points = count;
}

static void
node_free(struct node *n)
{
	explicit_bzero(n->key, sizeof(n->key));
	tags_fini(&n->claim);
	tags_fini(&n->acked);
	tags_fini(&n->meta);
	learned_fini(&n->learned);
	shares_fini(&n->shares);
	keeper_unbind(n);
	set_points(n, 0);
	free(n->trouble);
	free(n->follows);
	free(n->id);
	free(n->source);
	free(n->cache);
	free(n);
}

void
nodes_remove(struct nodes *t, struct node *n)
{
	size_t i = 0;

	while (t->v[i] != n)
		i++;
	index_remove(t, n);
	t->n--;
	memmove(t->v + i, t->v + i + 1, (t->n - i) * sizeof(*t->v));
	node_free(n);
}

void
nodes_fini(struct nodes *t)
{
	for (size_t i = 0; i < t->n; i++)
		node_free(t->v[i]);
	free(t->v);
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

struct node *
nodes_by_ref(const struct nodes *t, const struct node_ref *ref)
{
	struct node *n = t->n ? *bucket_of(t, hash_of(ref)) : NULL;

	while (n &&
	    (strcmp(n->id, ref->node) != 0 ||
		strcmp(n->source, ref->source) != 0 ||
		strcmp(n->cache, ref->cache) != 0))
		n = n->chain;
	return n;
}

/* Handles only grow, and the table keeps the order in which they were given. */
struct node *
nodes_by_handle(const struct nodes *t, uint32_t handle)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->v[mid]->handle == handle)
			return t->v[mid];
		if (t->v[mid]->handle < handle)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

enum err
nodes_by_id(const struct nodes *t, const char *id, struct node **out)
{
	*out = NULL;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->v[i]->cfg || strcmp(t->v[i]->id, id) != 0)
			continue;
		if (*out)
			return ERR_BUSY;
		*out = t->v[i];
	}
	return *out ? OK : ERR_NOTFOUND;
}

struct node_ref
node_ref_of(const struct node *n)
{
	return (struct node_ref){ n->id, n->source, n->cache };
}

static int
field_index(const struct tmpl *t, const char *name)
{
	const struct field *f = tmpl_find(t, name);

	return f ? (int)(f - t->fields) : -1;
}

/* Collects the "@field" tags of one list. */
static void
add_follows(struct node *n, const struct cfg_tag *tags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct follow *f;

		if (tags[i].value[0] != '@')
			continue;
		n->follows = mem_resize(
		    n->follows, n->n_follows + 1, sizeof(*n->follows));
		f = &n->follows[n->n_follows++];
		memset(f, 0, sizeof(*f));
		f->tag = tags[i].name;
		f->num = tags[i].num;
		f->field = field_index(n->cfg->tmpl, tags[i].value + 1);
	}
}

static struct cfg_node
polled_part(const struct cfg_node *section, const struct cfg_node *other)
{
	struct cfg_node n = *section;

	n.name = other->name;
	n.self_owned = other->self_owned;
	n.tags = n.claim = NULL;
	n.n_tags = n.n_claim = 0;
	return n;
}

bool
node_polled_alike(const struct cfg_node *a, const struct cfg_node *b)
{
	struct cfg_node x = polled_part(a, a), y = polled_part(b, a);

	return cfg_node_equal(&x, &y);
}

void
node_configure(struct node *n, const struct cfg_node *cfg)
{
	/* On another line another device may answer. */
	bool same = n->cfg && cfg && node_polled_alike(n->cfg, cfg) &&
	    cfg_bus_equal(n->cfg->on, cfg->on);

	keeper_unbind(n);
	n->cfg = cfg;
	free(n->follows);
	n->follows = NULL;
	n->n_follows = 0;
	if (!same) {
		set_points(n, cfg ? cfg->tmpl->n_fields : 0);
		n->changed = true;
		n->device = UNIT_UNKNOWN;
		memset(&n->counters, 0, sizeof(n->counters));
		node_unwell(n, "");
		n->once_done = false;
	}
	if (!cfg)
		return;
	add_follows(n, cfg->tags, cfg->n_tags);
}

void
node_read(struct node *n, const struct drv_event *ev)
{
	for (size_t i = 0; i < ev->n; i++) {
		struct reading r;
		struct point *p;

		drv_event_reading(ev, i, &r);
		if (r.field >= n->n_points)
			continue;
		p = &n->points[r.field];
		p->tried_mono = ev->mono_ms;
		p->quality = r.quality;
		p->why = r.why;
		if (!r.impossible)
			p->wrong = 0;
		else if (p->wrong < WRONG_POLLS)
			p->wrong++;
		if (r.quality == QUALITY_ERROR)
			n->errors++;
		if (r.quality != QUALITY_OK)
			continue;
		kept_set(&p->value, &r.value);
		p->at_mono = ev->mono_ms;
		p->at_utc = ev->utc_ms;
	}
}

void
node_unwell(struct node *n, const char *text)
{
	char clean[TROUBLE_SIZE];

	free(n->trouble);
	n->trouble = NULL;
	if (!*text)
		return;
	utf8_sanitize(text, strlen(text), clean, sizeof(clean));
	n->trouble = mem_strdup(clean);
}

size_t
node_wrong(const struct node *n, size_t *of, size_t *first)
{
	size_t wrong = 0;

	*of = *first = 0;
	for (size_t i = 0; i < n->n_points; i++) {
		const struct point *p = &n->points[i];

		if (p->wrong == WRONG_POLLS && wrong++ == 0)
			*first = i;
		*of += p->wrong || p->quality == QUALITY_OK;
	}
	return wrong >= WRONG_MIN && wrong * WRONG_SHARE >= *of ? wrong : 0;
}

/* A value may be three polls old before it is called stale; one that is read
 * once, or sent unasked, until its device is silent. */
bool
node_current(const struct node *n, size_t field, int64_t mono)
{
	const struct point *p = &n->points[field];
	const struct field *f = &n->cfg->tmpl->fields[field];
	int64_t age = f->max_age_ms;

	if (n->device == UNIT_OFFLINE || p->tried_mono == 0)
		return false;
	if (age == 0)
		age = 3 * tmpl_poll_ms(n->cfg->tmpl, f, n->cfg->poll_ms);
	return age == 0 || mono - p->tried_mono <= age;
}

enum quality
node_quality(const struct node *n, size_t field, int64_t mono)
{
	const struct point *p = &n->points[field];

	if (p->quality != QUALITY_OK)
		return p->quality;
	return node_current(n, field, mono) ? QUALITY_OK : QUALITY_STALE;
}

void
value_text(const struct value *v, char out[VALUE_TEXT_SIZE])
{
	char num[NUM_TEXT];
	const char *s = v->text;

	if (v->type == VALUE_NUM) {
		num_format(v->num, num);
		s = num;
	} else if (v->type == VALUE_BOOL) {
		s = v->on ? "true" : "false";
	}
	snprintf(out, VALUE_TEXT_SIZE, "%s", s);
}

void
point_text(const struct node *n, size_t field, char out[VALUE_TEXT_SIZE])
{
	struct value v;

	kept_get(&n->points[field].value, &v);
	value_text(&v, out);
}

const char *
node_sticker(const struct node *n)
{
	bool open =
	    n->thing.claim == CLAIM_NEW || n->thing.claim == CLAIM_UNCLAIMED;

	if (n->printed_gen == 0)
		return "none";
	if (!open)
		return "void";
	return n->printed_gen == n->key_gen ? "printed" : "stale";
}

const char *
node_device(const struct node *n)
{
	if (n->cfg && !n->cfg->enabled)
		return "disabled";
	switch (n->device) {
	case UNIT_ONLINE:
		return "online";
	case UNIT_SUSPECT:
		return "suspect";
	case UNIT_OFFLINE:
		return "offline";
	case UNIT_UNKNOWN:
		break;
	}
	return "unknown";
}
