/* thingbridged: reads the configuration and hands over to the loop. */
#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "config/config.h"
#include "gateway/gateway.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: thingbridged [-c FILE] [-n | -p]\n"
    "Polls field devices and presents each as an XMPP Thing that its owner\n"
    "can claim.  Runs in the foreground and logs to stderr.\n"
    "\n"
    "  -c, --config FILE  default /etc/thingbridge/thingbridge.conf\n"
    "  -n, --check        check the configuration and exit\n"
    "  -p, --print        print what was understood of it and exit\n"
    "      --help-config  every section and key, with defaults\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "  SIGHUP reads the configuration again, SIGTERM stops.\n"
    "  Example: thingbridged -c /etc/thingbridge/thingbridge.conf -n\n";

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

struct args {
	const char *path;
	bool check, print;
};

/* Returns -1 to go on, or the exit code. */
static int
parse(int argc, char **argv, struct args *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:nphV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a->path = optarg;
			break;
		case 'n':
			a->check = true;
			break;
		case 'p':
			a->print = true;
			break;
		case OPT_HELP_CONFIG:
			cfg_help(stdout);
			return EXIT_OK;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		case 'V':
			puts("thingbridged " TB_VERSION);
			return EXIT_OK;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(
	    stderr, "thingbridged: what is \"%s\"?\n%s", argv[optind], usage);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct args a = { .path = "/etc/thingbridge/thingbridge.conf" };
	struct buf notes = { 0 };
	struct cfg *cfg;
	int rc = parse(argc, argv, &a);
	enum err e;

	if (rc >= 0)
		return rc;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write that fails is told instead */
	umask(0077);
	e = cfg_load(a.path, !a.print, &cfg, &notes);
	if (notes.len)
		fputs(notes.data, stderr);
	buf_fini(&notes);
	if (e != OK)
		return EXIT_CONFIG;
	if (a.print)
		cfg_print(cfg, stdout);
	if (a.check || a.print) {
		cfg_free(cfg);
		return EXIT_OK;
	}
	log_open((enum log_level)cfg->gateway.log);
	return gateway_run(cfg, &clock_system);
}
