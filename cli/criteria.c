#include "cli/criteria.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/iotdisco.h"
#include "protocol/xmltype.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The longer ones first. */
static const struct sign {
	const char *text;
	enum search_kind kind;
} signs[] = {
	{ "!=", SEARCH_NEQ },
	{ ">=", SEARCH_GTEQ },
	{ "<=", SEARCH_LTEQ },
	{ "=", SEARCH_EQ },
	{ ">", SEARCH_GT },
	{ "<", SEARCH_LT },
	{ "~", SEARCH_MASK },
};

static const struct sign *
find_sign(const char *at)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(at, signs[i].text, strlen(signs[i].text)) == 0)
			return &signs[i];
	return NULL;
}

/* An open side makes a comparison of a range, and of what is outside of a range
 * the opposite comparison. */
static void
open_side(struct search_op *op, bool low_open)
{
	bool inside = op->kind == SEARCH_RANGE;
	bool out = low_open ? op->max_out : op->min_out;
	bool above = low_open != inside;

	if (low_open)
		op->value = op->max;
	op->max = NULL;
	op->min_out = op->max_out = false;
	if (out != inside) /* the end itself is found */
		op->kind = above ? SEARCH_GTEQ : SEARCH_LTEQ;
	else
		op->kind = above ? SEARCH_GT : SEARCH_LT;
}

/* A..B, [A..B), (A..B] ... in text, which is cut up. */
static enum err
read_range(struct search_op *op, char *text, char *dots, struct errbuf *eb)
{
	size_t n = strlen(text);
	bool opens = *text == '[' || *text == '(';
	bool closes = text[n - 1] == ']' || text[n - 1] == ')';

	if (opens != closes)
		return errbuf_set(eb, ERR_PROTO,
		    "a range is A..B, or in brackets: [A..B) leaves B out");
	op->kind = op->kind == SEARCH_EQ ? SEARCH_RANGE : SEARCH_NRANGE;
	op->min_out = *text == '(';
	op->max_out = text[n - 1] == ')';
	if (closes)
		text[n - 1] = '\0';
	*dots = '\0';
	op->value = text + opens;
	op->max = dots + 2;
	if (!*op->value && !*op->max)
		return errbuf_set(eb, ERR_PROTO, "a range has neither end");
	if (!*op->value || !*op->max)
		open_side(op, !*op->value);
	return OK;
}

static enum err
read_value(struct search_op *op, char *text, struct errbuf *eb)
{
	char *dots = strstr(text, "..");

	op->value = text;
	if (dots && (op->kind == SEARCH_EQ || op->kind == SEARCH_NEQ))
		return read_range(op, text, dots, eb);
	if (op->kind == SEARCH_MASK && op->num)
		return errbuf_set(
		    eb, ERR_PROTO, "~ compares text: without the #");
	if (op->kind == SEARCH_MASK)
		op->wildcard = "*";
	return OK;
}

/* A KEY would find nothing. */
static enum err
check_name(
    const struct criteria *c, const char *name, size_t n, struct errbuf *eb)
{
	if (c->n_texts == SEARCH_OPS_MAX)
		return errbuf_set(eb, ERR_RANGE,
		    "there are more than %d operators", SEARCH_OPS_MAX);
	if (n == strlen("KEY") && strncasecmp(name, "KEY", n) == 0)
		return errbuf_set(eb, ERR_PROTO,
		    "no registry finds things by their KEY; claim with it");
	return OK;
}

enum err
criteria_add(struct criteria *c, const char *operand, struct errbuf *eb)
{
	struct search_op op = { .num = *operand == '#' };
	const char *name = operand + op.num;
	size_t n = strcspn(name, "=!<>~");
	const struct sign *sign = find_sign(name + n);
	char safe[LOG_SAFE];
	char *text;
	enum err e;

	log_safe(safe, operand);
	if (!sign || n == 0)
		return errbuf_set(eb, ERR_PROTO,
		    "\"%s\" is not NAME=VALUE, NAME>VALUE, NAME=A..B or "
		    "NAME~MASK*",
		    safe);
	e = check_name(c, name, n, eb);
	if (e != OK)
		return e;
	text = c->texts[c->n_texts++] = mem_strdup(name);
	text[n] = '\0';
	op.kind = sign->kind;
	e = read_value(&op, text + n + strlen(sign->text), eb);
	return e == OK ? search_add(&c->search, text, &op, eb) : e;
}

static bool
is_low(const struct search_op *op)
{
	return op->kind == SEARCH_GT || op->kind == SEARCH_GTEQ;
}

static bool
is_high(const struct search_op *op)
{
	return op->kind == SEARCH_LT || op->kind == SEARCH_LTEQ;
}

/* Whether a value can be beyond both. */
static bool
meet(const struct search_op *low, const struct search_op *high)
{
	double a, b;
	int order = strcmp(low->value, high->value);

	if (low->num && xml_double(low->value, &a) == OK &&
	    xml_double(high->value, &b) == OK)
		order = (a > b) - (a < b);
	if (order != 0)
		return order < 0;
	return low->kind == SEARCH_GTEQ && high->kind == SEARCH_LTEQ;
}

/* Joins the last operator to one that it excludes: both then mean the outside
 * of a range, whose ends are found where they are compared with =. */
static void
join_bounds(struct search *s)
{
	const struct search_op *b = &s->ops[s->n - 1];

	for (size_t i = 0; i + 1 < s->n; i++) {
		struct search_op *a = &s->ops[i];
		struct search_op low = is_low(a) ? *a : *b;
		struct search_op high = is_low(a) ? *b : *a;

		if (!is_low(&low) || !is_high(&high) || a->num != b->num ||
		    strcmp(a->name, b->name) != 0 || meet(&low, &high))
			continue;
		a->kind = SEARCH_NRANGE;
		a->value = high.value;
		a->max = low.value;
		a->min_out = high.kind == SEARCH_LTEQ;
		a->max_out = low.kind == SEARCH_GTEQ;
		s->n--;
		return;
	}
}

static enum err
add_part(void *arg, const struct iotdisco_op *part, struct errbuf *eb)
{
	struct criteria *c = arg;
	size_t size = strlen(part->value) + 1;
	struct search_op op = { .kind = part->kind, .num = part->num };
	enum err e = check_name(c, part->name, strlen(part->name), eb);
	char *text;

	if (e != OK)
		return e;
	text = mem_zalloc(size + strlen(part->wildcard) + 1);
	c->texts[c->n_texts++] = text;
	memcpy(text, part->value, size);
	memcpy(text + size, part->wildcard, strlen(part->wildcard));
	op.value = text;
	if (op.kind == SEARCH_MASK)
		op.wildcard = text + size;
	e = search_add(&c->search, part->name, &op, eb);
	if (e == OK)
		join_bounds(&c->search);
	return e;
}

enum err
criteria_uri(
    struct criteria *c, const char *uri, char **registry, struct errbuf *eb)
{
	return iotdisco_search(uri, add_part, c, registry, eb);
}

void
criteria_fini(struct criteria *c)
{
	for (size_t i = 0; i < c->n_texts; i++)
		free(c->texts[i]);
	c->n_texts = 0;
}
