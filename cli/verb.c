#include "cli/verb.h"

#include "cli/complete.h"
#include "cli/say.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "config/value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The options in one line: a program with many commands still fits a screen. */
static void
print_opts_short(const struct opt *o)
{
	for (; o && o->name; o++)
		printf("  %s%s%s%s", o->letter && o->arg ? "-" : "--",
		    o->letter && o->arg ? (char[]){ o->letter, '\0' } : o->name,
		    o->arg ? " " : "", o->arg ? o->arg : "");
}

static void
print_minor(const struct program *p)
{
	bool any = false;

	for (const struct verb *v = p->verbs; v->name; v++) {
		if (!(v->flags & VERB_MINOR))
			continue;
		printf("  %s%s", any ? "" : "and: ", v->name);
		any = true;
	}
	if (any)
		putchar('\n');
}

static void
help_program(const struct program *p)
{
	printf("%s COMMAND [ARGUMENT...]: %s\n\n", p->name, p->purpose);
	for (const struct verb *v = p->verbs; v->name; v++)
		if (!(v->flags & VERB_MINOR))
			printf("  %-11s %s\n", v->name, v->help);
	putchar('\n');
	print_minor(p);
	print_opts_short(p->opts);
	print_opts_short(common_opts);
	printf(
	    "\n%s COMMAND --help tells more, with examples.  Manual: %s(1)\n",
	    p->name, p->name);
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
	fputs("\nexamples:\n", stdout);
	for (const char *s = v->examples; *s;) {
		size_t n = strcspn(s, "\n");

		printf("  %.*s\n", (int)n, s);
		s += n + (s[n] == '\n');
	}
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
		return verb_usage(c,
		    strchr(arg, '=') ? "%.*s takes no value"
				     : "%.*s needs a value",
		    (int)strcspn(arg, "="), arg);
	if (isdigit((unsigned char)optopt))
		return verb_usage(c, "%s is too small, or no option", arg);
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

const struct verb *
verb_find(const struct program *p, const char *name)
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

	guess_try(&guess, "help");
	for (const struct verb *v = c->program->verbs; v->name; v++)
		guess_try(&guess, v->name);
	return verb_usage(c, "unknown command \"%s\"%s", name,
	    guess_hint(&guess, hint, sizeof(hint)));
}

static bool
looks_negative(const char *arg)
{
	return arg[0] == '-' &&
	    (arg[1] == '.' || isdigit((unsigned char)arg[1]));
}

/* spare_number moves the last operand behind "--" when it is a negative number:
 * getopt would take it for an option.  args has room for one more. */
static int
spare_number(int argc, char **args)
{
	static char end[] = "--";

	for (int i = 1; i < argc && strcmp(args[i], end) != 0; i++) {
		char *number = args[i];

		if (!looks_negative(number))
			continue;
		memmove(&args[i], &args[i + 1],
		    (size_t)(argc - i - 1) * sizeof(*args));
		args[argc - 1] = end;
		args[argc] = number;
		return argc + 1;
	}
	return argc;
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
	for (int i = 0; i < c->argc; i++)
		if (!utf8_valid(c->argv[i], strlen(c->argv[i])))
			return verb_usage(c, "the arguments are not UTF-8");
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

static int
run_help(struct call *c, const char *name)
{
	if (!name) {
		help_program(c->program);
		return EXIT_OK;
	}
	c->verb = verb_find(c->program, name);
	if (!c->verb)
		return unknown_verb(c, name);
	help_verb(c->program, c->verb);
	return EXIT_OK;
}

/* The arguments in an array of their own, with room for one more. */
static int
run_named(struct call *c, int argc, char **argv)
{
	char **args = mem_array((size_t)argc + 2, sizeof(*args));
	int code;

	memcpy(args, argv, (size_t)argc * sizeof(*args));
	if (c->verb->flags & VERB_NUMBER)
		argc = spare_number(argc, args);
	code = run_verb(c, argc, args);
	free(args);
	return code;
}

int
verb_again(const struct call *c, const char *const *words)
{
	struct call next = { .program = c->program };
	char *argv[VERB_WORDS_MAX];
	int argc = 0, code;

	memcpy(next.global, c->global, sizeof(next.global));
	next.verb = verb_find(c->program, words[0]);
	for (; words[argc]; argc++) {
		assert(argc < VERB_WORDS_MAX);
		argv[argc] = mem_strdup(words[argc]);
	}
	code = run_named(&next, argc, argv);
	while (argc > 0)
		free(argv[--argc]);
	return code;
}

static int
run(struct call *c, int argc, char **argv)
{
	struct grammar g = { .shorts = "+" };
	int code;

	grammar_add(&g, c->program->opts, CODE_GLOBAL);
	grammar_add(&g, common_opts, CODE_HELP);
	code = take_options(c, &g, argc, argv);
	if (code != GO_ON)
		return code;
	if (optind == argc) {
		help_program(c->program);
		return EXIT_USAGE;
	}
	if (strcmp(argv[optind], COMPLETE_VERB) == 0)
		return complete_run(
		    c->program, argc - optind - 1, argv + optind + 1);
	if (strcmp(argv[optind], "help") == 0)
		return run_help(c, argv[optind + 1]);
	c->verb = verb_find(c->program, argv[optind]);
	if (!c->verb)
		return unknown_verb(c, argv[optind]);
	return run_named(c, argc - optind, argv + optind);
}

int
verb_main(const struct program *p, int argc, char **argv)
{
	struct call c = { .program = p };
	struct rlimit no_core = { 0, 0 };
	int code;

	say_open(p->name);
	set_charset();
	setrlimit(RLIMIT_CORE, &no_core); /* it would hold secrets */
	signal(SIGPIPE, SIG_IGN);
	code = run(&c, argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_OK)
		code = errno == EPIPE
		    ? EXIT_FAILED /* who reads has gone */
		    : say_exit(EXIT_FAILED, "cannot write to standard output");
	return code;
}
