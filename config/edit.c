#include "config/edit.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "config/ini.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One line; to is behind its line end, end before it. */
struct row {
	size_t from, end, to;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes the line at `at`; false at the end of the text. */
static bool
row_at(const struct buf *text, size_t at, struct row *r)
{
	const char *nl;

	if (at >= text->len)
		return false;
	nl = memchr(text->data + at, '\n', text->len - at);
	r->to = nl ? (size_t)(nl - text->data) + 1 : text->len;
	r->end = nl ? r->to - 1 : r->to;
	if (r->end > at && text->data[r->end - 1] == '\r')
		r->end--;
	r->from = at;
	if (at == 0 && text->len >= 3 &&
	    memcmp(text->data, "\xEF\xBB\xBF", 3) == 0)
		r->from = 3;
	return true;
}

static char
first_of(const struct buf *text, const struct row *r)
{
	if (r->from == r->end)
		return '\0';
	return text->data[r->from];
}

static bool
is_empty(const struct buf *text, const struct row *r)
{
	for (size_t i = r->from; i < r->end; i++) {
		if (!is_blank(text->data[i]))
			return false;
	}
	return true;
}

/* A line that says nothing: it may well be about what comes next. */
static bool
is_loose(const struct buf *text, const struct row *r)
{
	char c = first_of(text, r);

	return c == ';' || c == '#' || is_empty(text, r);
}

/* Whether the line is the header of that section; blanks count as one. */
static bool
is_header(const struct buf *text, const struct row *r, const char *name)
{
	size_t i = r->from;

	if (first_of(text, r) != '[')
		return false;
	for (i++; i < r->end && is_blank(text->data[i]); i++)
		;
	for (; *name && i < r->end; name++) {
		if (*name != (is_blank(text->data[i]) ? ' ' : text->data[i]))
			return false;
		if (*name != ' ') {
			i++;
			continue;
		}
		while (i < r->end && is_blank(text->data[i]))
			i++;
	}
	while (i < r->end && is_blank(text->data[i]))
		i++;
	return !*name && i < r->end && text->data[i] == ']';
}

/* A section: its header, and where its last line that says something ends. */
struct extent {
	struct row head;
	size_t end;
};

static bool
find(const struct buf *text, const char *name, struct extent *x)
{
	struct row r;
	bool inside = false;

	for (size_t at = 0; row_at(text, at, &r); at = r.to) {
		if (inside && first_of(text, &r) == '[')
			break;
		if (inside && !is_loose(text, &r))
			x->end = r.to;
		if (inside || !is_header(text, &r, name))
			continue;
		inside = true;
		x->head = r;
		x->end = r.to;
	}
	return inside;
}

bool
edit_has(const struct buf *text, const char *name)
{
	struct extent x;

	return find(text, name, &x);
}

bool
edit_any(const struct buf *text)
{
	struct row r;

	for (size_t at = 0; row_at(text, at, &r); at = r.to) {
		if (!is_loose(text, &r))
			return true;
	}
	return false;
}

static bool
is_fit(const char *value)
{
	size_t len = strlen(value);
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_next(value + i, len - i, &cp);
		if (n == 0 || utf8_control(cp))
			return false;
	}
	return len < INI_LINE_MAX / 2;
}

bool
edit_line(struct buf *lines, const char *key, const char *value)
{
	if (!is_fit(value))
		return false;
	buf_printf(lines, "%s = ", key);
	ini_add_value(value, lines);
	buf_putc(lines, '\n');
	return true;
}

/* Puts s in place of what stands from..to. */
static void
replace(struct buf *text, size_t from, size_t to, const char *s, size_t len)
{
	struct buf b = { 0 };

	buf_add(&b, text->data ? text->data : "", from);
	buf_add(&b, s, len);
	if (to < text->len)
		buf_add(&b, text->data + to, text->len - to);
	buf_fini(text);
	*text = b;
}

/* Lines end as the first one does. */
static const char *
line_end(const struct buf *text)
{
	const char *nl = text->len ? memchr(text->data, '\n', text->len) : NULL;

	return nl && nl > text->data && nl[-1] == '\r' ? "\r\n" : "\n";
}

static void
add_lines(struct buf *out, const char *lines, const char *end)
{
	for (const char *s = lines; *s;) {
		size_t n = strcspn(s, "\n");

		buf_add(out, s, n);
		buf_puts(out, end);
		s += n + (s[n] == '\n');
	}
}

/* insert puts lines at a place where one begins, or behind a last one that has
 * no end. */
static void
insert(struct buf *text, size_t at, const char *lines)
{
	const char *end = line_end(text);
	struct buf b = { 0 };

	if (at > 0 && text->data[at - 1] != '\n')
		buf_puts(&b, end);
	add_lines(&b, lines, end);
	replace(text, at, at, b.data, b.len);
	buf_fini(&b);
}

void
edit_append(struct buf *text, const char *lines)
{
	insert(text, text->len, lines);
}

static bool
ends_empty(const struct buf *text)
{
	struct row r;
	bool empty = true;

	for (size_t at = 0; row_at(text, at, &r); at = r.to)
		empty = is_empty(text, &r);
	return empty;
}

void
edit_add(struct buf *text, const char *name, const char *lines)
{
	char *all =
	    mem_printf("%s[%s]\n%s", ends_empty(text) ? "" : "\n", name, lines);

	edit_append(text, all);
	free(all);
}

/* Whether the line is `key = ...`; *value is behind the '='. */
static bool
is_key(
    const struct buf *text, const struct row *r, const char *key, size_t *value)
{
	size_t i = r->from, n = strlen(key);

	if (r->end - i < n || memcmp(text->data + i, key, n) != 0)
		return false;
	for (i += n; i < r->end && is_blank(text->data[i]); i++)
		;
	*value = i + 1;
	return i < r->end && text->data[i] == '=';
}

/* Where the comment of a value begins, its blanks too, or the line's end. */
static size_t
comment_at(const struct buf *text, size_t i, size_t end)
{
	for (; i < end; i++) {
		size_t from = i;

		while (i < end && is_blank(text->data[i]))
			i++;
		if (i > from && i < end && text->data[i] == ';' &&
		    (i + 1 == end || is_blank(text->data[i + 1])))
			return from;
	}
	return end;
}

static void
set_value(struct buf *text, const struct row *r, size_t from, const char *value)
{
	size_t to = comment_at(text, from, r->end);
	struct buf b = { 0 };

	buf_putc(&b, ' ');
	ini_add_value(value, &b);
	replace(text, from, to, b.data, b.len);
	buf_fini(&b);
}

bool
edit_set(struct buf *text, const char *name, const char *key, const char *value)
{
	struct buf line = { 0 };
	struct extent x;
	struct row r;
	size_t from;
	bool fit = edit_line(&line, key, value);

	if (fit && !find(text, name, &x)) {
		edit_add(text, name, line.data);
	} else if (fit) {
		for (size_t at = x.head.to; at < x.end && row_at(text, at, &r);
		     at = r.to) {
			if (!is_key(text, &r, key, &from))
				continue;
			set_value(text, &r, from, value);
			buf_fini(&line);
			return true;
		}
		insert(text, x.end, line.data);
	}
	buf_fini(&line);
	return fit;
}

/* The empty line before a section goes with it, when one follows too. */
static size_t
gap_before(const struct buf *text, const struct extent *x)
{
	struct row r, last = { 0 };

	for (size_t at = 0; at < x->head.from && row_at(text, at, &r);
	     at = r.to)
		last = r;
	if (last.to == 0 || !is_empty(text, &last))
		return x->head.from;
	if (row_at(text, x->end, &r) && !is_empty(text, &r))
		return x->head.from;
	return last.from;
}

/* What stays a comment here would be a number tag in a [tags] above. */
static void
keep_comments(struct buf *text, size_t at)
{
	struct row r;

	for (; row_at(text, at, &r) && first_of(text, &r) != '['; at = r.to) {
		if (first_of(text, &r) == '#' && r.from + 1 < r.end &&
		    isupper((unsigned char)text->data[r.from + 1]))
			text->data[r.from] = ';';
	}
}

bool
edit_remove(struct buf *text, const char *name)
{
	struct extent x;

	if (!find(text, name, &x))
		return false;
	keep_comments(text, x.end);
	replace(text, gap_before(text, &x), x.end, "", 0);
	return true;
}
