/* format = regex: fields are groups of the pattern. */
#include "config/tmpl_draft.h"

/* Skips a character class; NULL when it is not closed. */
static const char *
skip_class(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	while (*p && *p != ']')
		p += p[0] == '\\' && p[1] ? 2 : 1;
	return *p ? p : NULL;
}

/* Whether the '(' at p is a numbered group. */
static bool
captures(const char *p)
{
	if (p[1] == '*')
		return false;
	if (p[1] != '?')
		return true;
	if (p[2] == '<')
		return p[3] != '=' && p[3] != '!';
	return p[2] == '\'' || (p[2] == 'P' && p[3] == '<');
}

/* The number of groups, or -1 when brackets do not pair.  The driver compiles
 * the pattern; this finds the slips of the pen. */
static int
regex_groups(const char *p)
{
	int groups = 0, depth = 0;

	for (; *p; p++) {
		if (p[0] == '\\' && !p[1])
			return -1;
		if (p[0] == '\\') {
			p++;
			continue;
		}
		if (*p == '[')
			p = skip_class(p);
		if (!p)
			return -1;
		groups += *p == '(' && captures(p);
		depth += (*p == '(') - (*p == ')');
		if (depth < 0)
			return -1;
	}
	return depth == 0 ? groups : -1;
}

static void
check_groups(struct draft *d, int groups)
{
	struct ini_section *s = draft_section(d, "field");

	for (size_t i = 0; i < d->t.n_fields; i++) {
		const struct field *f = &d->t.fields[i];
		const struct ini_item *item = ini_find(s, f->name);

		if (f->from > groups && !item->bad)
			note_error(d->notes, ini_place(s, item),
			    "%s: regex has no group %d", f->name, f->from);
	}
}

void
tmpl_check_regex(struct draft *d)
{
	const struct parse *p = &d->t.parse;
	struct place at = draft_place(d, "parse", "regex");
	int groups;

	if (p->format != PARSE_REGEX && p->regex)
		note_error(d->notes, at, "regex belongs to format = regex");
	if (p->format != PARSE_REGEX)
		return;
	if (!p->regex) {
		note_error(d->notes, at, "format = regex needs regex");
		return;
	}
	groups = regex_groups(p->regex);
	if (groups < 0)
		note_error(d->notes, at,
		    "regex: a bracket is not closed or not opened");
	else
		check_groups(d, groups);
}
