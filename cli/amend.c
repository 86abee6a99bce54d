#include "cli/amend.h"

#include "cli/bridge.h"
#include "cli/say.h"
#include "common/mem.h"
#include "config/config.h"
#include "config/save.h"
#include "drivers/check.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_NEW = 0644, MODE_FOLDER = 0755 };

/* A daemon that was started in a terminal may have a name from there. */
static char *
main_file(const json_t *status)
{
	const char *path = json_string_value(
	    json_array_get(json_object_get(status, "config"), 0));

	return path && path[0] == '/' ? mem_strdup(path) : NULL;
}

int
amend_running(const struct call *c, char **conf, char **error)
{
	struct daemon_call dc = { .silence_ms = 0 };
	json_t *d;
	int code = bridge_talk(c, &dc, json_pack("{s:s}", "cmd", "status"), &d);

	*conf = main_file(d);
	*error = dc.error;
	json_decref(d);
	return code;
}

bool
amend_same(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 &&
	    one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int
amend_conf(const struct call *c, char **conf)
{
	json_t *d;
	int code = bridge_ask(c, json_pack("{s:s}", "cmd", "status"), &d);

	if (code != EXIT_OK)
		return code;
	*conf = c->global[BRIDGE_CONFIG] ? NULL : main_file(d);
	if (!*conf)
		*conf = mem_strdup(bridge_conf(c));
	json_decref(d);
	return EXIT_OK;
}

static int
not_writable(const char *folder)
{
	int why = errno;
	struct errbuf eb;

	errbuf_errno(&eb, "cannot write into %s", folder);
	if (why == EROFS)
		return say_exit(EXIT_FAILED,
		    "%s; the file system is read-only (mount tells why)",
		    eb.text);
	return say_exit(
	    EXIT_REFUSED, "%s; the configuration is root's: use sudo", eb.text);
}

/* The folder is made, as the package would have; root writes everywhere, so
 * access() tells of a read-only disk alone. */
static int
open_folder(const char *path)
{
	char *copy = mem_strdup(path);
	const char *folder = dirname(copy);
	int code = EXIT_OK;

	if ((access(folder, F_OK) != 0 && mkdir(folder, MODE_FOLDER) != 0) ||
	    access(folder, W_OK | X_OK) != 0)
		code = not_writable(folder);
	free(copy);
	return code;
}

static int
read_file(struct amend *a)
{
	struct errbuf eb;

	if (save_read(a->path, &a->was, &a->there, &eb) != OK)
		return say_exit(EXIT_FAILED, "%s", eb.text);
	if (a->was.len)
		buf_add(&a->now, a->was.data, a->was.len);
	return EXIT_OK;
}

int
amend_begin(char *conf, const char *name, struct amend *a)
{
	char *copy = mem_strdup(conf);
	const char *folder = dirname(copy);
	struct errbuf eb;
	int code;

	*a = (struct amend){ .conf = conf, .lock = -1 };
	a->path = mem_printf("%s/%s", folder, name);
	code = open_folder(a->path);
	if (code == EXIT_OK && save_lock(folder, &a->lock, &eb) != OK)
		code = say_exit(EXIT_FAILED, "%s", eb.text);
	if (code == EXIT_OK)
		code = read_file(a);
	free(copy);
	return code;
}

static void
put_back(const struct amend *a)
{
	struct errbuf eb;
	enum err e = a->there ? save_write(a->path, &a->was, MODE_NEW, &eb)
			      : save_remove(a->path, &eb);

	if (e == OK)
		say("%s is as it was before", a->path);
	else
		say("%s; what was added there is not in use, take it out by "
		    "hand",
		    eb.text);
}

/* The errors among the notes, each on a line. */
static void
print_errors(struct buf *text)
{
	json_t *notes = bridge_notes(text), *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		const char *line = json_string_value(note);

		if (strstr(line, ": error: "))
			fprintf(stderr, "%s\n", line);
	}
	json_decref(notes);
}

static bool
is_good(const char *conf)
{
	struct buf notes = { 0 };
	struct cfg *cfg = NULL;
	bool good = cfg_load(conf, false, &cfg, &notes) == OK &&
	    check_config(cfg, &notes);

	if (!good)
		print_errors(&notes);
	cfg_free(cfg);
	buf_fini(&notes);
	return good;
}

/* Somebody may edit by hand while a question waits for its answer. */
static bool
is_as_it_was(const struct amend *a)
{
	struct buf now = { 0 };
	struct errbuf eb;
	bool there, same;

	same = save_read(a->path, &now, &there, &eb) == OK &&
	    there == a->there && now.len == a->was.len &&
	    (!now.len || memcmp(now.data, a->was.data, now.len) == 0);
	buf_fini(&now);
	return same;
}

int
amend_write(struct amend *a)
{
	struct errbuf eb;

	if (!is_as_it_was(a))
		return say_exit(EXIT_FAILED,
		    "%s was changed meanwhile, and nothing is written; look at "
		    "it and try again",
		    a->path);
	if (save_write(a->path, &a->now, MODE_NEW, &eb) != OK)
		return say_exit(EXIT_FAILED, "%s", eb.text);
	if (is_good(a->conf))
		return EXIT_OK;
	say("with that the configuration would have errors");
	put_back(a);
	return EXIT_CONFIG;
}

int
amend_take(const struct call *c, struct amend *a)
{
	struct daemon_call dc = { .silence_ms = 0 };
	json_t *d;
	int code = amend_write(a);

	if (code != EXIT_OK)
		return code;
	code = bridge_tell(c, &dc, json_pack("{s:s}", "cmd", "reload"), &d);
	json_decref(d);
	if (code == EXIT_OK)
		return code;
	if (dc.unanswered)
		return say_exit(EXIT_TIMEOUT,
		    "whether thingbridged has read %s is not known; "
		    "thingbridge reload tells",
		    a->path);
	put_back(a);
	return code;
}

void
amend_fini(struct amend *a)
{
	/* One that never began has no lock either. */
	if (a->conf && a->lock >= 0)
		close(a->lock);
	free(a->conf);
	free(a->path);
	buf_fini(&a->was);
	buf_fini(&a->now);
}
