/* The command line that the daemons share. */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include <stdbool.h>
#include <stdio.h>

struct daemon_about {
	const char *name;
	const char *usage; /* the whole text of --help */
	void (*help_config)(FILE *out);
};

struct daemon_args {
	const char *path;  /* -c FILE; the caller's default, or NULL */
	bool check, print; /* -n, -p */
};

/* daemon_args reads -c -n -p -h -V and --help-config into *out, which holds the
 * defaults.  A path is required.
 * Returns -1 to go on, else the exit code: what was asked for was printed, or
 * the usage on stderr.  Thread: main. */
int daemon_args(int argc, char **argv, const struct daemon_about *about,
    struct daemon_args *out);

#endif
