#include "cli/bridge.h"

#include "cli/pack.h"
#include "cli/say.h"
#include "common/clock.h"
#include "common/filelock.h"
#include "common/mem.h"
#include "config/config.h"
#include "config/save.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One run. */
struct job {
	const struct call *c;
	const char *conf;
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

static enum err
add_config(struct job *j)
{
	char *copy = mem_strdup(j->conf);
	const char *folder = dirname(copy);
	enum err e = pack_add(&j->pack, "config/" PACK_CONF, j->conf, &j->eb);

	for (size_t i = 0; e == OK && pack_parts[i]; i++)
		e = add_part(j, folder, pack_parts[i]);
	free(copy);
	return e;
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

		if (e == OK)
			e = pack_add(
			    &j->pack, name, out_string(copy, "path"), &j->eb);
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
	    unlink(out_string(copy, "path"));
	json_decref(j->copies);
	if (j->lock >= 0)
		close(j->lock);
	close(j->conf_lock);
	pack_fini(&j->pack);
}

static enum err
make(struct job *j, const char *file)
{
	const char *tmp = "/tmp"; /* it holds links alone */
	enum err e = pack_begin(&j->pack, tmp, &j->eb);

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

int
bridge_backup(const struct call *c)
{
	struct job j = {
		.c = c, .conf = bridge_conf(c), .lock = -1, .conf_lock = -1
	};
	struct daemon_call dc = { .silence_ms = DAEMON_FOREVER };
	json_t *rq = json_pack("{s:s}", "cmd", "backup");
	int code;
	enum err e = lock_config(&j);

	if (e != OK) {
		json_decref(rq);
		return say_exit(err_exit(e), "%s", j.eb.text);
	}
	code = bridge_talk(c, &dc, rq, &j.copies);
	if (code == EXIT_NODAEMON || code == EXIT_OK) {
		e = make(&j, c->argv[0]);
		code = err_exit(e);
		if (e != OK)
			say("%s", j.eb.text);
	} else if (dc.error)
		say("%s", dc.error);
	free(dc.error);
	job_fini(&j);
	if (code == EXIT_OK)
		say("%s: configuration, passwords, claims, keys and history.  "
		    "Whoever has it can be this gateway: keep it as you keep "
		    "keys",
		    c->argv[0]);
	return code;
}
