#include "cli/complete.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 8, KIND_MAX = 32 };

static const struct opt *
find_long(const struct opt *o, const char *name, size_t len)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct opt *
find_letter(const struct opt *o, char letter)
{
	for (; o && o->name; o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

/* taker is the option that the word after this one belongs to, or NULL. */
static const struct opt *
taker(const struct opt *o, const char *word)
{
	const struct opt *found = NULL;

	if (word[0] != '-' || !word[1])
		return NULL;
	if (word[1] != '-' && !word[2])
		found = find_letter(o, word[1]);
	else if (word[1] == '-')
		found = find_long(o, word + 2, strlen(word + 2));
	return found && found->arg ? found : NULL;
}

static void
put_opts(const struct opt *o)
{
	for (; o && o->name; o++)
		printf("--%s\n", o->name);
}

/* What was given so far; of options only the program's own count. */
struct given {
	struct call call;
	const struct opt *open; /* whose value the last word is */
	bool strange;           /* there is no such command */
};

static const struct opt *
take_option(struct given *g, const char *word, const char *next)
{
	const struct program *p = g->call.program;
	const struct opt *o = taker(p->opts, word);

	if (o && next)
		g->call.global[o - p->opts] = next;
	if (!o && g->call.verb)
		o = taker(g->call.verb->opts, word);
	return o;
}

static void
take_words(struct given *g, int argc, char **argv)
{
	struct call *c = &g->call;

	c->argv = argv; /* the operands move to its beginning */
	for (int i = 0; i + 1 < argc; i++) {
		char *word = argv[i];

		assert(word);
		if (word[0] == '-' && word[1]) {
			const char *next = i + 2 < argc ? argv[i + 1] : NULL;

			g->open = take_option(g, word, next);
			if (!g->open || !next)
				continue;
			g->open = NULL;
			i++;
		} else if (!c->verb) {
			c->verb = verb_find(c->program, word);
			g->strange = !c->verb && strcmp(word, "help") != 0;
		} else {
			argv[c->argc++] = word;
		}
	}
}

/* put_kind tells what NODE, BUS, show ... stand for; "..." goes. */
static void
put_kind(const struct call *c, const char *word, size_t len)
{
	char kind[KIND_MAX];

	if (len >= 3 && memcmp(word + len - 3, "...", 3) == 0)
		len -= 3;
	if (len == 0 || len >= sizeof(kind))
		return;
	memcpy(kind, word, len);
	kind[len] = '\0';
	if (islower((unsigned char)kind[0]))
		puts(kind); /* such a word is meant as it stands */
	else if (c->program->words)
		c->program->words(c, kind);
}

/* put_operand reads the arguments of a verb as its help shows them:
 * "BUS ADDRESS [TEMPLATE | WHERE [TYPE]]".  What is behind a '|' stands where
 * its bracket began; options in it have been told already. */
static void
put_operand(const struct call *c)
{
	int begun[DEPTH_MAX] = { 0 }, depth = 0, at = 0;
	bool option = false;

	for (const char *s = c->verb->args; *s;) {
		size_t len = strcspn(s, " []|");
		bool more = len >= 3 && memcmp(s + len - 3, "...", 3) == 0;

		if (*s == '[' && depth + 1 < DEPTH_MAX)
			begun[++depth] = at;
		else if (*s == ']' && depth > 0)
			depth--;
		else if (*s == '|')
			at = begun[depth];
		if (len == 0) {
			option = option && *s == ' ';
			s++;
			continue;
		}
		option = option || *s == '-';
		if (!option && (at == c->argc || (more && at < c->argc)))
			put_kind(c, s, len);
		at += !option;
		s += len;
	}
}

int
complete_run(const struct program *p, int argc, char **argv)
{
	struct given g = { .call = { .program = p } };
	const char *last = argc > 0 ? argv[argc - 1] : "";

	take_words(&g, argc, argv);
	if (g.open) {
		if (p->words)
			p->words(&g.call, g.open->name);
	} else if (last[0] == '-') {
		put_opts(g.call.verb ? g.call.verb->opts : NULL);
		put_opts(p->opts);
		puts("--help");
	} else if (g.call.verb) {
		put_operand(&g.call);
	} else if (!g.strange) {
		for (const struct verb *v = p->verbs; v->name; v++)
			puts(v->name);
		puts("help");
	}
	return EXIT_OK;
}
