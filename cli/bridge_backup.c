#include "cli/bridge.h"

#include "cli/amend.h"
#include "cli/pack.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "common/clock.h"
#include "common/filelock.h"
#include "common/mem.h"
#include "config/config.h"
#include "config/save.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One run. */
struct job {
	const struct call *c;
	char *conf;
	json_t *copies; /* of a running daemon; NULL: none runs */
	int lock;       /* that keeps one from starting meanwhile; or -1 */
	int conf_lock;  /* and another backup, or a change of the files */
	struct pack pack;
	struct errbuf eb;
};

static enum err
add_part(struct job *j, const char *folder, const char *part)
{
	char *path = mem_printf("%s/%s", folder, part);
	char *name = mem_printf("config/%s", part);
	enum err e = OK;

	if (access(path, F_OK) == 0)
		e = pack_add(&j->pack, name, path, &j->eb);
	free(name);
	free(path);
	return e;
}

/* With a password that the daemon made, it keeps it beside its state; where the
 * pack is restored, all stand beside the configuration. */
static enum err
add_secrets(struct job *j, const char *state)
{
	char *conf = mem_strdup(j->conf), *copy = mem_strdup(state);
	char *given = mem_printf("%s/" PACK_SECRETS, dirname(conf));
	char *made = mem_printf("%s/" PACK_SECRETS, dirname(copy));
	enum err e =
	    pack_add_each(&j->pack, "config/" PACK_SECRETS, given, &j->eb);

	if (e == OK)
		e = pack_add_each(
		    &j->pack, "config/" PACK_SECRETS, made, &j->eb);
	free(made);
	free(given);
	free(copy);
	free(conf);
	return e;
}

static enum err
add_config(struct job *j)
{
	char *copy = mem_strdup(j->conf);
	const char *folder = dirname(copy);
	enum err e = pack_add(&j->pack, "config/" PACK_CONF, j->conf, &j->eb);

	for (size_t i = 0; e == OK && pack_parts[i]; i++)
		if (strcmp(pack_parts[i], PACK_SECRETS) != 0)
			e = add_part(j, folder, pack_parts[i]);
	free(copy);
	return e;
}

/* Root believes the daemon, who is not root, no more than it must: a copy is a
 * file of such a name. */
static bool
is_copy(const json_t *copy)
{
	static const char *const names[] = { "state.db", "history.db" };
	const char *path = out_string(copy, "path");
	const char *base = strrchr(path, '/');
	struct stat st;

	if (!base || strncmp(base, "/backup-", 8) != 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(out_string(copy, "name"), names[i]) == 0 &&
		    strcmp(base + 8, names[i]) == 0)
			return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
	return false;
}

static enum err
add_copies(struct job *j)
{
	const json_t *copy;
	enum err e = OK;
	size_t i;

	json_array_foreach(json_object_get(j->copies, "copies"), i, copy)
	{
		char *name = mem_printf("state/%s", out_string(copy, "name"));

		if (e == OK && !is_copy(copy))
			e = errbuf_set(&j->eb, ERR_PROTO,
			    "thingbridged tells of a copy that is none");
		if (e == OK)
			e = pack_add(
			    &j->pack, name, out_string(copy, "path"), &j->eb);
		if (e == OK && i == 0)
			e = add_secrets(j, out_string(copy, "path"));
		free(name);
	}
	return e;
}

/* The files of a daemon that does not run, with what a killed one left beside
 * them: that is part of the database. */
static enum err
add_file(struct job *j, const char *state, const char *name)
{
	static const char *const parts[] = { "", "-wal" };
	enum err e = OK;

	for (size_t i = 0; e == OK && i < 2; i++) {
		char *path = mem_printf("%s%s", state, parts[i]);
		char *inside = mem_printf("state/%s%s", name, parts[i]);

		if (access(path, F_OK) == 0)
			e = pack_add(&j->pack, inside, path, &j->eb);
		free(inside);
		free(path);
	}
	return e;
}

static enum err
add_files(struct job *j, const struct cfg *cfg)
{
	const char *state = cfg->gateway.state;
	char *copy = mem_strdup(state);
	char *history = mem_printf("%s/history.db", dirname(copy));
	enum err e;

	if (access(state, F_OK) != 0)
		e = errbuf_errno(&j->eb, "%s", state);
	else
		e = filelock_take(state, "thingbridged", &j->lock, &j->eb);
	if (e == OK)
		e = add_file(j, state, "state.db");
	if (e == OK)
		e = add_file(j, history, "history.db");
	if (e == OK)
		e = add_secrets(j, state);
	free(history);
	free(copy);
	return e;
}

static enum err
add_state(struct job *j)
{
	struct buf notes = { 0 };
	struct cfg *cfg = NULL;
	enum err e;

	if (j->copies)
		return add_copies(j);
	e = cfg_load(j->conf, false, &cfg, &notes);
	buf_fini(&notes);
	if (e != OK)
		return errbuf_set(&j->eb, e,
		    "no daemon runs, and %s has errors, so where the claims "
		    "are is not known; thingbridge check tells more",
		    j->conf);
	e = add_files(j, cfg);
	cfg_free(cfg);
	return e;
}

static enum err
add_manifest(struct job *j)
{
	char host[256] = "", at[CLOCK_TEXT];
	json_t *m;
	enum err e;

	gethostname(host, sizeof(host) - 1);
	clock_format(clock_utc(&clock_system), at);
	m = json_pack("{s:i, s:s, s:s, s:s, s:O*, s:O*}", "schema", 1, "made",
	    at, "host", host, "version", TB_VERSION, "nodes",
	    json_object_get(j->copies, "nodes"), "owned",
	    json_object_get(j->copies, "owned"));
	e = pack_manifest(&j->pack, m, &j->eb);
	json_decref(m);
	return e;
}

static void
job_fini(struct job *j)
{
	const json_t *copy;
	size_t i;

	json_array_foreach(json_object_get(j->copies, "copies"), i, copy)
	{
		if (is_copy(copy))
			unlink(out_string(copy, "path"));
	}
	json_decref(j->copies);
	if (j->lock >= 0)
		close(j->lock);
	if (j->conf_lock >= 0)
		close(j->conf_lock);
	pack_fini(&j->pack);
	free(j->conf);
}

static enum err
make(struct job *j, const char *file)
{
	enum err e = pack_begin(&j->pack, &j->eb);

	if (e == OK)
		e = add_config(j);
	if (e == OK)
		e = add_state(j);
	if (e == OK)
		e = add_manifest(j);
	if (e == OK)
		e = pack_write(&j->pack, file, &j->eb);
	return e;
}

/* Two would share the daemon's copies. */
static enum err
lock_config(struct job *j)
{
	char *copy = mem_strdup(j->conf);
	enum err e = save_lock(dirname(copy), &j->conf_lock, &j->eb);

	free(copy);
	return e;
}

/* One gateway's configuration with another's claims would be neither. */
static int
find_conf(struct job *j)
{
	const char *named = j->c->global[BRIDGE_CONFIG];
	char *error;
	int code = amend_running(j->c, &j->conf, &error);

	if (code != EXIT_OK && code != EXIT_NODAEMON)
		say("%s", error);
	free(error);
	if (code != EXIT_OK && code != EXIT_NODAEMON)
		return code;
	if (code == EXIT_OK && !j->conf && !named)
		return say_exit(EXIT_USAGE,
		    "thingbridged does not tell the whole name of its "
		    "configuration file; name it with -c");
	if (j->conf && named && !amend_same(j->conf, named))
		return say_exit(EXIT_REFUSED,
		    "thingbridged runs with %s, not with %s: leave out -c to "
		    "back that up; or, for a gateway that is stopped, add "
		    "-s none",
		    j->conf, named);
	if (!j->conf)
		j->conf = mem_strdup(bridge_conf(j->c));
	return EXIT_OK;
}

/* Before the copies are there, nothing has to be put away. */
static int
begin(struct job *j)
{
	struct daemon_call dc = { .silence_ms = DAEMON_FOREVER };
	int code = find_conf(j);

	if (code != EXIT_OK)
		return code;
	if (lock_config(j) != OK)
		return say_exit(EXIT_FAILED, "%s", j->eb.text);
	code = bridge_talk(
	    j->c, &dc, json_pack("{s:s}", "cmd", "backup"), &j->copies);
	stop_note();
	if (code == EXIT_NODAEMON)
		code = EXIT_OK;
	else if (dc.error)
		say("%s", dc.error);
	free(dc.error);
	return code;
}

int
bridge_backup(const struct call *c)
{
	struct job j = { .c = c, .lock = -1, .conf_lock = -1 };
	int code = begin(&j);

	if (code == EXIT_OK) {
		code = err_exit(make(&j, c->argv[0]));
		if (code != EXIT_OK && !stop_asked())
			say("%s", j.eb.text);
	}
	job_fini(&j);
	if (code != EXIT_OK)
		stop_end();
	else
		say("%s: configuration, passwords, claims, keys and history.  "
		    "Whoever has it can be this gateway: keep it as you keep "
		    "keys",
		    c->argv[0]);
	return code;
}
