/* Programs with subcommands: one table serves parsing, help and guesses. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "common/err.h"

#include <stdbool.h>

struct opt {
	const char *name; /* long */
	char letter;      /* or 0 */
	const char *arg;  /* what it takes; NULL: a flag */
	const char *help;
};

enum { OPT_MAX = 20, VERB_WORDS_MAX = 16 };

struct call;

enum {
	VERB_NUMBER = 1, /* the last operand may be a number, -5 for one */
	VERB_MINOR = 2,  /* the program's help just names it */
};

struct verb {
	const char *name;
	const char *args;       /* "NODE [FIELD...]" */
	const char *help;       /* one line */
	const char *more;       /* further lines for its own help, or NULL */
	const char *examples;   /* two, a line each */
	const struct opt *opts; /* ends with a NULL name; NULL: none */
	int min, max;           /* operands; max -1: any number */
	int (*run)(const struct call *c); /* returns the exit code */
	unsigned flags;                   /* VERB_... */
};

struct program {
	const char *name, *purpose;
	const struct opt *opts;   /* before and after the command */
	const struct verb *verbs; /* ends with a NULL name */
	/* NULL, or prints what an operand (NODE) or the value of an option
	 * (its long name) can be, a line each: for the shell's completion. */
	void (*words)(const struct call *c, const char *what);
};

/* One command as given.  The values stand where their options stand in the
 * tables: NULL not given, "" a flag. */
struct call {
	const struct program *program;
	const struct verb *verb;
	const char *global[OPT_MAX], *opt[OPT_MAX];
	int argc;
	char **argv;
};

/* verb_main reads the command line and runs the command; help, --help,
 * --version and mistakes end here.  Returns the exit code. */
int verb_main(const struct program *p, int argc, char **argv);

/* verb_again runs another command of the same program, with the options of the
 * program that this one was given; words end with NULL.  Returns its exit code.
 */
int verb_again(const struct call *c, const char *const *words);

/* verb_find returns the verb of that name; NULL when there is none. */
const struct verb *verb_find(const struct program *p, const char *name);

/* verb_usage says what is wrong and where the help is; returns EXIT_USAGE. */
int verb_usage(const struct call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
