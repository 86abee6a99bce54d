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

#include <errno.h>
#include <fcntl.h>
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
	const struct call *c;
	const char *conf;
	char *conf_folder, *state, *state_folder;
	char *aside[2]; /* in conf_folder, in state_folder */
	/* On the claims as they are, on those that come, and on the folder of
	 * the configuration: no daemon takes a file that is being replaced. */
	int lock, new_lock, conf_lock;
	bool is_new; /* the file that is locked was not there before */
	struct pack config, data;
	json_t *manifest;
	struct {
		char *from, *to;
	} move[MOVES_MAX];
	size_t n;
	struct errbuf eb;
};

static enum err
do_move(struct job *j, int (*how)(const char *, const char *), const char *from,
    const char *to)
{
	if (j->n == MOVES_MAX)
		return errbuf_set(&j->eb, ERR_RANGE, "too many files");
	if (how(from, to) != 0)
		return errbuf_errno(&j->eb, "cannot move %s to %s", from, to);
	j->move[j->n].from = mem_strdup(from);
	j->move[j->n++].to = mem_strdup(to);
	return OK;
}

static enum err
move(struct job *j, const char *from, const char *to)
{
	return do_move(j, rename, from, to);
}

static void
take_back(struct job *j)
{
	for (size_t i = j->n; i-- > 0;)
		if (rename(j->move[i].to, j->move[i].from) != 0)
			say("%s could not be moved back to %s: %s",
			    j->move[i].to, j->move[i].from, strerror(errno));
		else
			unlink(j->move[i].to); /* two names of one file */
	for (size_t i = 0; i < 2; i++)
		rmdir(j->aside[i]);
}

/* Away with what is there under that name, if anything is; by link(2) it has
 * both names until another file takes the first. */
static enum err
set_aside(struct job *j, int (*how)(const char *, const char *),
    const char *path, size_t which)
{
	char *copy = mem_strdup(path);
	char *to = mem_printf("%s/%s", j->aside[which], basename(copy));
	struct stat st;
	enum err e = OK;

	if (lstat(path, &st) == 0) {
		if (mkdir(j->aside[which], 0700) != 0 && errno != EEXIST)
			e = errbuf_errno(
			    &j->eb, "cannot make %s", j->aside[which]);
		else
			e = do_move(j, how, path, to);
	}
	free(to);
	free(copy);
	return e;
}

/* A database belongs to whom its folder belongs: the daemon. */
static enum err
give(struct job *j, const char *path)
{
	struct stat st;

	if (geteuid() != 0 || stat(j->state_folder, &st) != 0 ||
	    lchown(path, st.st_uid, st.st_gid) == 0)
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
replace_parts(struct job *j)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && pack_parts[i]; i++) {
		char *member = mem_printf("config/%s", pack_parts[i]);
		char *path = mem_printf("%s/%s", j->conf_folder, pack_parts[i]);

		e = set_aside(j, rename, path, 0);
		if (e == OK)
			e = put(j, &j->config, member, path);
		free(path);
		free(member);
	}
	return e;
}

/* The name of a database never leads to nothing, nor to a file without a lock:
 * a daemon that starts now would begin anew there. */
static enum err
exchange(struct job *j, const char *inside, const char *path)
{
	bool made = j->is_new && strcmp(path, j->state) == 0;
	struct stat st;
	enum err e = give(j, inside);

	if (e == OK && (made || lstat(path, &st) != 0))
		return move(j, inside, path);
	if (e == OK)
		e = set_aside(j, link, path, 1);
	/* Taking that back is taking this back. */
	if (e == OK && rename(inside, path) != 0)
		e = errbuf_errno(&j->eb, "cannot move %s to %s", inside, path);
	return e;
}

/* A log belongs to one database: no other ever stands beside it. */
static enum err
replace_database(struct job *j, const char *name, const char *path)
{
	char *member = mem_printf("state/%s", name);
	char *inside = pack_path(&j->data, member);
	char *log = mem_printf("%s-wal", path),
	     *index = mem_printf("%s-shm", path);
	char *new_log = mem_printf("%s-wal", inside);
	enum err e = set_aside(j, rename, log, 1);

	if (e == OK)
		e = set_aside(j, rename, index, 1);
	if (e == OK && access(inside, F_OK) == 0)
		e = exchange(j, inside, path);
	else if (e == OK)
		e = set_aside(j, rename, path, 1);
	if (e == OK && access(new_log, F_OK) == 0) {
		e = give(j, new_log);
		if (e == OK)
			e = move(j, new_log, log);
	}
	free(new_log);
	free(index);
	free(log);
	free(inside);
	free(member);
	return e;
}

/* Before the database is there: the daemon is to trust no decision in it. */
static enum err
mark_restored(struct job *j)
{
	char *from = pack_path(&j->data, "restored");
	char *to = mem_printf("%s" CFG_RESTORED, j->state);
	int fd = open(from, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	enum err e = fd < 0 ? errbuf_errno(&j->eb, "cannot make %s", from)
			    : give(j, from);

	if (fd >= 0)
		close(fd);
	if (e == OK)
		e = move(j, from, to);
	free(from);
	free(to);
	return e;
}

static enum err
replace_state(struct job *j)
{
	char *history = mem_printf("%s/history.db", j->state_folder);
	enum err e = mark_restored(j);

	if (e == OK)
		e = replace_database(j, "state.db", j->state);
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
	e = set_aside(j, rename, j->conf, 0);
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

/* One that runs with another file of claims than the pack's has no lock here.
 */
static bool
is_running(struct job *j)
{
	char *conf, *error;
	bool running;

	amend_running(j->c, &conf, &error);
	running = conf && amend_same(conf, j->conf);
	free(error);
	free(conf);
	return running;
}

/* Whether it has been a store of claims; one that has nothing yet may be. */
static bool
is_database(const char *path, bool or_empty)
{
	static const char mark[] = "SQLite format 3"; /* and a NUL */
	char head[sizeof(mark)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	if (n == 0)
		return or_empty;
	return n == (ssize_t)sizeof(head) &&
	    memcmp(head, mark, sizeof(mark)) == 0;
}

static enum err
keep_daemons_off(struct job *j)
{
	bool there = access(j->state, F_OK) == 0;
	enum err e;

	/* Which file that is the pack says. */
	if (there && !is_database(j->state, true))
		return errbuf_set(&j->eb, ERR_REFUSED,
		    "its configuration has its claims in %s, which is another "
		    "kind of file; nothing was replaced",
		    j->state);
	e = is_running(j)
	    ? ERR_BUSY
	    : filelock_take(j->state, "thingbridged", &j->lock, &j->eb);
	if (e == ERR_BUSY)
		return errbuf_set(
		    &j->eb, e, "the daemon runs: systemctl stop thingbridged");
	j->is_new = e == OK && !there;
	return j->is_new ? give(j, j->state) : e;
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
	return keep_daemons_off(j);
}

static bool
agreed(const struct call *c, const struct job *j)
{
	char *made = out_text(json_object_get(j->manifest, "made"));
	char *host = out_text(json_object_get(j->manifest, "host"));
	char *version = out_text(json_object_get(j->manifest, "version"));
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
	    c->argv[0], made, host, version, nodes, j->conf, j->state);
	bool yes = c->opt[OPT_YES] || bridge_confirm(c, what, "restore");

	free(what);
	free(nodes);
	free(version);
	free(host);
	free(made);
	return yes;
}

static void
job_fini(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->move[i].from);
		free(j->move[i].to);
	}
	if (j->is_new)
		unlink(j->state);
	if (j->lock >= 0)
		close(j->lock);
	if (j->new_lock >= 0)
		close(j->new_lock);
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
begin(struct pack *p, const char *folder, const char *what, struct errbuf *eb)
{
	char *path = mem_printf("%s/.thingbridge-restore-%s", folder, what);
	enum err e = pack_begin_at(p, path, eb);

	free(path);
	return e;
}

static enum err
unpack_config(struct job *j, const char *file)
{
	enum err e = save_lock(j->conf_folder, &j->conf_lock, &j->eb);

	if (e == OK)
		e = begin(&j->config, j->conf_folder, "config", &j->eb);
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
	enum err e = begin(&j->data, j->state_folder, "state", &j->eb);
	char *claims;

	if (e == OK)
		e = pack_read(&j->data, file, "state", &j->eb);
	if (e != OK)
		return e;
	claims = pack_path(&j->data, "state/state.db");
	if (access(claims, F_OK) != 0)
		e = errbuf_set(&j->eb, ERR_PROTO,
		    "%s has no claims: it is no backup of thingbridge", file);
	else if (!is_database(claims, false))
		e = errbuf_set(&j->eb, ERR_PROTO,
		    "the claims in %s are damaged; take an older backup", file);
	else
		e = filelock_take(claims, "thingbridged", &j->new_lock, &j->eb);
	free(claims);
	return e;
}

static enum err
unpack(struct job *j, const char *file)
{
	enum err e = unpack_config(j, file);

	if (e == OK)
		e = look_at(j);
	if (e == OK)
		e = prepare(j);
	if (e == OK)
		e = unpack_data(j, file);
	return e;
}

/* From here on a signal comes too late. */
static int
take_all(struct job *j)
{
	if (replace_all(j) == OK) {
		j->is_new = false;
		say_next(j);
		return EXIT_OK;
	}
	say("%s", j->eb.text);
	take_back(j);
	return say_exit(EXIT_FAILED, "all is as it was before");
}

int
bridge_restore(const struct call *c)
{
	struct job j = { .c = c, .conf = bridge_conf(c) };
	char *copy = mem_strdup(j.conf);
	int code;

	j.conf_folder = mem_strdup(dirname(copy));
	free(copy);
	j.lock = j.new_lock = j.conf_lock = -1;
	stop_note();
	code = err_exit(unpack(&j, c->argv[0]));
	if (code != EXIT_OK && !stop_asked())
		say("%s", j.eb.text);
	if (code == EXIT_OK && !agreed(c, &j))
		code = EXIT_USAGE;
	if (code == EXIT_OK && stop_asked())
		code = EXIT_FAILED;
	if (code == EXIT_OK)
		code = take_all(&j);
	job_fini(&j);
	if (code != EXIT_OK)
		stop_end();
	return code;
}
