/* Commands: the nodes, their values and their tags. */
#include "common/mem.h"
#include "config/tagrule.h"
#include "config/value.h"
#include "gateway/cmd.h"
#include "gateway/meta.h"
#include "gateway/registrar.h"
#include "gateway/sticker.h"
#include "gateway/store.h"

#include <stdlib.h>
#include <string.h>

/* nodes */

static json_t *
node_json(const struct node *n)
{
	bool registered = n->thing.claim != CLAIM_NEW &&
	    n->thing.claim != CLAIM_REMOVED && n->thing.claim != CLAIM_GONE;

	json_t *o = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:b, s:I, s:o}",
	    "node", n->id, "source", n->source, "cache", n->cache, "name",
	    n->cfg->name, "template", n->cfg->tmpl->id, "bus", n->cfg->bus,
	    "address", (json_int_t)n->cfg->address, "device", node_device(n),
	    "claim", claim_name(n->thing.claim), "owner",
	    cmd_text_or_null(n->thing.owner), "registered", registered,
	    "errors", (json_int_t)n->errors, "trouble",
	    cmd_text_or_null(n->trouble));

	sticker_note(n, o);
	return o;
}

struct node_list {
	struct listing listing;
	struct node_walk walk;
	bool begun;
};

static bool
next_node(struct listing *l, struct buf *out)
{
	struct node_list *list = (struct node_list *)l;
	bool first = !list->begun;
	const struct node *n = node_walk(&list->walk);

	if (first)
		listing_open(out, json_pack("{s:i}", "schema", 1), "nodes");
	list->begun = true;
	if (!n) {
		buf_puts(out, "]}");
		return false;
	}
	if (!first)
		buf_putc(out, ',');
	listing_put(out, node_json(n));
	return true;
}

static void
free_list(struct listing *l)
{
	free(l);
}

static const struct listing_ops list_ops = { next_node, free_list };

enum err
cmd_nodes(struct call *c)
{
	const char *only = cmd_text(c, "node");
	struct node *one = only ? cmd_node(c, only) : NULL;
	struct node_list *list;

	if (only && !one)
		return c->e;
	if (one) {
		c->out.data = json_pack(
		    "{s:i, s:[o]}", "schema", 1, "nodes", node_json(one));
		return OK;
	}
	list = mem_zalloc(sizeof(*list));
	list->listing.ops = &list_ops;
	list->walk.t = &c->gw->nodes;
	c->out.listing = &list->listing;
	return OK;
}

/* read */

static const char *
quality_name(enum quality q)
{
	switch (q) {
	case QUALITY_OK:
		return "ok";
	case QUALITY_STALE:
		return "stale";
	case QUALITY_ERROR:
		return "error";
	case QUALITY_MISSING:
		break;
	}
	return "missing";
}

static const char *
type_name(enum value_type t)
{
	static const char *const names[] = { "numeric", "boolean", "string",
		"enum" };

	return names[t];
}

static const char *
kind_name(enum field_kind k)
{
	static const char *const names[] = { "momentary", "counter", "status",
		"identity", "peak" };

	return names[k];
}

json_t *
cmd_field_json(const struct reading_json *r)
{
	const struct field *f = r->f;
	char text[VALUE_TEXT_SIZE];
	json_t *o = json_pack("{s:s, s:n, s:s, s:n, s:s, s:o, s:s, s:o}",
	    "name", f->name, "value", "unit", f->unit, "type", "kind",
	    kind_name(f->kind), "at", cmd_time_or_null(r->at_utc), "quality",
	    quality_name(r->quality), "error", cmd_text_or_null(r->why));

	if (r->at_utc == 0)
		return o;
	json_object_set_new(o, "type", json_string(type_name(r->value->type)));
	if (r->quality == QUALITY_ERROR || r->quality == QUALITY_MISSING)
		return o; /* what failed shows no value */
	value_text(r->value, text);
	json_object_set_new(o, "value", json_string(text));
	return o;
}

static json_t *
field_json(const struct call *c, const struct node *n, size_t i)
{
	const struct point *p = &n->points[i];
	struct value v;
	const struct reading_json r = { &n->cfg->tmpl->fields[i], &v,
		node_quality(n, i, clock_mono(c->gw->clock)), p->why,
		p->at_utc };

	kept_get(&p->value, &v);
	return cmd_field_json(&r);
}

static enum err
no_field(struct call *c, const struct node *n, const char *name)
{
	const struct tmpl *t = n->cfg->tmpl;
	struct guess guess = { .word = name };
	char hint[96];

	for (size_t i = 0; i < t->n_fields; i++)
		guess_try(&guess, t->fields[i].name);
	return errbuf_set(c->eb, ERR_NOTFOUND,
	    "node %s has no field \"%s\"%s; thingbridge read %s lists them",
	    n->id, name, guess_hint(&guess, hint, sizeof(hint)), n->id);
}

static enum err
read_named(struct call *c, const struct node *n, const json_t *names, json_t *a)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *want = json_string_value(name);
		const struct field *f =
		    want ? tmpl_find(n->cfg->tmpl, want) : NULL;

		if (!f)
			return no_field(c, n, want ? want : "");
		json_array_append_new(
		    a, field_json(c, n, (size_t)(f - n->cfg->tmpl->fields)));
	}
	return OK;
}

enum err
cmd_read(struct call *c)
{
	const json_t *names = json_object_get(c->rq, "fields");
	struct node *n = cmd_node(c, cmd_text(c, "node"));
	enum err e = OK;
	json_t *a;

	if (!n)
		return c->e;
	a = json_array();
	if (json_array_size(names))
		e = read_named(c, n, names, a);
	else
		for (size_t i = 0; i < n->cfg->tmpl->n_fields; i++)
			json_array_append_new(a, field_json(c, n, i));
	c->out.data = json_pack(
	    "{s:i, s:s, s:o}", "schema", 1, "node", n->id, "fields", a);
	return e;
}

/* meta */

static enum err
set_one(struct call *c, struct tags *t, const json_t *tag)
{
	const char *name = json_string_value(json_object_get(tag, "name"));
	const char *value = json_string_value(json_object_get(tag, "value"));
	bool num = json_is_true(json_object_get(tag, "num"));
	struct errbuf why;

	if (!name || !value)
		return errbuf_set(c->eb, ERR_RANGE, "a tag is NAME=VALUE");
	if (strcasecmp(name, "KEY") == 0)
		return errbuf_set(c->eb, ERR_REFUSED,
		    "the KEY is made here and stands on the sticker alone; "
		    "thingbridge reset makes a new one");
	if (meta_is_claim(name))
		return errbuf_set(c->eb, ERR_REFUSED,
		    "%s belongs to the claim and stands on the sticker; set "
		    "claim.%s in the configuration and reset the node",
		    name, name);
	if (!num && value[0] && tagrule_is_number(name))
		return errbuf_set(c->eb, ERR_RANGE,
		    "%s is a number, else no search finds it; write '#%s=%s'",
		    name, name, value);
	if (tags_set(t, name, value, num && value[0], &why) != OK)
		return errbuf_set(c->eb, ERR_RANGE, "%s: %s", name, why.text);
	return OK;
}

static enum err
set_tags(struct call *c, struct node *n, const json_t *set)
{
	struct tags t = { 0 };
	enum err e = OK;
	json_t *tag;
	size_t i;

	tags_copy(&t, &n->meta);
	json_array_foreach(set, i, tag)
	{
		if (e == OK)
			e = set_one(c, &t, tag);
	}
	if (e != OK) {
		tags_fini(&t);
		return e;
	}
	tags_fini(&n->meta);
	n->meta = t;
	registrar_touch(c->gw->registrar, n);
	if (store_tags(c->gw->store, n, STORE_META) != OK)
		return errbuf_set(
		    c->eb, ERR_IO, "the state file cannot be written");
	return registrar_event(c->gw->registrar, n, THING_TAGS_CHANGED);
}

/* Where a tag comes from that the installer's tool did not set. */
static const char *
tag_source(const struct node *n, const char *name)
{
	for (size_t i = 0; i < n->n_follows; i++) {
		if (strcasecmp(n->follows[i].tag, name) == 0)
			return "field";
	}
	for (size_t i = 0; i < n->cfg->n_tags; i++) {
		if (strcasecmp(n->cfg->tags[i].name, name) == 0)
			return "config";
	}
	for (size_t i = 0; i < n->cfg->tmpl->n_tags; i++) {
		if (strcasecmp(n->cfg->tmpl->tags[i].name, name) == 0)
			return "template";
	}
	return strcmp(name, "CLASS") == 0 ? "template" : "config";
}

static json_t *
tag_json(const struct tag *g, const char *from, bool acked)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:b}", "name", g->name, "value",
	    g->value, "num", g->num, "from", from, "acknowledged", acked);
}

/* A tag beside the claim; of the installer's, also what it wins over. */
static json_t *
meta_json(const struct node *n, const struct tag *g, const struct tags *given)
{
	const struct tag *was = tags_find(&n->acked, g->name);
	const struct tag *over = tags_find(given, g->name);
	const char *source = tag_source(n, g->name);
	bool mine = tags_find(&n->meta, g->name) != NULL;
	json_t *o =
	    tag_json(g, mine ? "installer" : source, was && tag_equal(was, g));

	if (mine && over)
		json_object_set_new(o, "over",
		    json_pack(
			"{s:s, s:s}", "value", over->value, "from", source));
	return o;
}

enum err
cmd_meta(struct call *c)
{
	const json_t *set = json_object_get(c->rq, "set");
	struct tags want = { 0 }, given = { 0 };
	struct node *n = cmd_node(c, cmd_text(c, "node"));
	enum err e = OK;
	json_t *a;

	if (!n)
		return c->e;
	if (json_array_size(set))
		e = set_tags(c, n, set);
	if (e != OK)
		return e;
	a = json_array();
	for (size_t i = 0; i < n->claim.n; i++)
		json_array_append_new(a,
		    tag_json(&n->claim.v[i], "claim",
			n->thing.claim != CLAIM_NEW &&
			    n->thing.claim != CLAIM_REMOVED));
	meta_wanted(n, c->gw->cfg, &want);
	meta_given(n, c->gw->cfg, &given);
	for (size_t i = 0; i < want.n; i++)
		json_array_append_new(a, meta_json(n, &want.v[i], &given));
	tags_fini(&want);
	tags_fini(&given);
	c->out.data =
	    json_pack("{s:i, s:s, s:o}", "schema", 1, "node", n->id, "tags", a);
	return OK;
}
