#include "cli/bridge.h"

#include "cli/pack.h"
#include "cli/say.h"
#include "common/clock.h"
#include "common/filelock.h"
#include "common/mem.h"
#include "config/config.h"
#include "config/save.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_YES };

const struct opt bridge_restore_opts[] = {
	{ "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};

enum { MOVES_MAX = 32 };

/* One run.  What was there before is moved into the folders `aside`, and every
 * move is noted, so that all of them can be taken back. */
struct job {
	const char *conf;
	char *conf_folder, *state, *state_folder;
	char *aside[2]; /* in conf_folder, in state_folder */
	int lock, conf_lock;
	struct pack config, data;
	json_t *manifest;
	struct {
		char *from, *to;
	} move[MOVES_MAX];
	size_t n;
	struct errbuf eb;
};

static enum err
move(struct job *j, const char *from, const char *to)
{
	if (j->n == MOVES_MAX)
		return errbuf_set(&j->eb, ERR_RANGE, "too many files");
	if (rename(from, to) != 0)
		return errbuf_errno(&j->eb, "cannot move %s to %s", from, to);
	j->move[j->n].from = mem_strdup(from);
	j->move[j->n++].to = mem_strdup(to);
	return OK;
}

static void
take_back(struct job *j)
{
	for (size_t i = j->n; i-- > 0;)
		if (rename(j->move[i].to, j->move[i].from) != 0)
			say("%s could not be moved back to %s: %s",
			    j->move[i].to, j->move[i].from, strerror(errno));
}

/* Away with what is there under that name, if anything is. */
static enum err
set_aside(struct job *j, const char *folder, const char *name, size_t which)
{
	char *from = mem_printf("%s/%s", folder, name);
	char *to = mem_printf("%s/%s", j->aside[which], name);
	struct stat st;
	enum err e = OK;

	if (lstat(from, &st) == 0) {
		if (mkdir(j->aside[which], 0700) != 0 && errno != EEXIST)
			e = errbuf_errno(
			    &j->eb, "cannot make %s", j->aside[which]);
		else
			e = move(j, from, to);
	}
	free(to);
	free(from);
	return e;
}

/* A database belongs to whom its folder belongs: the daemon. */
static enum err
give(struct job *j, const char *path)
{
	struct stat st;

	if (geteuid() != 0 || stat(j->state_folder, &st) != 0 ||
	    chown(path, st.st_uid, st.st_gid) == 0)
		return OK;
	return errbuf_errno(&j->eb, "cannot give %s to the daemon", path);
}

static enum err
put(struct job *j, const struct pack *p, const char *member, const char *path)
{
	char *from = pack_path(p, member);
	enum err e = OK;

	if (access(from, F_OK) == 0)
		e = move(j, from, path);
	free(from);
	return e;
}

static enum err
remove_conf(struct job *j)
{
	char *name = mem_strdup(j->conf);
	enum err e = set_aside(j, j->conf_folder, basename(name), 0);

	free(name);
	return e;
}

static enum err
replace_parts(struct job *j)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && pack_parts[i]; i++) {
		char *member = mem_printf("config/%s", pack_parts[i]);
		char *path = mem_printf("%s/%s", j->conf_folder, pack_parts[i]);

		e = set_aside(j, j->conf_folder, pack_parts[i], 0);
		if (e == OK)
			e = put(j, &j->config, member, path);
		free(path);
		free(member);
	}
	return e;
}

/* name is as in the pack, path where the daemon has it. */
static enum err
replace_database(struct job *j, const char *name, const char *path)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char *copy = mem_strdup(path);
	const char *base = basename(copy);
	enum err e = OK;

	for (size_t i = 0; e == OK && i < 3; i++) {
		char *member = mem_printf("state/%s%s", name, parts[i]);
		char *inside = pack_path(&j->data, member);
		char *there = mem_printf("%s%s", path, parts[i]);
		char *old = mem_printf("%s%s", base, parts[i]);

		e = set_aside(j, j->state_folder, old, 1);
		if (e == OK && access(inside, F_OK) == 0)
			e = give(j, inside);
		if (e == OK)
			e = put(j, &j->data, member, there);
		free(old);
		free(there);
		free(inside);
		free(member);
	}
	free(copy);
	return e;
}

static enum err
replace_state(struct job *j)
{
	char *history = mem_printf("%s/history.db", j->state_folder);
	enum err e = replace_database(j, "state.db", j->state);

	if (e == OK)
		e = replace_database(j, "history.db", history);
	free(history);
	return e;
}

/* Without its configuration file no daemon starts: it goes first and comes
 * last, so that none runs on a half of each, also after a power cut. */
static enum err
replace_all(struct job *j)
{
	enum err e;

	sync(); /* what was unpacked, before anything gives way to it */
	e = remove_conf(j);
	if (e == OK)
		e = replace_parts(j);
	if (e == OK)
		e = replace_state(j);
	sync();
	if (e == OK)
		e = put(j, &j->config, "config/" PACK_CONF, j->conf);
	sync();
	return e;
}

/* Where the claims go is what the restored configuration says. */
static enum err
look_at(struct job *j)
{
	char *conf = pack_path(&j->config, "config/" PACK_CONF);
	struct buf notes = { 0 };
	struct cfg *cfg = NULL;
	enum err e = cfg_load(conf, false, &cfg, &notes);

	if (e == OK)
		j->state = mem_strdup(cfg->gateway.state);
	else
		e = errbuf_set(&j->eb, ERR_CONFIG,
		    "its configuration has errors here:\n%s",
		    notes.data ? notes.data : "");
	cfg_free(cfg);
	buf_fini(&notes);
	free(conf);
	return e;
}

static enum err
prepare(struct job *j)
{
	static const char form[] = "%s/before-restore-%.23s";
	char at[CLOCK_TEXT], *copy = mem_strdup(j->state);

	clock_format(clock_utc(&clock_system), at);
	j->state_folder = mem_strdup(dirname(copy));
	j->aside[0] = mem_printf(form, j->conf_folder, at);
	j->aside[1] = mem_printf(form, j->state_folder, at);
	free(copy);
	if (access(j->state_folder, W_OK) != 0)
		return errbuf_errno(&j->eb,
		    "%s, where its claims go (run it with sudo, when the "
		    "package is installed)",
		    j->state_folder);
	if (access(j->conf_folder, W_OK) != 0)
		return errbuf_errno(
		    &j->eb, "%s (run it with sudo)", j->conf_folder);
	if (access(j->state, F_OK) != 0)
		return OK;
	if (filelock_take(j->state, "thingbridged", &j->lock, &j->eb) == OK)
		return OK;
	return errbuf_set(
	    &j->eb, ERR_BUSY, "the daemon runs: systemctl stop thingbridged");
}

static bool
agreed(const struct call *c, const struct job *j)
{
	char *nodes = json_object_get(j->manifest, "nodes")
	    ? mem_printf(", %d nodes, %d of them owned",
		  (int)json_integer_value(
		      json_object_get(j->manifest, "nodes")),
		  (int)json_integer_value(
		      json_object_get(j->manifest, "owned")))
	    : mem_strdup("");
	char *what = mem_printf(
	    "%s: made %s on %s by thingbridge %s%s.\n"
	    "It replaces %s and what belongs to it, and the claims in %s; "
	    "what is there now goes into a folder beside each.",
	    c->argv[0], out_string(j->manifest, "made"),
	    out_string(j->manifest, "host"), out_string(j->manifest, "version"),
	    nodes, j->conf, j->state);
	bool yes = c->opt[OPT_YES] || bridge_confirm(c, what, "restore");

	free(what);
	free(nodes);
	return yes;
}

static void
job_fini(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->move[i].from);
		free(j->move[i].to);
	}
	if (j->lock >= 0)
		close(j->lock);
	if (j->conf_lock >= 0)
		close(j->conf_lock);
	json_decref(j->manifest);
	pack_fini(&j->config);
	pack_fini(&j->data);
	free(j->aside[0]);
	free(j->aside[1]);
	free(j->state_folder);
	free(j->conf_folder);
	free(j->state);
}

static void
say_next(const struct job *j)
{
	for (size_t i = 0; i < 2; i++)
		if (access(j->aside[i], F_OK) == 0)
			say("what was there before: %s", j->aside[i]);
	say("restored.  Next: thingbridge check, which tells whether the "
	    "ports have the same names here; systemctl start thingbridged; "
	    "thingbridge status");
	say("the machine that it was made on must not run thingbridged any "
	    "more: two with one account throw each other out");
}

static enum err
unpack_config(struct job *j, const char *file)
{
	enum err e = save_lock(j->conf_folder, &j->conf_lock, &j->eb);

	if (e == OK)
		e = pack_begin(&j->config, j->conf_folder, &j->eb);
	if (e == OK)
		e = pack_about(&j->config, file, &j->manifest, &j->eb);
	if (e == OK)
		e = pack_read(&j->config, file, "config", &j->eb);
	return e;
}

/* In the folder where it belongs: a move does not cross file systems. */
static enum err
unpack_data(struct job *j, const char *file)
{
	enum err e = pack_begin(&j->data, j->state_folder, &j->eb);
	char *claims;

	if (e == OK)
		e = pack_read(&j->data, file, "state", &j->eb);
	if (e != OK)
		return e;
	claims = pack_path(&j->data, "state/state.db");
	if (access(claims, F_OK) != 0)
		e = errbuf_set(&j->eb, ERR_PROTO,
		    "%s has no claims: it is no backup of thingbridge", file);
	free(claims);
	return e;
}

int
bridge_restore(const struct call *c)
{
	struct job j = { .conf = bridge_conf(c), .lock = -1, .conf_lock = -1 };
	char *copy = mem_strdup(j.conf);
	int code;
	enum err e;

	j.conf_folder = mem_strdup(dirname(copy));
	free(copy);
	e = unpack_config(&j, c->argv[0]);
	if (e == OK)
		e = look_at(&j);
	if (e == OK)
		e = prepare(&j);
	if (e == OK)
		e = unpack_data(&j, c->argv[0]);
	code = err_exit(e);
	if (e != OK)
		say("%s", j.eb.text);
	else if (!agreed(c, &j))
		code = EXIT_USAGE;
	else if (replace_all(&j) != OK) {
		code = say_exit(EXIT_FAILED, "%s", j.eb.text);
		take_back(&j);
		say("all is as it was before");
	} else
		say_next(&j);
	job_fini(&j);
	return code;
}
