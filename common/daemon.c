#include "common/daemon.h"

#include "common/err.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

enum { OPT_HELP_CONFIG = 256, OPT_MORE };

static const struct option common[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'n' },
	{ "print", no_argument, NULL, 'p' },
	{ "help-config", no_argument, NULL, OPT_HELP_CONFIG },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
};

enum { COMMON = sizeof(common) / sizeof(common[0]) };

/* The last one is left zeroed. */
static void
all_options(
    const char *const *more, struct option out[COMMON + DAEMON_MORE + 1])
{
	memcpy(out, common, sizeof(common));
	for (int i = 0; more && more[i]; i++) {
		assert(i < DAEMON_MORE);
		out[COMMON + i] = (struct option){ .name = more[i],
			.has_arg = no_argument,
			.val = OPT_MORE + i };
	}
}

int
daemon_args(int argc, char **argv, const struct daemon_about *about,
    struct daemon_args *out)
{
	struct option options[COMMON + DAEMON_MORE + 1] = { 0 };
	int c;

	all_options(about->more, options);
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
			if (c >= OPT_MORE) {
				out->more[c - OPT_MORE] = true;
				break;
			}
			fputs(about->usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (about->more && optind < argc)
		out->operand = argv[optind++];
	if (out->path && optind == argc)
		return -1;
	if (optind < argc)
		fprintf(
		    stderr, "%s: what is \"%s\"?\n", about->name, argv[optind]);
	fputs(about->usage, stderr);
	return EXIT_USAGE;
}
