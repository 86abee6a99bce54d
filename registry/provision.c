#include "registry/provision.h"

#include "common/mem.h"
#include "protocol/provisioning.h"

#include <stdlib.h>
#include <string.h>

enum { S_ASKED, S_ASKS, S_HOLDERS, S_CLEARED, S_ALL, S_COUNT };

static const char *const sql[S_COUNT] = {
	/* Strangers have no things, and leave no trace. */
	[S_ASKED] = "SELECT ifnull((SELECT asked FROM peer WHERE jid = ?1), 0)"
		    " OR NOT EXISTS (SELECT 1 FROM thing WHERE jid = ?1)",
	[S_ASKS] = "INSERT INTO peer (jid, asked) VALUES (?1, 1)"
		   " ON CONFLICT (jid) DO UPDATE SET asked = 1",
	[S_HOLDERS] = "SELECT p.jid, (SELECT t.via FROM thing AS t"
		      " WHERE t.jid = p.jid AND t.owner = ?1 LIMIT 1)"
		      " FROM peer AS p WHERE p.asked AND EXISTS"
		      " (SELECT 1 FROM thing AS t"
		      " WHERE t.jid = p.jid AND t.owner = ?1)"
		      " AND (?2 = 0 OR p.jid ="
		      " (SELECT jid FROM thing WHERE id = ?2))",
	[S_CLEARED] = "UPDATE peer SET asked = 0 WHERE jid = ?1",
	[S_ALL] = "SELECT jid, max(via) FROM thing GROUP BY jid",
};

struct provision {
	struct db *db;
	struct things *things;
	struct rules *rules;
	struct notices *notices;
	sqlite3_stmt *st[S_COUNT];
};

/* clear_each tells those that st finds.  Who is told is no holder any more:
 * what it asks from here on is answered anew, and noted anew. */
static enum err
clear_each(struct provision *p, sqlite3_stmt *st)
{
	enum err e;

	while ((e = db_step(p->db, st)) == OK) {
		char *jid = mem_strdup(db_text(st, 0));

		e = notices_clear(p->notices, jid, db_text(st, 1));
		if (e == OK)
			e = db_exec(p->db, p->st[S_CLEARED], "t", jid);
		free(jid);
		if (e != OK)
			break;
	}
	db_end(st);
	return e == ERR_NOTFOUND ? OK : e;
}

/* A store that was brought back does not know who has asked since it was
 * copied, and what has been denied or disowned by it: all are told. */
static enum err
catch_up(struct provision *p, struct errbuf *eb)
{
	enum err e;

	if (!db_marked(p->db))
		return OK;
	e = db_write(p->db);
	if (e == OK) {
		db_bind(p->st[S_ALL], "");
		e = clear_each(p, p->st[S_ALL]);
	}
	if (e == OK)
		e = db_unmark(p->db, eb);
	if (e != OK)
		db_undo(p->db);
	else
		e = db_commit(p->db);
	return e == OK
	    ? OK
	    : errbuf_set(eb, ERR_IO, "the store could not be written");
}

enum err
provision_new(struct db *db, struct things *things, struct rules *rules,
    struct notices *notices, struct provision **out, struct errbuf *eb)
{
	struct provision *p = mem_zalloc(sizeof(*p));
	enum err e = db_prepare(db, sql, S_COUNT, p->st, eb);

	p->db = db;
	p->things = things;
	p->rules = rules;
	p->notices = notices;
	if (e == OK)
		e = catch_up(p, eb);
	if (e != OK) {
		free(p);
		p = NULL;
	}
	*out = p;
	return e;
}

void
provision_free(struct provision *p)
{
	free(p);
}

/* ---- one question ---- */

/* What remains of what was asked for; names borrow from it and from rulings. */
struct verdict {
	bool all;
	struct names names; /* without all: these */
};

static void
take(struct verdict *v, const struct rulings *r, const struct names *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (rulings_let(r, from->v[i]) &&
		    !names_has(&v->names, from->v[i]))
			names_add(&v->names, from->v[i]);
	}
}

/* narrow takes from so_far what r does not let.  Where everything was asked
 * for, only what the rules name can be named. */
static struct verdict
narrow(const struct verdict *so_far, const struct rulings *r,
    const struct names *asked)
{
	struct verdict v = { .all = so_far->all && rulings_let(r, NULL) };

	if (v.all)
		return v;
	take(&v, r, so_far->all ? asked : &so_far->names);
	if (!so_far->all)
		return v;
	for (size_t i = 0; asked->n == 0 && i < r->n; i++) {
		if (r->v[i].allow)
			take(&v, r, &r->v[i].names);
	}
	v.all = asked->n && v.names.n == asked->n;
	return v;
}

/* A question about nodes, and its answer in the making.  An answer has one list
 * of names for all of its nodes: a node with which it would be empty is left
 * out. */
struct question {
	struct provision *p;
	struct jid account, who;
	const struct prov_msg *asked;
	struct rulings *rulings; /* of each node */
	struct verdict verdict;
	struct node_refs granted;
	size_t work;
};

static enum err
look_up(struct question *q, const struct node_ref *node, struct rulings *r)
{
	const struct thing_key key = { q->account.bare, *node };
	bool control = q->asked->op == PROV_CAN_CONTROL;
	struct thing t;
	enum err e = things_find(q->p->things, &key, &t);

	if (e == ERR_NOTFOUND)
		return OK; /* of what is unknown nobody lets anything */
	if (e == OK)
		e = rules_about(q->p->rules, &t, &q->who, control, r);
	thing_fini(&t);
	return e;
}

static enum err
judge_node(struct question *q, const struct node_ref *node, struct rulings *r,
    struct errbuf *eb)
{
	struct verdict v;
	enum err e = look_up(q, node, r);

	if (e != OK)
		return e;
	q->work += q->asked->names.n + rulings_work(r);
	if (q->work > RULES_WORK)
		return errbuf_set(eb, ERR_RANGE,
		    "too much in one question: ask about fewer nodes");
	v = narrow(&q->verdict, r, &q->asked->names);
	if (!v.all && v.names.n == 0) {
		names_fini(&v.names);
		return OK;
	}
	names_fini(&q->verdict.names);
	q->verdict = v;
	node_refs_add(&q->granted, node);
	return OK;
}

/* Without nodes the account itself is meant. */
static enum err
judge(struct question *q, struct errbuf *eb)
{
	static const struct node_ref itself = { "", "", "" };
	const struct node_refs *nodes = &q->asked->nodes;
	enum err e = OK;

	q->verdict.all = true;
	if (nodes->n == 0)
		return judge_node(q, &itself, &q->rulings[0], eb);
	for (size_t i = 0; e == OK && i < nodes->n; i++)
		e = judge_node(q, &nodes->v[i], &q->rulings[i], eb);
	return e;
}

static xmpp_stanza_t *
answer_of(const struct question *q, xmpp_ctx_t *ctx)
{
	struct prov_msg m = {
		.op = (enum prov_op)(q->asked->op + 1),
		.jid = q->asked->jid,
		.result = q->granted.n > 0,
	};

	if (m.result)
		m.types = q->asked->types;
	if (m.result && q->granted.n < q->asked->nodes.n)
		m.nodes = q->granted;
	if (m.result && !q->verdict.all)
		m.names = q->verdict.names;
	return prov_build(ctx, &m);
}

static enum err
answer_can(
    struct question *q, xmpp_ctx_t *ctx, xmpp_stanza_t **out, struct errbuf *eb)
{
	size_t n = q->asked->nodes.n ? q->asked->nodes.n : 1;
	enum err e;

	q->rulings = mem_array(n, sizeof(*q->rulings));
	e = judge(q, eb);
	if (e == OK)
		*out = answer_of(q, ctx);
	for (size_t i = 0; i < n; i++)
		rulings_fini(&q->rulings[i]);
	free(q->rulings);
	names_fini(&q->verdict.names);
	node_refs_fini(&q->granted);
	return e;
}

static enum err
answer_friend(const struct question *q, xmpp_ctx_t *ctx, xmpp_stanza_t **out)
{
	struct prov_msg m = { .op = PROV_IS_FRIEND_RESPONSE,
		.jid = q->asked->jid };
	enum err e = rules_friend(
	    q->p->rules, q->p->things, q->account.bare, &q->who, &m.result);

	if (e == OK)
		*out = prov_build(ctx, &m);
	return e;
}

/* remember, before it is answered, that an account may keep the answer. */
static enum err
remember(struct provision *p, const char *account)
{
	sqlite3_stmt *st = p->st[S_ASKED];
	enum err e;
	bool known;

	db_bind(st, "t", account);
	e = db_step(p->db, st);
	if (e != OK)
		return ERR_IO;
	known = sqlite3_column_int(st, 0);
	db_end(st);
	if (known)
		return OK;
	e = db_write(p->db);
	return e == OK ? db_exec(p->db, p->st[S_ASKS], "t", account) : e;
}

static enum err
decide(struct question *q, xmpp_ctx_t *ctx, xmpp_stanza_t **answer,
    struct errbuf *eb)
{
	enum err e = remember(q->p, q->account.bare);

	if (e != OK)
		return e;
	return q->asked->op == PROV_IS_FRIEND ? answer_friend(q, ctx, answer)
					      : answer_can(q, ctx, answer, eb);
}

enum err
provision_answer(struct provision *p, const struct jid *from, xmpp_stanza_t *el,
    xmpp_ctx_t *ctx, xmpp_stanza_t **answer, struct errbuf *eb)
{
	struct prov_msg asked;
	struct question q = { .p = p, .account = *from, .asked = &asked };
	enum err e = prov_parse(el, &asked, eb);

	if (e == OK && asked.op != PROV_IS_FRIEND &&
	    asked.op != PROV_CAN_READ && asked.op != PROV_CAN_CONTROL)
		e = ERR_UNSUP;
	if (e == OK)
		e = jid_parse(asked.jid, &q.who);
	if (e == OK)
		e = decide(&q, ctx, answer, eb);
	prov_fini(&asked);
	return e;
}

/* ---- and when the answers change ---- */

enum err
provision_changed(struct provision *p, const char *owner, int64_t thing)
{
	sqlite3_stmt *st = p->st[S_HOLDERS];
	enum err e = db_write(p->db);

	if (e != OK)
		return e;
	db_bind(st, "ti", owner, thing);
	return clear_each(p, st);
}
