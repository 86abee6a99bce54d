#include "protocol/iotdisco.h"

#include "common/mem.h"
#include "common/num.h"
#include "protocol/jid.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "IoTDisco" /* and ';', or ':' in the URI form */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Names get the same escapes as values: XEP-0347 forbids no ';' in a name. */
static void
put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == ';' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
}

void
iotdisco_encode(const struct tags *t, struct buf *out)
{
	buf_puts(out, PREFIX);
	for (size_t i = 0; i < t->n; i++) {
		buf_puts(out, t->v[i].num ? ";#" : ";");
		put_escaped(out, t->v[i].name);
		buf_putc(out, ':');
		put_escaped(out, t->v[i].value);
	}
	/* A blank at the end would be taken for one around the text. */
	if (out->len && is_blank(out->data[out->len - 1]))
		buf_putc(out, ';');
}

/* All but what a URI and this form let pass (RFC 3986 2.3). */
static void
put_percent(struct buf *out, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
				    "klmnopqrstuvwxyz0123456789-._:@/,";

	for (; *s; s++) {
		if (strchr(plain, *s))
			buf_putc(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned char)*s);
	}
}

/* Of the URI form: it has a JID instead of a KEY. */
static bool
points_to_thing(const struct tags *t)
{
	return tags_find(t, "JID") && !tags_find(t, "KEY");
}

enum err
iotdisco_encode_uri(const struct tags *t, const char *registry, struct buf *out)
{
	const struct tag *r = tags_find(t, "R");

	if ((r && !r->num) || points_to_thing(t))
		return ERR_UNSUP;
	buf_puts(out, "iotdisco:");
	for (size_t i = 0; i < t->n; i++) {
		if (i)
			buf_putc(out, ';');
		if (t->v[i].num)
			buf_putc(out, '#');
		put_percent(out, t->v[i].name);
		buf_putc(out, '=');
		put_percent(out, t->v[i].value);
	}
	if (registry) {
		buf_puts(out, t->n ? ";R=" : "R=");
		put_percent(out, registry);
	}
	return OK;
}

struct reader {
	const char *at, *end;
	bool uri;       /* = for :, percent escapes, R apart */
	size_t segment; /* from 1, for people */
	struct buf name, value;
	struct tags *tags; /* NULL: a search */
	enum err (*each)(
	    void *arg, const struct iotdisco_op *op, struct errbuf *eb);
	void *arg;
	char *registry;
	struct errbuf *eb;
};

/* What is read may be a KEY, so a segment is told by its number alone. */
static enum err
fault(struct reader *r, enum err e, const char *what)
{
	return errbuf_set(r->eb, e, "part %zu of the %s %s", r->segment,
	    r->tags ? "claim text" : "search", what);
}

/* Takes %41 at r->at; anything else after a % leaves it a plain character, as
 * other readers do. */
static bool
take_percent(struct reader *r, char *c)
{
	int high, low;

	if (!r->uri || *r->at != '%' || r->end - r->at < 3)
		return false;
	high = num_hex(r->at[1]);
	low = num_hex(r->at[2]);
	if (high < 0 || low < 0)
		return false;
	*c = (char)(high * 16 + low);
	r->at += 3;
	return true;
}

/* Takes one character, its escapes undone, up to one of stop.
 * Errors: ERR_NOTFOUND at a stop or the end, ERR_PROTO. */
static enum err
take_char(struct reader *r, const char *stop, char *c)
{
	if (r->at == r->end || strchr(stop, *r->at))
		return ERR_NOTFOUND;
	if (take_percent(r, c))
		return *c ? OK : fault(r, ERR_PROTO, "has a NUL character");
	if (*r->at == '\\' && ++r->at == r->end)
		return fault(r, ERR_PROTO, "ends in a lone backslash");
	*c = *r->at++;
	return OK;
}

static enum err
take_text(struct reader *r, const char *stop, struct buf *out)
{
	enum err e;
	char c = 0;

	out->len = 0;
	buf_puts(out, "");
	while ((e = take_char(r, stop, &c)) == OK)
		buf_putc(out, c);
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err
keep_registry(struct reader *r)
{
	char bare[JID_SIZE];

	if (r->registry)
		return fault(r, ERR_PROTO, "names a second registry");
	if (r->value.len == 0)
		return OK;
	if (jid_bare(r->value.data, bare) != OK)
		return fault(r, ERR_PROTO, "has an R that is not an address");
	r->registry = mem_strdup(bare);
	return OK;
}

/* The name is not told: it may be KEY and the KEY, with a slip between. */
static const char *
tag_fault(const struct reader *r, enum err e, bool num)
{
	if (!tag_is_name(r->name.data))
		return "has no tag name at its beginning";
	if (e == ERR_BUSY)
		return "has the tag of another part once more";
	if (e == ERR_RANGE)
		return "has too long a value, or is one tag too many";
	return num ? "has a value that is no number"
		   : "has a value with characters that XML forbids";
}

static enum err
keep_tag(struct reader *r, bool num)
{
	enum err e;

	if (r->uri && !num && strcasecmp(r->name.data, "R") == 0)
		return keep_registry(r);
	e = tags_add(r->tags, r->name.data, r->value.data, num, NULL);
	if (e == OK)
		return OK;
	return fault(r, e == ERR_BUSY ? ERR_PROTO : e, tag_fault(r, e, num));
}

/* Of a search URI; the longer ones first. */
static const struct sign {
	const char *text;
	enum search_kind kind;
} signs[] = {
	{ "<>", SEARCH_NEQ },
	{ "<=", SEARCH_LTEQ },
	{ ">=", SEARCH_GTEQ },
	{ "<", SEARCH_LT },
	{ ">", SEARCH_GT },
	{ "=", SEARCH_EQ },
	{ "~", SEARCH_MASK },
};

/* Takes the sign at r->at, which is there. */
static enum search_kind
take_sign(struct reader *r)
{
	const struct sign *s = signs;

	while (strncmp(r->at, s->text, strlen(s->text)) != 0)
		s++;
	r->at += strlen(s->text);
	return s->kind;
}

static bool
is_pointer(const char *name)
{
	static const char *const names[] = { "JID", "NID", "SID", "PT" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/* The first character of a mask is its wildcard, the rest what must fit. */
static void
split_mask(struct reader *r, struct iotdisco_op *op, char wildcard[8])
{
	size_t n = r->value.len > 0;

	while (n < 4 && (op->value[n] & 0xC0) == 0x80)
		n++;
	memcpy(wildcard, op->value, n);
	op->wildcard = wildcard;
	op->value += n;
}

static enum err
keep_op(struct reader *r, enum search_kind kind, bool num)
{
	struct iotdisco_op op = { .kind = kind,
		.num = num,
		.name = r->name.data,
		.value = r->value.data,
		.wildcard = "" };
	char wildcard[8] = "";

	if (!num && kind == SEARCH_EQ && strcasecmp(op.name, "R") == 0)
		return keep_registry(r);
	if (is_pointer(op.name))
		return errbuf_set(r->eb, ERR_UNSUP,
		    "the text points to a thing, it does not search for one: "
		    "\"thingowner read\" and \"browse\" take its JID");
	if (kind == SEARCH_MASK)
		split_mask(r, &op, wildcard);
	return r->each(r->arg, &op, r->eb);
}

/* In the URI form <, > and ~ make a search of it. */
static enum err
take_segment(struct reader *r)
{
	enum search_kind kind = SEARCH_EQ;
	bool num = *r->at == '#';
	enum err e;

	if (num)
		r->at++;
	e = take_text(r, r->uri ? ";=<>~" : ";:", &r->name);
	if (e != OK)
		return e;
	if (r->at == r->end || *r->at == ';')
		return fault(
		    r, ERR_PROTO, r->uri ? "has no '='" : "has no ':'");
	if (!r->tags)
		kind = take_sign(r);
	else if (*r->at++ != (r->uri ? '=' : ':'))
		return errbuf_set(r->eb, ERR_UNSUP,
		    "the text is a search, it does not claim a thing: "
		    "\"thingowner search\" finds things");
	e = take_text(r, ";", &r->value);
	if (e != OK)
		return e;
	return r->tags ? keep_tag(r, num) : keep_op(r, kind, num);
}

static enum err
take_segments(struct reader *r)
{
	enum err e = OK;

	for (r->segment = 1; r->at < r->end && e == OK; r->segment++) {
		if (*r->at != ';')
			e = take_segment(r);
		if (r->at < r->end)
			r->at++; /* the ';' */
	}
	if (e != OK || !r->tags)
		return e;
	if (r->tags->n == 0)
		return errbuf_set(
		    r->eb, ERR_PROTO, "the claim text holds no tags");
	if (r->uri && points_to_thing(r->tags))
		return errbuf_set(r->eb, ERR_UNSUP,
		    "the text points to a thing, it does not claim one: "
		    "\"thingowner read\" and \"browse\" take its JID");
	return OK;
}

/* Sets the bounds of the segments.  Errors: ERR_PROTO, ERR_RANGE. */
static enum err
open_text(struct reader *r, const char *text)
{
	size_t len = strlen(PREFIX);

	while (is_blank(*text))
		text++;
	r->end = text + strlen(text);
	while (r->end > text && is_blank(r->end[-1]))
		r->end--;
	if (r->end - text > IOTDISCO_MAX)
		return errbuf_set(r->eb, ERR_RANGE,
		    "the claim text is longer than %d bytes", IOTDISCO_MAX);
	if (strncasecmp(text, PREFIX, len) != 0 ||
	    (text[len] != ';' && text[len] != ':'))
		return errbuf_set(r->eb, ERR_PROTO,
		    "a claim text begins with \"IoTDisco;\" or \"iotdisco:\"");
	r->uri = text[len] == ':';
	r->at = text + len + 1;
	return OK;
}

static void
wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_fini(b);
}

/* Reads all, and hands R out on OK. */
static enum err
read_all(struct reader *r, enum err e, char **registry)
{
	*registry = NULL;
	if (e == OK)
		e = take_segments(r);
	wipe(&r->name);
	wipe(&r->value);
	if (e == OK)
		*registry = r->registry;
	else
		free(r->registry);
	return e;
}

enum err
iotdisco_decode(
    const char *text, struct tags *out, char **registry, struct errbuf *eb)
{
	struct reader r = { .at = text, .end = text, .tags = out, .eb = eb };
	enum err e = read_all(&r, open_text(&r, text), registry);

	if (e != OK)
		tags_fini(out);
	return e;
}

enum err
iotdisco_search(const char *text,
    enum err (*each)(
	void *arg, const struct iotdisco_op *op, struct errbuf *eb),
    void *arg, char **registry, struct errbuf *eb)
{
	struct reader r = {
		.at = text, .end = text, .each = each, .arg = arg, .eb = eb
	};
	enum err e = open_text(&r, text);

	if (e == OK && !r.uri)
		e = errbuf_set(eb, ERR_UNSUP,
		    "the text claims a thing, it does not search for one");
	return read_all(&r, e, registry);
}
