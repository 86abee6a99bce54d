/* The command line that the daemons share. */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include <stdbool.h>
#include <stdio.h>

struct daemon_about {
	const char *name;
	const char *usage; /* the whole text of --help */
	void (*help_config)(FILE *out);
	const char *const *more; /* long options of its own, up to a NULL; with
				    them one operand is taken.  May be NULL */
};

enum { DAEMON_MORE = 8 };

struct daemon_args {
	const char *path;       /* -c FILE; the caller's default, or NULL */
	bool check, print;      /* -n, -p */
	bool more[DAEMON_MORE]; /* which of about->more were given */
	const char *operand;    /* or NULL */
};

/* daemon_args reads -c -n -p -h -V, --help-config and about->more into *out,
 * which holds the defaults.  A path is required.
 * Returns -1 to go on, else the exit code: what was asked for was printed, or
 * the usage on stderr.  Thread: main. */
int daemon_args(int argc, char **argv, const struct daemon_about *about,
    struct daemon_args *out);

#endif
