#include "labels/layout.h"

#include "common/buf.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define PT 0.3528 /* mm */
#define MARGIN 1.0
#define LEADING 1.22 /* baseline to baseline, in sizes */
#define ASCENT 0.93  /* of DejaVu, in sizes */

/* In the order of the label, top first.  small is the least size a line may
 * shrink to; drop is the order in which lines go when there is no room, 0
 * never. */
static const struct style {
	const char *name;
	enum line_role role;
	enum font_face face;
	double size, small;
	int drop;
} styles[] = {
	{ "name", LINE_NAME, FONT_BOLD, 8 * PT, 5 * PT, 0 },
	{ "place", LINE_PLACE, FONT_PLAIN, 6.5 * PT, 5 * PT, 5 },
	{ "maker and model", LINE_MAKER, FONT_PLAIN, 6.5 * PT, 5 * PT, 4 },
	{ "serial number and node", LINE_ID, FONT_PLAIN, 6.5 * PT, 4.5 * PT,
	    7 },
	{ "bus", LINE_BUS, FONT_PLAIN, 6.5 * PT, 4.5 * PT, 3 },
	{ "address", LINE_JID, FONT_PLAIN, 6.5 * PT, 4.5 * PT, 2 },
	{ "KEY", LINE_KEY, FONT_MONO, 7.5 * PT, 6 * PT, 8 },
	{ "registry", LINE_REGISTRY, FONT_PLAIN, 5.5 * PT, 4.5 * PT, 1 },
	{ "notice", LINE_NOTICE, FONT_PLAIN, 5.5 * PT, 4 * PT, 6 },
};

enum {
	N_STYLES = sizeof(styles) / sizeof(styles[0]),
	DROP_LIGHTLY = 5, /* up to here lines go before others shrink */
	DROP_LAST = 8,
};

/* What is worked on: the room for text and how to measure it. */
struct setter {
	double x, y, w, h;
	const struct meter *meter;
	struct layout *lo;
};

static double
width(const struct setter *s, const struct style *st, double size,
    const char *text)
{
	return s->meter->width(s->meter->arg, st->face, size, text);
}

static char *
join(const char *a, const char *between, const char *b)
{
	if (!*a && !*b)
		return NULL;
	return mem_printf("%s%s%s", a, *a && *b ? between : "", b);
}

static char *
prefixed(const char *prefix, const char *s)
{
	return *s ? mem_printf("%s%s", prefix, s) : NULL;
}

static char *
id_text(const struct label *l, const char *between)
{
	if (!*l->sn)
		return mem_printf("node %s", l->node);
	return mem_printf("SN %s%snode %s", l->sn, between, l->node);
}

char *
layout_text(const struct label *l, enum line_role role)
{
	bool claim = l->kind == LABEL_CLAIM;

	switch (role) {
	case LINE_NAME:
		return mem_strdup(*l->name ? l->name : l->node);
	case LINE_PLACE:
		return prefixed("", l->place);
	case LINE_MAKER:
		return join(l->maker, " ", l->model);
	case LINE_ID:
		return id_text(l, "   ");
	case LINE_BUS:
		return claim ? NULL : join(l->bus, " address ", l->address);
	case LINE_JID:
		return claim ? NULL : prefixed("", l->jid);
	case LINE_REGISTRY:
		return claim ? prefixed("Registry ", l->registry) : NULL;
	case LINE_NOTICE:
		return claim ? mem_strdup("Remove once claimed.") : NULL;
	case LINE_KEY:
		break;
	}
	return NULL;
}

char *
layout_key(const char *key)
{
	struct buf b = { 0 };

	for (size_t i = 0; key[i]; i++) {
		if (i && i % 4 == 0)
			buf_putc(&b, ' ');
		buf_putc(&b, key[i]);
	}
	return buf_take(&b);
}

const char *
layout_role(enum line_role role)
{
	for (size_t i = 0; i < N_STYLES; i++)
		if (styles[i].role == role)
			return styles[i].name;
	return "";
}

double
layout_code_side(const struct label *l, double w, double h)
{
	double small = w < h ? w : h, half = (w < h ? h : w) / 2;

	if (!*l->text)
		return 0;
	return small < half ? small : half;
}

static void
put(struct setter *s, const struct style *st, double size, char *text)
{
	struct layout *lo = s->lo;

	if (lo->n == LAYOUT_LINES) {
		lo->dropped |= 1u << st->role;
		mem_free_secret(text);
		return;
	}
	lo->line[lo->n++] = (struct line){
		.role = st->role,
		.face = st->face,
		.size = size,
		.width = width(s, st, size, text),
		.text = text,
	};
}

/* cut shortens text, code point by code point, until it fits with "…". */
static char *
cut(struct setter *s, const struct style *st, const char *text)
{
	size_t len = strlen(text);
	char *out = NULL;

	s->lo->cut |= 1u << st->role;
	do {
		free(out);
		while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
			len--;
		if (len)
			len--;
		out = mem_printf("%.*s…", (int)len, text);
	} while (len && width(s, st, st->small, out) > s->w);
	return out;
}

static void
put_line(struct setter *s, const struct style *st, char *text)
{
	double natural = width(s, st, st->size, text);
	double size = st->size;

	if (natural > s->w)
		size = st->size * s->w / natural;
	if (size < st->small) {
		char *shorter = cut(s, st, text);

		free(text);
		text = shorter;
		size = st->small;
	}
	put(s, st, size, text);
}

/* put_id takes two lines rather than cut what people must read off. */
static void
put_id(struct setter *s, const struct style *st, const struct label *l)
{
	char *text = id_text(l, "   "), *node;

	if (*l->sn && width(s, st, st->small, text) > s->w) {
		free(text);
		text = id_text(l, "\n");
		node = strchr(text, '\n') + 1;
		put_line(s, st, mem_strndup(text, (size_t)(node - text - 1)));
		put_line(s, st, mem_strdup(node));
		free(text);
		return;
	}
	put_line(s, st, text);
}

/* put_maker leaves out the maker rather than cut the model. */
static void
put_maker(struct setter *s, const struct style *st, const struct label *l)
{
	char *text = layout_text(l, LINE_MAKER);

	if (!text)
		return;
	if (*l->maker && *l->model && width(s, st, st->small, text) > s->w) {
		free(text);
		text = mem_strdup(l->model);
		s->lo->cut |= 1u << st->role;
	}
	put_line(s, st, text);
}

/* key_line takes up to n groups from *at: "7K2Q M9XR". */
static char *
key_line(const char *prefix, const char **at, size_t n)
{
	struct buf b = { 0 };
	size_t len = 5 * n - 1;

	if (len > strlen(*at))
		len = strlen(*at);
	buf_puts(&b, prefix);
	buf_add(&b, *at, len);
	*at += len;
	while (**at == ' ')
		(*at)++;
	return buf_take(&b);
}

/* groups_that_fit is how many groups of the KEY go on one line, at a size. */
static size_t
groups_that_fit(
    struct setter *s, const struct style *st, double size, size_t prefix)
{
	double one = width(s, st, size, "0");
	size_t chars = one > 0 ? (size_t)(s->w / one + 1e-9) : 0;

	return chars < prefix ? 0 : (chars - prefix + 1) / 5;
}

/* put_key sets the KEY in as few lines as the least size allows, then as large
 * as those lines allow. */
static void
put_key(struct setter *s, const struct style *st, const char *key)
{
	const char *prefix = "KEY ", *blank = "    ", *at;
	char *grouped = layout_key(key);
	size_t groups = (strlen(key) + 3) / 4, n, lines;
	double size = st->size;

	n = groups_that_fit(s, st, st->small, 4);
	if (n < 2 && n < groups) {
		prefix = blank = "";
		n = groups_that_fit(s, st, st->small, 0);
	}
	if (n == 0) {
		s->lo->dropped |= 1u << st->role;
		mem_free_secret(grouped);
		return;
	}
	lines = (groups + n - 1) / n;
	n = (groups + lines - 1) / lines;
	while (size > st->small &&
	    groups_that_fit(s, st, size, strlen(prefix)) < n)
		size -= 0.1 * PT;
	if (size < st->small)
		size = st->small;
	for (at = grouped; *at; prefix = blank)
		put(s, st, size, key_line(prefix, &at, n));
	mem_free_secret(grouped);
}

static void
put_all(struct setter *s, const struct label *l)
{
	for (size_t i = 0; i < N_STYLES; i++) {
		const struct style *st = &styles[i];
		char *text = layout_text(l, st->role);

		if (st->role == LINE_KEY && l->kind == LABEL_CLAIM && *l->key)
			put_key(s, st, l->key);
		else if (st->role == LINE_ID)
			put_id(s, st, l);
		else if (st->role == LINE_MAKER)
			put_maker(s, st, l);
		else if (text)
			put_line(s, st, mem_strdup(text));
		free(text);
	}
}

static double
height(const struct layout *lo)
{
	double h = 0;

	for (size_t i = 0; i < lo->n; i++)
		h += lo->line[i].size * LEADING;
	return h;
}

static bool
drop(struct layout *lo, enum line_role role)
{
	size_t to = 0, n = lo->n;

	for (size_t i = 0; i < lo->n; i++) {
		if (lo->line[i].role == role)
			mem_free_secret(lo->line[i].text);
		else
			lo->line[to++] = lo->line[i];
	}
	lo->n = to;
	if (to == n)
		return false;
	lo->cut &= ~(1u << role);
	lo->dropped |= 1u << role;
	return true;
}

/* drop_next leaves out the next role in the order of styles[].drop. */
static bool
drop_next(struct layout *lo, int last)
{
	for (int order = 1; order <= last; order++)
		for (size_t i = 0; i < N_STYLES; i++)
			if (styles[i].drop == order && drop(lo, styles[i].role))
				return true;
	return false;
}

/* shrink makes all lines smaller rather than lose what is needed. */
static void
shrink(struct setter *s)
{
	double by = s->h / height(s->lo);

	for (size_t i = 0; by < 1 && i < s->lo->n; i++) {
		struct line *ln = &s->lo->line[i];
		double size = ln->size * by, small = 0;

		for (size_t k = 0; k < N_STYLES; k++)
			if (styles[k].role == ln->role)
				small = styles[k].small;
		size = size < small ? small : size;
		ln->width *= size / ln->size;
		ln->size = size;
	}
}

/* place sets the baselines: beside the code the block is in the middle of its
 * height, under it at the top. */
static void
place(struct setter *s)
{
	double y = s->y;

	if (s->lo->w >= s->lo->h)
		y += (s->h - height(s->lo)) / 2;
	for (size_t i = 0; i < s->lo->n; i++) {
		struct line *ln = &s->lo->line[i];

		ln->x = s->x;
		ln->y = y + ln->size * (ASCENT + (LEADING - 1.16) / 2);
		y += ln->size * LEADING;
	}
}

static void
room(struct setter *s, const struct layout *lo)
{
	s->x = s->y = MARGIN;
	s->w = lo->w - 2 * MARGIN;
	s->h = lo->h - 2 * MARGIN;
	if (lo->code_side <= 0)
		return;
	/* The quiet zone already stands between code and text. */
	if (lo->w >= lo->h) {
		s->x = lo->code_side;
		s->w = lo->w - MARGIN - s->x;
	} else {
		s->y = lo->code_side;
		s->h = lo->h - MARGIN - s->y;
	}
}

void
layout_code(double w, double h, double code_side, struct layout *out)
{
	*out = (struct layout){
		.w = w,
		.h = h,
		.code_x = (w - code_side) / 2,
		.code_y = (h - code_side) / 2,
		.code_side = code_side,
	};
}

void
layout_make(const struct label *l, double w, double h, double code_side,
    const struct meter *meter, struct layout *out)
{
	struct setter s = { .meter = meter, .lo = out };

	memset(out, 0, sizeof(*out));
	out->w = w;
	out->h = h;
	out->code_side = code_side;
	if (w >= h)
		out->code_y = (h - code_side) / 2;
	else
		out->code_x = (w - code_side) / 2;
	room(&s, out);
	put_all(&s, l);
	while (height(out) > s.h && drop_next(out, DROP_LIGHTLY))
		;
	shrink(&s);
	while (height(out) > s.h && drop_next(out, DROP_LAST))
		;
	place(&s);
}

void
layout_fini(struct layout *lo)
{
	for (size_t i = 0; i < lo->n; i++)
		mem_free_secret(lo->line[i].text);
	memset(lo, 0, sizeof(*lo));
}
