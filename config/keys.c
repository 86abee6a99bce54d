/* keys.h, the writing half: values and tables as text. */
#include "config/keys.h"

#include "config/ini.h"
#include "config/template.h"
#include "config/value.h"

#include <string.h>

enum { MDOC_COLUMNS = 76 };

static const void *
field(const struct key *k, const void *base)
{
	return (const char *)base + k->offset;
}

static void
add_text(const struct key *k, const void *p, struct buf *out)
{
	const char *s = *(char *const *)p;

	if (k->type == KEY_SECRET)
		buf_puts(out, s ? "(set)" : "");
	else
		buf_puts(out, s ? s : "");
}

static void
add_bytes(const char *data, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c < 0x20 || c >= 0x7f || c == '\\')
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
}

void
keys_format(const struct key *k, const void *base, struct buf *out)
{
	const void *p = field(k, base);
	const struct bytes *b = p;

	switch (k->type) {
	case KEY_TEXT:
	case KEY_JID:
	case KEY_SECRET:
		add_text(k, p, out);
		break;
	case KEY_INT:
		buf_printf(out, "%lld", (long long)*(const int64_t *)p);
		break;
	case KEY_DURATION:
		value_duration_add(*(const int64_t *)p, out);
		break;
	case KEY_MICROS:
		value_micros_add(*(const int64_t *)p, out);
		break;
	case KEY_BOOL:
		buf_puts(out, *(const bool *)p ? "yes" : "no");
		break;
	case KEY_ENUM:
		value_word_add(*(const int *)p, k->words, out);
		break;
	case KEY_BYTES:
		add_bytes(b->data, b->len, out);
		break;
	case KEY_CHAR:
		add_bytes(p, *(const char *)p != '\0', out);
		break;
	}
	buf_add(out, "", 0);
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
key_equal(const struct key *k, const void *a, const void *b)
{
	struct buf x = { 0 }, y = { 0 };
	bool same;

	if (k->type == KEY_SECRET)
		return same_text(
		    *(char *const *)field(k, a), *(char *const *)field(k, b));
	keys_format(k, a, &x);
	keys_format(k, b, &y);
	same = same_text(x.data, y.data);
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

bool
keys_equal(const struct section *s, const void *a, const void *b, bool restart,
    const struct key **differs)
{
	for (const struct key *k = s->keys; k && k->name; k++) {
		if ((restart && !k->restart) || key_equal(k, a, b))
			continue;
		if (differs)
			*differs = k;
		return false;
	}
	return true;
}

void
keys_print(const struct section *s, const void *base, FILE *out)
{
	for (const struct key *k = s->keys; k && k->name; k++) {
		struct buf v = { 0 }, safe = { 0 };
		const char *def = k->def ? k->def : "";

		keys_format(k, base, &v);
		if (k->type == KEY_SECRET) {
			fprintf(out, "; %s is not shown\n", k->name);
		} else {
			ini_add_value(v.data, &safe);
			fprintf(out, "%s =%s%s", k->name, v.len ? " " : "",
			    safe.len ? safe.data : "");
			if (!k->required && strcmp(v.data, def) == 0)
				fputs(" ; default", out);
			fputc('\n', out);
		}
		buf_fini(&v);
		buf_fini(&safe);
	}
}

static void
describe_range(const struct key *k, struct buf *out)
{
	void (*add)(int64_t, struct buf *) =
	    k->type == KEY_MICROS ? value_micros_add : value_duration_add;

	buf_printf(out, "%s, ",
	    k->type == KEY_INT ? "a number" : "a time with its unit");
	if (k->type == KEY_INT) {
		buf_printf(
		    out, "%lld to %lld", (long long)k->min, (long long)k->max);
		return;
	}
	add(k->min, out);
	buf_puts(out, " to ");
	add(k->max, out);
}

/* What may stand there, in words. */
static void
describe(const struct key *k, struct buf *out)
{
	static const char *const plain[] = {
		[KEY_TEXT] = "text",
		[KEY_BOOL] = "yes or no",
		[KEY_SECRET] = "@secret:NAME",
		[KEY_JID] = "a JID",
		[KEY_BYTES] = "bytes, with C escapes",
		[KEY_CHAR] = "one character",
	};

	if (k->type == KEY_INT || k->type == KEY_DURATION ||
	    k->type == KEY_MICROS)
		describe_range(k, out);
	else if (k->type == KEY_ENUM)
		buf_puts(out, k->words);
	else
		buf_puts(out, plain[k->type]);
	if (k->required)
		buf_puts(out, "; required");
	else if (k->def)
		buf_printf(out, "; default %s", k->def);
	if (k->restart)
		buf_puts(out, "; a change needs a restart");
}

void
keys_help(const struct section *sections, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct section *s = &sections[i];

		fprintf(out, "%s[%s%s]  %s\n", i ? "\n" : "", s->name,
		    s->named ? " NAME" : "", s->help);
		for (const struct key *k = s->keys; k && k->name; k++) {
			struct buf d = { 0 };

			describe(k, &d);
			fprintf(out, "  %-17s %s\n  %-17s %s\n", k->name,
			    k->help, "", d.data);
			buf_fini(&d);
		}
		if (s->wild_help)
			fprintf(out, "  %s\n", s->wild_help);
	}
}

/* mdoc gives a meaning to '\', and to '.' and '\'' at a line's start. */
static void
mdoc_word(const char *s, size_t n, bool first, FILE *out)
{
	if (first && (*s == '.' || *s == '\''))
		fputs("\\&", out);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			fputs("\\e", out);
		else
			fputc(s[i], out);
	}
}

/* Lines of at most MDOC_COLUMNS, and a new one after each sentence. */
static void
mdoc_text(const char *s, FILE *out)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " "), blanks = strspn(s + n, " ");

		if (column && column + 1 + n > MDOC_COLUMNS) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			fputc(' ', out);
		mdoc_word(s, n, column == 0, out);
		column += n + 1;
		if (blanks == 2) {
			fputc('\n', out);
			column = 0;
		}
		s += n + blanks;
	}
	if (column)
		fputc('\n', out);
}

static void
mdoc_key(const struct key *k, FILE *out)
{
	struct buf d = { 0 };

	buf_puts(&d, "Takes ");
	describe(k, &d);
	fprintf(out, ".It Cm %s\n", k->name);
	mdoc_text(k->help, out);
	fputs(".br\n", out);
	mdoc_text(d.data, out);
	buf_fini(&d);
}

void
keys_mdoc(const struct section *sections, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct section *s = &sections[i];

		fprintf(out, ".Ss [%s%s]\n", s->name, s->named ? " NAME" : "");
		mdoc_text(s->help, out);
		if (s->keys)
			fputs(".Bl -tag -width Ds\n", out);
		for (const struct key *k = s->keys; k && k->name; k++)
			mdoc_key(k, out);
		if (s->keys)
			fputs(".El\n", out);
		if (s->wild_help) {
			fputs(".Pp\n", out);
			mdoc_text(s->wild_help, out);
		}
	}
}
