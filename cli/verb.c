#include "cli/verb.h"

#include "cli/say.h"
#include "config/value.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* getopt_long hands back these numbers: a letter could clash between a
 * program's options and those of its commands. */
enum { CODE_HELP = 1000, CODE_VERSION, CODE_GLOBAL = 2000, CODE_VERB = 3000 };

static const struct opt common_opts[] = {
	{ "help", 'h', NULL, "this help; --version prints the version" },
	{ "version", 0, NULL, NULL },
	{ NULL, 0, NULL, NULL },
};

/* The tables, in the form that getopt_long wants. */
struct grammar {
	struct option longs[2 * OPT_MAX + 3];
	struct {
		char letter;
		int code;
	} letters[2 * OPT_MAX + 3];
	size_t n, n_letters;
	char shorts[4 * OPT_MAX + 8];
};

static void
grammar_add(struct grammar *g, const struct opt *o, int base)
{
	for (int i = 0; o && o[i].name; i++) {
		size_t len = strlen(g->shorts);

		g->longs[g->n].name = o[i].name;
		g->longs[g->n].has_arg =
		    o[i].arg ? required_argument : no_argument;
		g->longs[g->n++].val = base + i;
		if (!o[i].letter)
			continue;
		g->letters[g->n_letters].letter = o[i].letter;
		g->letters[g->n_letters++].code = base + i;
		snprintf(g->shorts + len, sizeof(g->shorts) - len, "%c%s",
		    o[i].letter, o[i].arg ? ":" : "");
	}
}

/* A command's letter goes before the program's own: it was added first. */
static int
grammar_code(const struct grammar *g, int c)
{
	for (size_t i = 0; c < CODE_HELP && i < g->n_letters; i++)
		if (g->letters[i].letter == c)
			return g->letters[i].code;
	return c;
}

static void
print_opts(const struct opt *o)
{
	for (; o && o->name; o++) {
		char left[64];
		int n;

		if (!o->help)
			continue;
		n = snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
		    o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		    o->letter ? "," : " ", o->name, o->arg ? " " : "",
		    o->arg ? o->arg : "");

		printf("  %-24s%s%s\n", left, n > 23 ? " " : "", o->help);
	}
}

static void
help_program(const struct program *p)
{
	printf("usage: %s [OPTION...] COMMAND [ARGUMENT...]\n\n%s\n\n", p->name,
	    p->purpose);
	for (const struct verb *v = p->verbs; v->name; v++)
		printf("  %-11s %s\n", v->name, v->help);
	putchar('\n');
	print_opts(p->opts);
	print_opts(common_opts);
	printf("\n%s COMMAND --help tells more.  Exit codes: %s(1).\n"
	       "example: %s\n",
	    p->name, p->name, p->example);
}

static void
help_verb(const struct program *p, const struct verb *v)
{
	printf("usage: %s [OPTION...] %s%s%s\n\n%s\n", p->name, v->name,
	    *v->args ? " " : "", v->args, v->help);
	if (v->more)
		printf("%s\n", v->more);
	putchar('\n');
	print_opts(v->opts);
	print_opts(p->opts);
	print_opts(common_opts);
	printf("\nexample: %s\n", v->example);
}

int
verb_usage(const struct call *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return say_exit(EXIT_USAGE, "%s (see %s%s%s --help)", text,
	    c->program->name, c->verb ? " " : "", c->verb ? c->verb->name : "");
}

static int
unknown_option(const struct call *c, const struct grammar *g, const char *arg)
{
	char word[64], hint[64];
	struct guess guess = { .word = word };

	if (optopt >= CODE_HELP || grammar_code(g, optopt) != optopt)
		return verb_usage(
		    c, "%s: a value is missing, or one too many", arg);
	if (strncmp(arg, "--", 2) != 0)
		return verb_usage(c, "unknown option -%c", optopt);
	snprintf(
	    word, sizeof(word), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	for (size_t i = 0; i < g->n; i++)
		guess_try(&guess, g->longs[i].name);
	return verb_usage(c, "unknown option --%s%s", word,
	    guess_hint(&guess, hint, sizeof(hint)));
}

enum { GO_ON = -1 };

/* take_options reads options; GO_ON, or the exit code when all is done. */
static int
take_options(struct call *c, struct grammar *g, int argc, char **argv)
{
	int code;

	opterr = 0;
	optind = 0; /* begin anew */
	while (
	    (code = getopt_long(argc, argv, g->shorts, g->longs, NULL)) != -1) {
		const char *value = optarg ? optarg : "";

		if (code == '?' || code == ':')
			return unknown_option(c, g, argv[optind - 1]);
		code = grammar_code(g, code);
		if (code == CODE_VERSION) {
			printf("%s %s\n", c->program->name, TB_VERSION);
			return EXIT_OK;
		}
		if (code == CODE_HELP) {
			if (c->verb)
				help_verb(c->program, c->verb);
			else
				help_program(c->program);
			return EXIT_OK;
		}
		if (code >= CODE_VERB)
			c->opt[code - CODE_VERB] = value;
		else
			c->global[code - CODE_GLOBAL] = value;
	}
	return GO_ON;
}

static const struct verb *
find_verb(const struct program *p, const char *name)
{
	for (const struct verb *v = p->verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static int
unknown_verb(const struct call *c, const char *name)
{
	struct guess guess = { .word = name };
	char hint[64];

	for (const struct verb *v = c->program->verbs; v->name; v++)
		guess_try(&guess, v->name);
	return verb_usage(c, "unknown command \"%s\"%s", name,
	    guess_hint(&guess, hint, sizeof(hint)));
}

static int
run_verb(struct call *c, int argc, char **argv)
{
	struct grammar g = { .n = 0 };
	int code;

	grammar_add(&g, c->verb->opts, CODE_VERB);
	grammar_add(&g, c->program->opts, CODE_GLOBAL);
	grammar_add(&g, common_opts, CODE_HELP);
	code = take_options(c, &g, argc, argv);
	if (code != GO_ON)
		return code;
	c->argc = argc - optind;
	c->argv = argv + optind;
	if (c->argc < c->verb->min)
		return verb_usage(
		    c, "%s needs %s", c->verb->name, c->verb->args);
	if (c->verb->max >= 0 && c->argc > c->verb->max)
		return verb_usage(c, "%s is too much for %s",
		    c->argv[c->verb->max], c->verb->name);
	return c->verb->run(c);
}

/* A character set that can show a name; the other locale categories stay "C",
 * since numbers and dates are for programs too. */
static void
set_charset(void)
{
	if (!setlocale(LC_CTYPE, "") ||
	    !strstr(setlocale(LC_CTYPE, NULL), "UTF"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

int
verb_main(const struct program *p, int argc, char **argv)
{
	struct call c = { .program = p };
	struct grammar g = { .shorts = "+" };
	struct rlimit no_core = { 0, 0 };
	int code;

	say_open(p->name);
	set_charset();
	setrlimit(RLIMIT_CORE, &no_core); /* it would hold secrets */
	signal(SIGPIPE, SIG_IGN);
	grammar_add(&g, p->opts, CODE_GLOBAL);
	grammar_add(&g, common_opts, CODE_HELP);
	code = take_options(&c, &g, argc, argv);
	if (code != GO_ON)
		return code;
	if (optind == argc) {
		help_program(p);
		return EXIT_USAGE;
	}
	c.verb = find_verb(p, argv[optind]);
	if (!c.verb)
		return unknown_verb(&c, argv[optind]);
	code = run_verb(&c, argc - optind, argv + optind);
	if (fflush(stdout) != 0 && code == EXIT_OK)
		code = say_exit(EXIT_FAILED, "cannot write to standard output");
	return code;
}
