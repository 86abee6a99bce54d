/* thingbridged: reads the configuration and hands over to the loop. */
#include "common/buf.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "config/config.h"
#include "drivers/check.h"
#include "gateway/gateway.h"

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

static const struct daemon_about about = { "thingbridged", usage, cfg_help,
	NULL };

int
main(int argc, char **argv)
{
	struct daemon_args a = { .path = "/etc/thingbridge/thingbridge.conf" };
	struct buf notes = { 0 };
	struct cfg *cfg;
	int rc = daemon_args(argc, argv, &about, &a);
	enum err e;

	if (rc >= 0)
		return rc;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write that fails is told instead */
	umask(0077);
	e = cfg_load(a.path, !a.print, &cfg, &notes);
	if (e == OK && !check_config(cfg, &notes))
		e = ERR_CONFIG;
	if (notes.len)
		fputs(notes.data, stderr);
	buf_fini(&notes);
	if (e != OK) {
		cfg_free(cfg);
		return EXIT_CONFIG;
	}
	if (a.print)
		cfg_print(cfg, stdout);
	if (a.check || a.print) {
		cfg_free(cfg);
		return EXIT_OK;
	}
	log_open((enum log_level)cfg->gateway.log);
	return gateway_run(cfg, &clock_system);
}
