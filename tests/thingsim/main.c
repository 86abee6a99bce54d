/* thingsim: a plant to practise and test on. */
#include "common/buf.h"
#include "common/err.h"
#include "tests/thingsim/command.h"
#include "tests/thingsim/console.h"
#include "tests/thingsim/plant.h"
#include "tests/thingsim/setup.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct options {
	const char *file, *control;
	uint64_t seed;
};

static const char usage[] =
    "usage: thingsim -c FILE [--control PATH] [--seed N]\n"
    "       thingsim --help-config | --version | --help\n";

static const char options_help[] =
    "\n"
    "  -c, --config FILE   the plant: its buses and units\n"
    "      --control PATH  take commands at a Unix socket, a line each;\n"
    "                      answers begin with ok or error\n"
    "      --seed N        of all that is left to chance (1)\n"
    "\n"
    "Commands:\n";

static void
help(void)
{
	fputs(usage, stdout);
	fputs(options_help, stdout);
	command_help(stdout);
	fputs("\nKinds of faults:\n", stdout);
	fault_help(stdout);
}

enum { OPT_CONTROL = 256, OPT_SEED, OPT_HELP_CONFIG, OPT_VERSION };

static const struct option longs[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "help-config", no_argument, NULL, OPT_HELP_CONFIG },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* get_options returns -1 to go on, or the code to exit with. */
static int
get_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case OPT_CONTROL:
			o->control = optarg;
			break;
		case OPT_SEED:
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case OPT_HELP_CONFIG:
			setup_help(stdout);
			return EXIT_OK;
		case OPT_VERSION:
			puts("thingsim " TB_VERSION);
			return EXIT_OK;
		case 'h':
			help();
			return EXIT_OK;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (o->file && optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static void
on_signal(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg);
}

/* TERM and INT end the loop, so that links and sockets are taken away. */
static int
watch_signals(struct loop *l)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd >= 0)
		loop_watch(l, fd, LOOP_READABLE, on_signal, l);
	return fd;
}

/* A large plant has more sockets than a program is given at first. */
static void
allow_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static void
print_plant(const struct plant *p)
{
	for (size_t i = 0; i < p->n_buses; i++)
		printf("bus %s %s\n", p->buses[i]->name, p->buses[i]->where);
	puts("ready");
	fflush(stdout);
}

static enum err
run(struct plant *p, const struct options *o, struct errbuf *eb)
{
	struct console *con = NULL;
	enum err e = plant_start(p, eb);

	if (e == OK && o->control)
		e = console_open(p, o->control, &con, eb);
	if (e == OK) {
		print_plant(p);
		loop_run(p->loop);
	}
	console_close(con);
	return e;
}

int
main(int argc, char **argv)
{
	struct options o = { .seed = 1 };
	struct errbuf eb = { "" };
	struct buf notes = { 0 };
	struct plant *p;
	struct loop *l;
	enum err e;
	int code = get_options(argc, argv, &o), signals;

	if (code >= 0)
		return code;
	allow_descriptors();
	l = loop_new();
	signals = watch_signals(l);
	p = plant_new(l, o.seed);
	e = setup_load(p, o.file, &notes);
	if (notes.len)
		fputs(notes.data, stderr);
	if (e == OK) {
		e = run(p, &o, &eb);
		if (e != OK)
			fprintf(stderr, "thingsim: %s\n", eb.text);
	}
	buf_fini(&notes);
	plant_free(p);
	loop_free(l);
	if (signals >= 0)
		close(signals);
	return (int)err_exit(e);
}
