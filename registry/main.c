/* thingregistryd: start order, nothing else. */
#include "common/buf.h"
#include "common/daemon.h"
#include "common/err.h"
#include "common/log.h"
#include "config/config.h"
#include "registry/registry.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: thingregistryd -c FILE [-n | -p]\n"
    "A Thing Registry (XEP-0347), as a component of an XMPP server.  Runs in\n"
    "the foreground and logs to stderr.\n"
    "\n"
    "  -c, --config FILE  the configuration\n"
    "  -n, --check        check the configuration and exit\n"
    "  -p, --print        print what was understood of it and exit\n"
    "      --help-config  every section and key, with defaults\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "  SIGTERM stops.\n"
    "  Example: thingregistryd -c /etc/thingbridge/thingregistryd.conf -n\n";

static const struct daemon_about about = { "thingregistryd", usage,
	cfg_help_registryd };

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
	registry_start(registry);
	uv_run(loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	return EXIT_OK;
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
	rc = a.check || a.print ? EXIT_OK : (int)serve(&config);
	cfg_component_fini(&config);
	return rc;
}
