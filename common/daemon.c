#include "common/daemon.h"

#include "common/err.h"

#include <getopt.h>

enum { OPT_HELP_CONFIG = 256 };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'n' },
	{ "print", no_argument, NULL, 'p' },
	{ "help-config", no_argument, NULL, OPT_HELP_CONFIG },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

int
daemon_args(int argc, char **argv, const struct daemon_about *about,
    struct daemon_args *out)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:nphV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			out->path = optarg;
			break;
		case 'n':
			out->check = true;
			break;
		case 'p':
			out->print = true;
			break;
		case OPT_HELP_CONFIG:
			about->help_config(stdout);
			return EXIT_OK;
		case 'h':
			fputs(about->usage, stdout);
			return EXIT_OK;
		case 'V':
			printf("%s %s\n", about->name, TB_VERSION);
			return EXIT_OK;
		default:
			fputs(about->usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (out->path && optind == argc)
		return -1;
	if (optind < argc)
		fprintf(
		    stderr, "%s: what is \"%s\"?\n", about->name, argv[optind]);
	fputs(about->usage, stderr);
	return EXIT_USAGE;
}
