/* backup: copies of the databases, for the tool to pack.  A thread makes them,
 * since a long history takes a while. */
#include "common/log.h"
#include "common/mem.h"
#include "gateway/cmd.h"
#include "gateway/copy.h"

#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 2 };

static const char *const names[FILES] = { "state.db", "history.db" };

struct copying {
	struct job job;
	struct gateway *gw;
	uv_work_t work;
	char *from[FILES], *to[FILES]; /* to is NULL when there is none */
	size_t nodes, owned;
	bool dropped; /* nobody waits any more */
	enum err e;
	struct errbuf eb;
};

static void
forget(struct copying *k, size_t i)
{
	if (k->to[i])
		unlink(k->to[i]);
	mem_set(&k->to[i], NULL);
}

static void
copy(uv_work_t *w)
{
	struct copying *k = w->data;

	for (size_t i = 0; k->e == OK && i < FILES; i++) {
		k->e = copy_database(k->from[i], k->to[i], &k->eb);
		if (k->e == ERR_NOTFOUND && i > 0) {
			mem_set(&k->to[i], NULL);
			k->e = OK;
		}
	}
}

static json_t *
copies_json(const struct copying *k)
{
	json_t *a = json_array();

	for (size_t i = 0; i < FILES; i++)
		if (k->to[i])
			json_array_append_new(a,
			    json_pack("{s:s, s:s}", "name", names[i], "path",
				k->to[i]));
	return json_pack("{s:i, s:o, s:I, s:I}", "schema", 1, "copies", a,
	    "nodes", (json_int_t)k->nodes, "owned", (json_int_t)k->owned);
}

static void
copied(uv_work_t *w, int status)
{
	struct copying *k = w->data;

	(void)status;
	k->gw->copying = false;
	for (size_t i = 0; (k->dropped || k->e != OK) && i < FILES; i++)
		forget(k, i);
	if (!k->dropped && k->e != OK)
		job_fail(&k->job, k->e, &k->eb);
	else if (!k->dropped)
		job_done(&k->job, copies_json(k));
	for (size_t i = 0; i < FILES; i++) {
		free(k->from[i]);
		free(k->to[i]);
	}
	free(k);
}

static void
copying_free(struct job *j)
{
	struct copying *k = (struct copying *)j;

	k->dropped = true; /* freed when the thread is through */
}

static void
copying_stop(struct job *j)
{
	(void)j; /* its end comes soon */
}

static const struct job_ops copying_ops = { copying_stop, copying_free };

static void
count_nodes(struct copying *k, const struct nodes *t)
{
	for (size_t i = 0; i < t->n; i++) {
		k->nodes += t->v[i]->cfg != NULL;
		k->owned += t->v[i]->cfg && thing_has_owner(&t->v[i]->thing);
	}
}

static void
begin(struct call *c)
{
	struct copying *k = mem_zalloc(sizeof(*k));
	char *path = mem_strdup(c->gw->cfg->gateway.state);
	const char *dir = dirname(path);
	char who[CMD_WHO];

	k->gw = c->gw;
	k->gw->copying = true;
	k->job = (struct job){ &copying_ops, *c->to };
	k->work.data = k;
	k->from[0] = mem_strdup(c->gw->cfg->gateway.state);
	k->from[1] = mem_printf("%s/%s", dir, names[1]);
	for (size_t i = 0; i < FILES; i++)
		k->to[i] = mem_printf("%s/backup-%s", dir, names[i]);
	count_nodes(k, &c->gw->nodes);
	log_info("backup", "%s copies all claims and keys", cmd_who(c, who));
	free(path);
	uv_queue_work(&c->gw->loop, &k->work, copy, copied);
	c->out.job = &k->job;
}

/* One at a time, as the copies have the same names. */
enum err
cmd_backup(struct call *c)
{
	if (c->gw->copying)
		return errbuf_set(c->eb, ERR_BUSY,
		    "another backup is being made; try again when it is done");
	begin(c);
	return OK;
}
