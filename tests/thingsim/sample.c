#include "tests/thingsim/sample.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, REPEAT_MAX = 256 };

struct walk {
	const char *p;
	int groups; /* begun so far */
	int depth;
	sample_group_fn *group;
	void *arg;
};

/* What an atom has written, and whether it is a group that was given. */
struct atom {
	struct buf text;
	bool given;
};

static void sequence(struct walk *w, struct buf *out);

static char
class_char(char escaped)
{
	static const char classes[] = "d0s wxDxSxW ";
	static const char control[] = "r\rn\nt\tf\fv\v";
	const char *sets[] = { classes, control };

	for (size_t k = 0; k < 2; k++)
		for (const char *c = sets[k]; *c; c += 2)
			if (*c == escaped)
				return c[1];
	return escaped;
}

/* escape reads behind a backslash; true when it stands for a character. */
static bool
escape(struct walk *w, char *out)
{
	char hex[3] = { 0 };

	if (*w->p == 'x' && w->p[1] && w->p[2]) {
		memcpy(hex, w->p + 1, 2);
		*out = (char)strtol(hex, NULL, 16);
		w->p += 3;
		return true;
	}
	*out = class_char(*w->p);
	if (!*w->p)
		return false;
	return strchr("bBAzZGK", *w->p++) == NULL;
}

/* one_of gives a character of [...]: its first, or of [^...] one that is not
 * likely to be in it. */
static char
one_of(struct walk *w)
{
	bool other = *w->p == '^';
	char first, skipped;

	w->p += other;
	first = *w->p;
	if (first)
		w->p++;
	if (first == '\\' && !escape(w, &first))
		first = ' ';
	while (*w->p && *w->p != ']')
		if (*w->p++ == '\\')
			escape(w, &skipped);
	if (*w->p)
		w->p++;
	if (other)
		return 'x';
	return first;
}

/* group_head reads "?:", "?<name>" and the like; true when the group counts,
 * *look when it is one that matches nothing. */
static bool
group_head(struct walk *w, bool *look)
{
	bool counts = true;

	*look = false;
	if (*w->p != '?')
		return true;
	w->p++;
	if (*w->p == 'P')
		w->p++;
	if (*w->p == ':')
		counts = false;
	else if (strchr("=!", *w->p) || strncmp(w->p, "<=", 2) == 0 ||
	    strncmp(w->p, "<!", 2) == 0)
		*look = true;
	else
		w->p += strcspn(w->p, ">");
	if (*w->p)
		w->p++;
	return counts && !*look;
}

static void
take_group(struct walk *w, struct atom *a)
{
	struct buf inner = { 0 };
	bool look, counts = group_head(w, &look);
	int n = counts ? ++w->groups : 0;

	a->given = n && w->group(w->arg, n, &a->text);
	if (w->depth++ < DEPTH_MAX)
		sequence(w, &inner);
	w->depth--;
	if (*w->p == ')')
		w->p++;
	if (!a->given && !look && inner.len)
		buf_add(&a->text, inner.data, inner.len);
	buf_fini(&inner);
}

static void
take_atom(struct walk *w, struct atom *a)
{
	char c = *w->p++;

	if (c == '(') {
		take_group(w, a);
		return;
	}
	if (c == '^' || c == '$')
		return;
	if (c == '[')
		c = one_of(w);
	else if (c == '.')
		c = 'x';
	else if (c == '\\' && !escape(w, &c))
		return;
	buf_putc(&a->text, c);
}

static long
least_times(struct walk *w, bool given)
{
	long n = 1;

	if (*w->p == '*' || *w->p == '?') {
		n = given;
		w->p++;
	} else if (*w->p == '+') {
		w->p++;
	} else if (*w->p == '{' && w->p[1] >= '0' && w->p[1] <= '9') {
		n = strtol(w->p + 1, NULL, 10);
		w->p += strcspn(w->p, "}");
		w->p += *w->p != '\0';
	}
	if (*w->p == '?' || *w->p == '+') /* lazy, possessive */
		w->p++;
	return n < REPEAT_MAX ? n : REPEAT_MAX;
}

static void
sequence(struct walk *w, struct buf *out)
{
	bool first = true; /* of the alternatives */

	while (*w->p && *w->p != ')') {
		struct atom a = { 0 };
		long n;

		if (*w->p == '|') {
			first = false;
			w->p++;
			continue;
		}
		take_atom(w, &a);
		n = least_times(w, a.given);
		for (; first && a.text.len && n > 0; n--)
			buf_add(out, a.text.data, a.text.len);
		buf_fini(&a.text);
	}
}

void
sample_write(
    const char *regex, sample_group_fn *group, void *arg, struct buf *out)
{
	struct walk w = { .p = regex, .group = group, .arg = arg };

	while (*w.p) {
		sequence(&w, out);
		if (*w.p) /* a stray closing bracket */
			w.p++;
	}
}
