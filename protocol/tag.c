#include "protocol/tag.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "protocol/xmltype.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool
tag_is_text(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t cp;

	for (; len; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 0 || !utf8_xml(cp))
			return false;
	}
	return true;
}

/* White space of Unicode: a name with any of it cannot be told from another. */
static bool
is_space(uint32_t cp)
{
	return cp == 0x20 || (cp >= 9 && cp <= 13) || cp == 0x85 ||
	    cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
	    cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f ||
	    cp == 0x3000;
}

static bool
is_name_text(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t cp;

	for (; len; s += n, len -= n) {
		n = utf8_next(s, len, &cp);
		if (n == 0 || !utf8_xml(cp) || is_space(cp) || cp == ':' ||
		    cp == '#')
			return false;
	}
	return true;
}

bool
tag_is_name(const char *s)
{
	return *s && is_name_text(s) && utf8_count(s) <= TAG_NAME_MAX;
}

/* The texts show the name at most: a value may be the KEY. */
enum err
tag_check(const char *name, const char *value, bool num, struct errbuf *eb)
{
	char safe[LOG_SAFE];
	double v;

	log_safe(safe, name);
	if (!*name)
		return errbuf_set(eb, ERR_RANGE, "a tag has an empty name");
	if (!is_name_text(name))
		return errbuf_set(eb, ERR_PROTO,
		    "tag name \"%s\": colons, hash signs, white space and "
		    "control characters are not allowed",
		    safe);
	if (utf8_count(name) > TAG_NAME_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "tag name \"%s\" is longer than %d characters", safe,
		    TAG_NAME_MAX);
	if (!tag_is_text(value))
		return errbuf_set(eb, ERR_PROTO,
		    "tag %s: its value has characters that XML forbids", safe);
	if (utf8_count(value) > TAG_VALUE_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "tag %s: its value is longer than %d characters", safe,
		    TAG_VALUE_MAX);
	if (num && xml_double(value, &v) != OK)
		return errbuf_set(
		    eb, ERR_PROTO, "tag %s: its value is not a number", safe);
	return OK;
}

static char
fold(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c;
}

static bool
same_name(const char *a, const char *b)
{
	for (; *a && fold(*a) == fold(*b); a++, b++)
		;
	return fold(*a) == fold(*b);
}

static struct tag *
find(const struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (same_name(t->v[i].name, name))
			return &t->v[i];
	}
	return NULL;
}

const struct tag *
tags_find(const struct tags *t, const char *name)
{
	return find(t, name);
}

static void
append(struct tags *t, const char *name, const char *value, bool num)
{
	struct tag *tag;

	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	tag = &t->v[t->n++];
	tag->name = mem_strdup(name);
	for (char *c = tag->name; *c; c++)
		*c = fold(*c);
	tag->value = mem_strdup(value);
	tag->num = num;
}

static enum err
append_checked(struct tags *t, const char *name, const char *value, bool num,
    struct errbuf *eb)
{
	if (t->n >= TAGS_MAX)
		return errbuf_set(
		    eb, ERR_RANGE, "there are more than %d tags", TAGS_MAX);
	append(t, name, value, num);
	return OK;
}

enum err
tags_add(struct tags *t, const char *name, const char *value, bool num,
    struct errbuf *eb)
{
	char safe[LOG_SAFE];
	enum err e = tag_check(name, value, num, eb);

	if (e != OK)
		return e;
	if (find(t, name))
		return errbuf_set(eb, ERR_BUSY, "tag %s is there twice",
		    log_safe(safe, name));
	return append_checked(t, name, value, num, eb);
}

enum err
tags_set(struct tags *t, const char *name, const char *value, bool num,
    struct errbuf *eb)
{
	struct tag *tag = find(t, name);
	enum err e = tag_check(name, value, num, eb);
	char *old;

	if (e != OK)
		return e;
	if (!tag)
		return append_checked(t, name, value, num, eb);
	old = tag->value;
	tag->value = mem_strdup(value);
	tag->num = num;
	mem_free_secret(old);
	return OK;
}

static void
tag_fini(struct tag *tag)
{
	free(tag->name);
	mem_free_secret(tag->value);
}

static void
remove_at(struct tags *t, size_t i)
{
	tag_fini(&t->v[i]);
	t->n--;
	memmove(&t->v[i], &t->v[i + 1], (t->n - i) * sizeof(*t->v));
}

bool
tags_remove(struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (same_name(t->v[i].name, name)) {
			remove_at(t, i);
			return true;
		}
	}
	return false;
}

static bool
is_empty(const struct tag *tag)
{
	return !tag->num && !*tag->value;
}

enum err
tags_merge(struct tags *t, const struct tags *from)
{
	struct tags sum = { 0 };
	enum err e = OK;

	tags_copy(&sum, t);
	for (size_t i = 0; i < from->n; i++) {
		if (is_empty(&from->v[i]))
			tags_remove(&sum, from->v[i].name);
	}
	for (size_t i = 0; i < from->n && e == OK; i++) {
		const struct tag *tag = &from->v[i];

		if (!is_empty(tag))
			e = tags_set(
			    &sum, tag->name, tag->value, tag->num, NULL);
	}
	if (e != OK) {
		tags_fini(&sum);
		return e;
	}
	tags_fini(t);
	*t = sum;
	return OK;
}

void
tags_drop_empty(struct tags *t)
{
	for (size_t i = t->n; i-- > 0;) {
		if (is_empty(&t->v[i]))
			remove_at(t, i);
	}
}

void
tags_copy(struct tags *to, const struct tags *from)
{
	for (size_t i = 0; i < from->n; i++)
		append(to, from->v[i].name, from->v[i].value, from->v[i].num);
}

void
tags_fini(struct tags *t)
{
	for (size_t i = 0; i < t->n; i++)
		tag_fini(&t->v[i]);
	free(t->v);
	memset(t, 0, sizeof(*t));
}

bool
tag_equal(const struct tag *a, const struct tag *b)
{
	double x, y;

	if (a->num != b->num || !same_name(a->name, b->name))
		return false;
	if (!a->num)
		return strcmp(a->value, b->value) == 0;
	return xml_double(a->value, &x) == OK &&
	    xml_double(b->value, &y) == OK && x == y;
}

static int
by_name(const void *a, const void *b)
{
	const struct tag *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* US ends a field, RS a tag: XML forbids both, so no value holds them. */
void
tags_canonical(const struct tags *t, struct buf *out)
{
	const struct tag **order = mem_array(t->n, sizeof(*order));
	char number[XML_DOUBLE_SIZE];
	double v;

	for (size_t i = 0; i < t->n; i++)
		order[i] = &t->v[i];
	qsort(order, t->n, sizeof(*order), by_name);
	for (size_t i = 0; i < t->n; i++) {
		const char *value = order[i]->value;

		if (order[i]->num && xml_double(value, &v) == OK) {
			xml_double_text(v, number);
			value = number;
		}
		buf_puts(out, order[i]->name);
		buf_puts(out, order[i]->num ? "\x1fn\x1f" : "\x1fs\x1f");
		buf_puts(out, value);
		buf_putc(out, '\x1e');
	}
	free(order);
}
