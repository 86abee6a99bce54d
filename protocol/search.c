#include "protocol/search.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "protocol/jid.h"
#include "protocol/stanza.h"
#include "protocol/xmltype.h"

#include <stdlib.h>
#include <string.h>

/* The elements, by kind and type; there is no mask of numbers. */
static const char *const names[2][SEARCH_KINDS] = {
	{
	    [SEARCH_EQ] = "strEq",
	    [SEARCH_NEQ] = "strNEq",
	    [SEARCH_GT] = "strGt",
	    [SEARCH_GTEQ] = "strGtEq",
	    [SEARCH_LT] = "strLt",
	    [SEARCH_LTEQ] = "strLtEq",
	    [SEARCH_RANGE] = "strRange",
	    [SEARCH_NRANGE] = "strNRange",
	    [SEARCH_MASK] = "strMask",
	},
	{
	    [SEARCH_EQ] = "numEq",
	    [SEARCH_NEQ] = "numNEq",
	    [SEARCH_GT] = "numGt",
	    [SEARCH_GTEQ] = "numGtEq",
	    [SEARCH_LT] = "numLt",
	    [SEARCH_LTEQ] = "numLtEq",
	    [SEARCH_RANGE] = "numRange",
	    [SEARCH_NRANGE] = "numNRange",
	},
};

/* The attributes that the schema requires of each kind. */
static const struct shape {
	const char *value, *max, *wildcard; /* NULL: it has none */
} shapes[SEARCH_KINDS] = {
	[SEARCH_EQ] = { "value", NULL, NULL },
	[SEARCH_NEQ] = { "value", NULL, NULL },
	[SEARCH_GT] = { "value", NULL, NULL },
	[SEARCH_GTEQ] = { "value", NULL, NULL },
	[SEARCH_LT] = { "value", NULL, NULL },
	[SEARCH_LTEQ] = { "value", NULL, NULL },
	[SEARCH_RANGE] = { "min", "max", NULL },
	[SEARCH_NRANGE] = { "min", "max", NULL },
	[SEARCH_MASK] = { "value", NULL, "wildcard" },
};

static bool
is_ours(xmpp_stanza_t *el, const char *name)
{
	const char *is = xmpp_stanza_get_name(el);
	const char *ns = xmpp_stanza_get_ns(el);

	return is && ns && strcmp(is, name) == 0 &&
	    strcmp(ns, DISCOVERY_NS) == 0;
}

/* A child without a namespace of its own has its parent's. */
static bool
is_child(xmpp_stanza_t *el)
{
	const char *ns = xmpp_stanza_get_ns(el);

	return xmpp_stanza_get_name(el) &&
	    (!ns || strcmp(ns, DISCOVERY_NS) == 0);
}

/* Names are checked by now, and may be shown. */
static enum err
check_text(const char *name, const char *text, bool num, struct errbuf *eb)
{
	char safe[LOG_SAFE];
	double v;

	if (!text)
		return OK;
	log_safe(safe, name);
	if (!tag_is_text(text))
		return errbuf_set(eb, ERR_PROTO,
		    "search for %s: characters that XML forbids", safe);
	if (utf8_count(text) > SEARCH_TEXT_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "search for %s: more than %d characters", safe,
		    SEARCH_TEXT_MAX);
	if (num && xml_double(text, &v) != OK)
		return errbuf_set(eb, ERR_PROTO,
		    "search for %s: a value is not a number", safe);
	return OK;
}

static void
fold(char *to, const char *from)
{
	while (*from) {
		char c = *from++;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		*to++ = c;
	}
	*to = '\0';
}

enum err
search_add(struct search *s, const char *name, const struct search_op *op,
    struct errbuf *eb)
{
	struct search_op *to = &s->ops[s->n];
	enum err e;

	if (s->n == SEARCH_OPS_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "there are more than %d operators", SEARCH_OPS_MAX);
	e = tag_check(name, "", false, eb);
	if (e == OK)
		e = check_text(name, op->value, op->num, eb);
	if (e == OK)
		e = check_text(name, op->max, op->num, eb);
	if (e == OK)
		e = check_text(name, op->wildcard, false, eb);
	if (e != OK)
		return e;
	if (op->wildcard && !*op->wildcard)
		return errbuf_set(
		    eb, ERR_PROTO, "a mask has an empty wildcard");
	*to = *op;
	fold(to->name, name);
	s->n++;
	return OK;
}

static bool
find_kind(xmpp_stanza_t *el, struct search_op *out)
{
	const char *name = xmpp_stanza_get_name(el);

	for (int num = 0; num < 2; num++)
		for (int k = 0; k < SEARCH_KINDS; k++)
			if (names[num][k] && strcmp(names[num][k], name) == 0) {
				out->num = num;
				out->kind = (enum search_kind)k;
				return true;
			}
	return false;
}

/* An absent attribute that must be there sets *whole to false. */
static const char *
take(xmpp_stanza_t *el, const char *name, bool *whole)
{
	const char *text = name ? xmpp_stanza_get_attribute(el, name) : NULL;

	if (name && !text)
		*whole = false;
	return text;
}

static enum err
parse_end(xmpp_stanza_t *el, const char *name, bool *out, struct errbuf *eb)
{
	bool in = true;
	enum err e = attr_bool(el, name, &in);

	*out = !in;
	return e == OK || e == ERR_NOTFOUND
	    ? OK
	    : errbuf_set(eb, e, "%s is neither true nor false", name);
}

static enum err
parse_op(xmpp_stanza_t *el, struct search *out, struct errbuf *eb)
{
	struct search_op op = { .kind = SEARCH_EQ };
	const struct shape *shape;
	const char *name;
	bool whole = true;
	enum err e = OK;

	if (!find_kind(el, &op))
		return errbuf_set(
		    eb, ERR_PROTO, "a search has an unknown operator");
	shape = &shapes[op.kind];
	name = take(el, "name", &whole);
	op.value = take(el, shape->value, &whole);
	op.max = take(el, shape->max, &whole);
	op.wildcard = take(el, shape->wildcard, &whole);
	if (!whole)
		return errbuf_set(eb, ERR_PROTO, "%s lacks an attribute",
		    names[op.num][op.kind]);
	if (op.max)
		e = parse_end(el, "minIncluded", &op.min_out, eb);
	if (e == OK && op.max)
		e = parse_end(el, "maxIncluded", &op.max_out, eb);
	return e == OK ? search_add(out, name, &op, eb) : e;
}

static enum err
parse_ops(xmpp_stanza_t *el, struct search *out, struct errbuf *eb)
{
	xmpp_stanza_t *c;
	enum err e = OK;

	for (c = xmpp_stanza_get_children(el); c && e == OK;
	     c = xmpp_stanza_get_next(c))
		if (is_child(c))
			e = parse_op(c, out, eb);
	if (e == OK && out->n == 0)
		return errbuf_set(eb, ERR_PROTO, "a search has no operator");
	return e;
}

/* Digits of any length: what is beyond our numbers is beyond all things too. */
static enum err
parse_count(xmpp_stanza_t *el, const char *name, int64_t *out)
{
	const char *s = xmpp_stanza_get_attribute(el, name);

	*out = 0;
	if (!s)
		return ERR_NOTFOUND;
	s += *s == '+';
	if (!*s || s[strspn(s, "0123456789")])
		return ERR_PROTO;
	for (; *s && *out < INT64_MAX / 100; s++)
		*out = *out * 10 + (*s - '0');
	return OK;
}

enum err
search_parse(xmpp_stanza_t *el, struct search *out, struct errbuf *eb)
{
	enum err e;

	memset(out, 0, sizeof(*out));
	if (!is_ours(el, "search"))
		return errbuf_set(eb, ERR_UNSUP, "not a search");
	e = parse_count(el, "offset", &out->offset);
	if (e == ERR_PROTO)
		return errbuf_set(eb, e, "offset must be 0 or more");
	e = parse_count(el, "maxCount", &out->count);
	if (e == ERR_PROTO || (e == OK && out->count == 0))
		return errbuf_set(
		    eb, ERR_PROTO, "maxCount must be more than 0");
	return parse_ops(el, out, eb);
}

static void
set_count(xmpp_stanza_t *el, const char *name, int64_t value)
{
	char *text = mem_printf("%lld", (long long)value);

	xmpp_stanza_set_attribute(el, name, text);
	free(text);
}

static void
build_op(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const struct search_op *op)
{
	const struct shape *shape = &shapes[op->kind];
	xmpp_stanza_t *c = stanza_el(ctx, names[op->num][op->kind], NULL);

	xmpp_stanza_set_attribute(c, "name", op->name);
	xmpp_stanza_set_attribute(c, shape->value, op->value);
	if (shape->max)
		xmpp_stanza_set_attribute(c, shape->max, op->max);
	if (shape->wildcard)
		xmpp_stanza_set_attribute(c, shape->wildcard, op->wildcard);
	if (op->min_out)
		xmpp_stanza_set_attribute(c, "minIncluded", "false");
	if (op->max_out)
		xmpp_stanza_set_attribute(c, "maxIncluded", "false");
	stanza_add(el, c);
}

xmpp_stanza_t *
search_build(xmpp_ctx_t *ctx, const struct search *s)
{
	xmpp_stanza_t *el = stanza_el(ctx, "search", DISCOVERY_NS);

	set_count(el, "offset", s->offset);
	if (s->count > 0)
		set_count(el, "maxCount", s->count);
	for (size_t i = 0; i < s->n; i++)
		build_op(ctx, el, &s->ops[i]);
	return el;
}

static enum err
parse_address(
    xmpp_stanza_t *el, const char *name, const char **out, struct errbuf *eb)
{
	char bare[JID_SIZE];

	*out = xmpp_stanza_get_attribute(el, name);
	if (!*out || jid_bare(*out, bare) != OK)
		return errbuf_set(eb, ERR_PROTO,
		    "the %s of a found thing is not an address", name);
	return OK;
}

static enum err
parse_thing(xmpp_stanza_t *el, struct found *out, struct errbuf *eb)
{
	struct found_thing *t;
	enum err e;

	if (out->n == FOUND_MAX)
		return errbuf_set(
		    eb, ERR_RANGE, "more than %d things", FOUND_MAX);
	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	t = &out->v[out->n++];
	*t = (struct found_thing){ .node = { "", "", "" } };
	e = parse_address(el, "owner", &t->owner, eb);
	if (e == OK)
		e = parse_address(el, "jid", &t->jid, eb);
	if (e == OK)
		e = node_ref_parse(el, &t->node, eb);
	if (e == OK)
		e = discovery_parse_tags(el, &t->tags, eb);
	return e;
}

enum err
found_parse(xmpp_stanza_t *el, struct found *out, struct errbuf *eb)
{
	xmpp_stanza_t *c;
	enum err e;

	memset(out, 0, sizeof(*out));
	if (!is_ours(el, "found"))
		return errbuf_set(eb, ERR_UNSUP, "not what a search finds");
	e = attr_bool(el, "more", &out->more);
	if (e != OK && e != ERR_NOTFOUND)
		return errbuf_set(eb, e, "more is neither true nor false");
	e = OK;
	for (c = xmpp_stanza_get_children(el); c && e == OK;
	     c = xmpp_stanza_get_next(c))
		if (is_child(c) &&
		    strcmp(xmpp_stanza_get_name(c), "thing") == 0)
			e = parse_thing(c, out, eb);
	return e;
}

void
found_fini(struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		tags_fini(&f->v[i].tags);
	free(f->v);
	memset(f, 0, sizeof(*f));
}

xmpp_stanza_t *
found_build(xmpp_ctx_t *ctx, bool more)
{
	xmpp_stanza_t *el = stanza_el(ctx, "found", DISCOVERY_NS);

	xmpp_stanza_set_attribute(el, "more", more ? "true" : "false");
	return el;
}

void
found_add(xmpp_stanza_t *found, const struct found_thing *t)
{
	xmpp_ctx_t *ctx = xmpp_stanza_get_context(found);
	xmpp_stanza_t *el = stanza_el(ctx, "thing", NULL);
	struct tags shown = { 0 };

	xmpp_stanza_set_attribute(el, "owner", t->owner);
	xmpp_stanza_set_attribute(el, "jid", t->jid);
	node_ref_build(el, &t->node);
	tags_copy(&shown, &t->tags);
	tags_remove(&shown, "KEY");
	discovery_build_tags(ctx, el, &shown);
	tags_fini(&shown);
	stanza_add(found, el);
}
