/* thingregistryd: what is asked of it, and the start order. */
#include "common/buf.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "config/config.h"
#include "registry/registry.h"
#include "registry/service.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: thingregistryd -c FILE [-n | -p]\n"
    "       thingregistryd -c FILE --export [FILE] | --import [FILE] |\n"
    "                      --backup FILE | --stats [--json]\n"
    "A Thing Registry (XEP-0347), as a component of an XMPP server or as an\n"
    "account on it.  Runs in the foreground and logs to stderr.\n"
    "\n"
    "  -c, --config FILE  the configuration\n"
    "  -n, --check        check the configuration and exit\n"
    "  -p, --print        print what was understood of it and exit\n"
    "      --help-config  every section and key, with defaults\n"
    "      --export       write all things as JSON lines to a file or stdout,\n"
    "                     KEYs among them (to a terminal: --show-secrets)\n"
    "      --import       fill an empty store with an export; not while it "
    "runs\n"
    "      --backup       copy the store to a file\n"
    "      --stats        count what the store holds; --json for programs\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "  SIGTERM stops.\n"
    "  Example: thingregistryd -c /etc/thingbridge/thingregistryd.conf -n\n";

enum { EXPORT, IMPORT, BACKUP, STATISTICS, SHOW_SECRETS, JSON };
static const char *const more[] = { [EXPORT] = "export",
	[IMPORT] = "import",
	[BACKUP] = "backup",
	[STATISTICS] = "stats",
	[SHOW_SECRETS] = "show-secrets",
	[JSON] = "json",
	NULL };

static const struct daemon_about about = { "thingregistryd", usage,
	cfg_help_registryd, more };

/* One thing at a time, and only what goes with it. */
static bool
makes_sense(const struct daemon_args *a)
{
	const bool *is = a->more;
	int asked = a->check + a->print + is[EXPORT] + is[IMPORT] + is[BACKUP] +
	    is[STATISTICS];
	bool file = is[EXPORT] || is[IMPORT] || is[BACKUP];

	return asked <= 1 && (!a->operand || file) &&
	    (a->operand || !is[BACKUP]) && (is[EXPORT] || !is[SHOW_SECRETS]) &&
	    (is[STATISTICS] || !is[JSON]);
}

static void
on_signal(uv_signal_t *handle, int number)
{
	struct registry **r = handle->data;

	(void)number;
	if (*r)
		registry_stop(r);
	uv_unref((uv_handle_t *)handle);
}

static enum exit_code
serve(const struct cfg_component *config)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	uv_loop_t *loop = uv_default_loop();
	struct service_figures figures;
	uv_signal_t signals[2];
	struct registry *registry;
	struct errbuf eb;
	enum err e;

	e = registry_new(loop, config, &registry, &eb);
	if (e != OK) {
		log_err("main", "%s", eb.text);
		return err_exit(e);
	}
	for (size_t i = 0; i < 2; i++) {
		uv_signal_init(loop, &signals[i]);
		signals[i].data = &registry;
		uv_signal_start(&signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&signals[i]);
	}
	service_figures_start(&figures, loop, config->store);
	registry_start(registry);
	uv_run(loop, UV_RUN_DEFAULT);
	service_figures_stop(&figures);
	for (size_t i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	return EXIT_OK;
}

static enum exit_code
act(const struct daemon_args *a, const struct cfg_component *config)
{
	const char *store = config->store;

	if (a->check || a->print)
		return EXIT_OK;
	if (a->more[EXPORT])
		return service_export(store, a->operand, a->more[SHOW_SECRETS]);
	if (a->more[IMPORT])
		return service_import(store, a->operand);
	if (a->more[BACKUP])
		return service_backup(store, a->operand);
	if (a->more[STATISTICS])
		return service_stats(store, a->more[JSON]);
	return serve(config);
}

int
main(int argc, char **argv)
{
	struct daemon_args a = { 0 };
	struct cfg_component config;
	struct buf notes = { 0 };
	int rc = daemon_args(argc, argv, &about, &a);
	enum err e;

	if (rc >= 0)
		return rc;
	if (!makes_sense(&a)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(0077); /* the store holds KEYs */
	e = cfg_load_registryd(a.path, &config, &notes);
	if (notes.len)
		fputs(notes.data, stderr);
	buf_fini(&notes);
	if (e != OK)
		return EXIT_CONFIG;
	log_open((enum log_level)config.log);
	if (a.print)
		cfg_print_registryd(&config, stdout);
	rc = (int)act(&a, &config);
	cfg_component_fini(&config);
	return rc;
}
