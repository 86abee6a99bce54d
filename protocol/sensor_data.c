#include "protocol/sensor_data.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "protocol/stanza.h"
#include "protocol/xmltime.h"
#include "protocol/xmltype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[SD_TYPES] = { "momentary", "peak", "status",
	"computed", "identity", "historicalSecond", "historicalMinute",
	"historicalHour", "historicalDay", "historicalWeek", "historicalMonth",
	"historicalQuarter", "historicalYear", "historicalOther" };

static const char *const quality_names[SD_QUALITIES] = { "missing",
	"inProgress", "automaticEstimate", "manualEstimate", "manualReadout",
	"automaticReadout", "timeOffset", "warning", "error", "signed",
	"invoiced", "endOfSeries", "powerFailure", "invoiceConfirmed" };

static const char *const kind_names[SD_KINDS] = { "numeric", "string",
	"boolean", "enum", "int", "long", "date", "dateTime", "duration",
	"time" };

static const char *
flag_name(const char *const *names, unsigned n, unsigned bit)
{
	for (unsigned i = 0; i < n; i++) {
		if (bit == 1u << i)
			return names[i];
	}
	return NULL;
}

const char *
sd_type_name(unsigned bit)
{
	return flag_name(type_names, SD_TYPES, bit);
}

const char *
sd_quality_name(unsigned bit)
{
	return flag_name(quality_names, SD_QUALITIES, bit);
}

const char *
sd_kind_name(enum sd_kind k)
{
	return kind_names[k];
}

static enum err
flag(xmpp_stanza_t *el, const char *name, unsigned bits, unsigned *out,
    struct errbuf *eb)
{
	bool on = false;
	enum err e = attr_bool(el, name, &on);

	if (e == ERR_NOTFOUND)
		return OK;
	if (e != OK)
		return errbuf_set(eb, e, "%s is neither true nor false", name);
	if (on)
		*out |= bits;
	return OK;
}

static enum err
flags(xmpp_stanza_t *el, const char *const *names, unsigned n, unsigned *out,
    struct errbuf *eb)
{
	enum err e = OK;

	*out = 0;
	for (unsigned i = 0; i < n && e == OK; i++)
		e = flag(el, names[i], 1u << i, out, eb);
	return e;
}

static void
build_flags(
    xmpp_stanza_t *el, const char *const *names, unsigned n, unsigned bits)
{
	for (unsigned i = 0; i < n; i++) {
		if (bits & 1u << i)
			xmpp_stanza_set_attribute(el, names[i], "true");
	}
}

enum err
sd_types_parse(xmpp_stanza_t *el, unsigned *out, struct errbuf *eb)
{
	enum err e = flags(el, type_names, SD_TYPES, out, eb);

	if (e == OK)
		e = flag(el, "historical", SD_HISTORICAL, out, eb);
	return e == OK ? flag(el, "all", SD_ALL, out, eb) : e;
}

void
sd_types_build(xmpp_stanza_t *el, unsigned types)
{
	if (types == SD_ALL) {
		xmpp_stanza_set_attribute(el, "all", "true");
		return;
	}
	if ((types & SD_HISTORICAL) == SD_HISTORICAL) {
		xmpp_stanza_set_attribute(el, "historical", "true");
		types &= ~(unsigned)SD_HISTORICAL;
	}
	build_flags(el, type_names, SD_TYPES, types);
}

enum err
names_parse(
    xmpp_stanza_t *el, const char *child, struct names *out, struct errbuf *eb)
{
	const char *ns = xmpp_stanza_get_ns(el);
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);

	for (; (c = child_next(c, child, ns ? ns : ""));
	     c = xmpp_stanza_get_next(c)) {
		const char *name = attr_text(c, "name");

		if (!*name)
			return errbuf_set(
			    eb, ERR_PROTO, "a %s has no name", child);
		if (out->n == SD_NAMES_MAX || utf8_count(name) > SD_NAME_MAX)
			return errbuf_set(eb, ERR_RANGE,
			    "more than %d of %s, or a name of more than %d "
			    "characters",
			    SD_NAMES_MAX, child, SD_NAME_MAX);
		names_add(out, name);
	}
	return OK;
}

void
names_add(struct names *t, const char *name)
{
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = name;
}

bool
names_has(const struct names *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->v[i], name) == 0)
			return true;
	}
	return false;
}

void
names_build(xmpp_ctx_t *ctx, xmpp_stanza_t *el, const char *child,
    const struct names *t)
{
	for (size_t i = 0; i < t->n; i++) {
		xmpp_stanza_t *c = stanza_el(ctx, child, NULL);

		xmpp_stanza_set_attribute(c, "name", t->v[i]);
		stanza_add(el, c);
	}
}

void
names_fini(struct names *t)
{
	free(t->v);
	*t = (struct names){ 0 };
}

enum err
sd_seqnr(xmpp_stanza_t *el, int32_t *out)
{
	return attr_int(el, "seqnr", out) == OK ? OK : ERR_PROTO;
}

static enum err
time_attr(xmpp_stanza_t *el, const char *name, bool *has, int64_t *out,
    struct errbuf *eb)
{
	const char *text = xmpp_stanza_get_attribute(el, name);

	*has = text != NULL;
	if (text && xml_datetime(text, out) != OK)
		return errbuf_set(eb, ERR_PROTO,
		    "%s is no time (2026-01-31T12:00:00Z)", name);
	return OK;
}

static enum err
req_times(xmpp_stanza_t *el, struct sd_req *r, struct errbuf *eb)
{
	enum err e = time_attr(el, "from", &r->has_from, &r->from, eb);

	if (e == OK)
		e = time_attr(el, "to", &r->has_to, &r->to, eb);
	if (e == OK)
		e = time_attr(el, "when", &r->has_when, &r->when, eb);
	if (e == OK && r->has_from && r->has_to && r->to < r->from)
		return errbuf_set(eb, ERR_PROTO, "to is before from");
	return e;
}

enum err
sd_req_parse(xmpp_stanza_t *el, struct sd_req *out, struct errbuf *eb)
{
	enum err e;

	memset(out, 0, sizeof(*out));
	tokens_parse(el, &out->tokens);
	if (sd_seqnr(el, &out->seqnr) != OK)
		return errbuf_set(eb, ERR_PROTO, "seqnr is no number");
	e = sd_types_parse(el, &out->types, eb);
	if (e == OK)
		e = req_times(el, out, eb);
	if (e == OK)
		e = node_refs_parse(el, &out->nodes, eb);
	return e == OK ? names_parse(el, "field", &out->fields, eb) : e;
}

void
sd_req_fini(struct sd_req *r)
{
	node_refs_fini(&r->nodes);
	names_fini(&r->fields);
}

static void
set_int(xmpp_stanza_t *el, const char *name, int32_t v)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", v);
	xmpp_stanza_set_attribute(el, name, text);
}

static void
set_time(xmpp_stanza_t *el, const char *name, bool has, int64_t utc_ms)
{
	char text[CLOCK_TEXT];

	if (!has)
		return;
	clock_format(utc_ms, text);
	xmpp_stanza_set_attribute(el, name, text);
}

xmpp_stanza_t *
sd_simple(xmpp_ctx_t *ctx, const char *name, int32_t seqnr)
{
	xmpp_stanza_t *el = stanza_el(ctx, name, SENSOR_NS);

	set_int(el, "seqnr", seqnr);
	return el;
}

xmpp_stanza_t *
sd_accepted(xmpp_ctx_t *ctx, int32_t seqnr, bool queued)
{
	xmpp_stanza_t *el = sd_simple(ctx, "accepted", seqnr);

	if (queued)
		xmpp_stanza_set_attribute(el, "queued", "true");
	return el;
}

xmpp_stanza_t *
sd_req_build(xmpp_ctx_t *ctx, const struct sd_req *r)
{
	xmpp_stanza_t *el = sd_simple(ctx, "req", r->seqnr);

	sd_types_build(el, r->types);
	set_time(el, "from", r->has_from, r->from);
	set_time(el, "to", r->has_to, r->to);
	set_time(el, "when", r->has_when, r->when);
	tokens_build(el, &r->tokens);
	node_refs_build(ctx, el, r->nodes.v, r->nodes.n);
	names_build(ctx, el, "field", &r->fields);
	return el;
}

static xmpp_stanza_t *
value_el(xmpp_ctx_t *ctx, const struct sd_value *v)
{
	xmpp_stanza_t *el = stanza_el(ctx, kind_names[v->kind], NULL);

	xmpp_stanza_set_attribute(el, "name", v->name);
	xmpp_stanza_set_attribute(el, "value", v->value);
	if (v->kind == SD_NUMERIC) /* the schema demands it */
		xmpp_stanza_set_attribute(el, "unit", v->unit ? v->unit : "");
	if (v->kind == SD_ENUM)
		xmpp_stanza_set_attribute(
		    el, "dataType", v->data_type ? v->data_type : "");
	build_flags(el, type_names, SD_TYPES, v->types);
	build_flags(el, quality_names, SD_QUALITIES, v->qualities);
	if (v->has_writable)
		xmpp_stanza_set_attribute(
		    el, "writable", v->writable ? "true" : "false");
	return el;
}

/* Markup may need six bytes for one. */
static size_t
escaped(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += strchr("<>&\"'", *s) ? 6 : 1;
	return n;
}

static size_t
value_size(const struct sd_value *v)
{
	size_t n = 48 + escaped(v->name) + escaped(v->value) +
	    escaped(v->unit) + escaped(v->data_type);

	for (unsigned bits = v->types; bits; bits &= bits - 1)
		n += 26;
	for (unsigned bits = v->qualities; bits; bits &= bits - 1)
		n += 26;
	return n + (v->has_writable ? 18 : 0);
}

static size_t
ref_size(const struct node_ref *ref)
{
	return 64 + escaped(ref->node) + escaped(ref->source) +
	    escaped(ref->cache);
}

bool
sd_put(struct sd_writer *w, const struct node_ref *ref, int64_t utc_ms,
    const struct sd_value *v)
{
	if (!w->fields) {
		w->fields = sd_simple(w->ctx, "fields", w->seqnr);
		w->size = 256; /* the message around it */
	}
	if (!w->node || !node_ref_same(&w->ref, ref)) {
		w->node = stanza_el(w->ctx, "node", NULL);
		node_ref_build(w->node, ref);
		stanza_add(w->fields, w->node);
		w->ref = *ref;
		w->stamp = NULL;
		w->size += ref_size(ref);
	}
	if (!w->stamp || w->at != utc_ms) {
		w->stamp = stanza_el(w->ctx, "timestamp", NULL);
		set_time(w->stamp, "value", true, utc_ms);
		stanza_add(w->node, w->stamp);
		w->at = utc_ms;
		w->size += 64;
	}
	stanza_add(w->stamp, value_el(w->ctx, v));
	w->size += value_size(v);
	return w->size >= SD_CHUNK;
}

xmpp_stanza_t *
sd_take(struct sd_writer *w, bool last)
{
	xmpp_stanza_t *el = w->fields;

	if (!el && last)
		el = sd_simple(w->ctx, "fields", w->seqnr);
	if (el && last)
		xmpp_stanza_set_attribute(el, "done", "true");
	w->fields = w->node = w->stamp = NULL;
	return el;
}

void
sd_drop(struct sd_writer *w)
{
	if (w->fields)
		xmpp_stanza_release(w->fields);
	w->fields = w->node = w->stamp = NULL;
}

xmpp_stanza_t *
sd_failure(xmpp_ctx_t *ctx, int32_t seqnr, const struct node_ref *ref,
    int64_t utc_ms, const char *text, bool last)
{
	xmpp_stanza_t *el = sd_simple(ctx, "failure", seqnr);
	xmpp_stanza_t *error = stanza_el(ctx, "error", NULL);

	if (last)
		xmpp_stanza_set_attribute(el, "done", "true");
	node_ref_build(error, ref);
	set_time(error, "timestamp", true, utc_ms);
	stanza_add_text(ctx, error, text);
	stanza_add(el, error);
	return el;
}

static bool
find_kind(const char *name, enum sd_kind *out)
{
	for (unsigned i = 0; i < SD_KINDS; i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*out = (enum sd_kind)i;
			return true;
		}
	}
	return false;
}

static void
read_value(xmpp_stanza_t *el, const struct node_ref *ref, int64_t at,
    const struct sd_reader *to)
{
	struct sd_value v = { 0 };

	if (!find_kind(xmpp_stanza_get_name(el), &v.kind) ||
	    flags(el, type_names, SD_TYPES, &v.types, NULL) != OK ||
	    flags(el, quality_names, SD_QUALITIES, &v.qualities, NULL) != OK)
		return;
	v.name = attr_text(el, "name");
	v.value = attr_text(el, "value");
	v.unit = attr_text(el, "unit");
	v.data_type = attr_text(el, "dataType");
	v.has_writable = attr_bool(el, "writable", &v.writable) == OK;
	if (*v.name)
		to->value(to->arg, ref, at, &v);
}

static void
read_node(
    xmpp_stanza_t *node, const struct node_ref *ref, const struct sd_reader *to)
{
	xmpp_stanza_t *t = xmpp_stanza_get_children(node);

	for (; (t = child_next(t, "timestamp", SENSOR_NS));
	     t = xmpp_stanza_get_next(t)) {
		xmpp_stanza_t *c = xmpp_stanza_get_children(t);
		int64_t at;

		if (xml_datetime(attr_text(t, "value"), &at) != OK)
			continue;
		for (; (c = child_next(c, NULL, SENSOR_NS));
		     c = xmpp_stanza_get_next(c))
			read_value(c, ref, at, to);
	}
}

static void
read_error(
    xmpp_stanza_t *el, const struct node_ref *ref, const struct sd_reader *to)
{
	char *text = stanza_text(el);

	to->error(to->arg, ref, text);
	free(text);
}

enum err
sd_each(
    xmpp_stanza_t *el, const struct sd_reader *to, int32_t *seqnr, bool *done)
{
	const char *name = xmpp_stanza_get_name(el);
	xmpp_stanza_t *c = xmpp_stanza_get_children(el);
	bool failure = name && strcmp(name, "failure") == 0;
	struct node_ref ref;

	*done = name && strcmp(name, "done") == 0;
	if (!name || (!failure && !*done && strcmp(name, "fields") != 0))
		return ERR_UNSUP;
	if (sd_seqnr(el, seqnr) != OK)
		return ERR_PROTO;
	if (attr_bool(el, "done", done) == ERR_PROTO)
		return ERR_PROTO;
	for (; (c = child_next(c, failure ? "error" : "node", SENSOR_NS));
	     c = xmpp_stanza_get_next(c)) {
		if (node_ref_parse(c, &ref, NULL) != OK)
			continue;
		if (failure)
			read_error(c, &ref, to);
		else
			read_node(c, &ref, to);
	}
	return OK;
}
