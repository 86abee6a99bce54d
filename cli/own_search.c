/* search: pages of what a registry finds, one request a page. */
#include "cli/criteria.h"
#include "cli/own.h"

#include "cli/say.h"
#include "config/value.h"
#include "protocol/jid.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OPT_OFFSET, OPT_LIMIT, OPT_ALL };

#define URI "iotdisco:"

/* ALL_MAX: a registry must not fill our memory by always having more. */
enum { ALL_MAX = 100000 };

const struct opt own_search_opts[] = {
	{ "offset", 0, "N", "leave out the first N" },
	{ "limit", 0, "N", "at most N, or with --all so many a request" },
	{ "all", 0, NULL, "ask again until there are no more" },
	{ NULL, 0, NULL, NULL },
};

/* One search, from operands to rows. */
struct quest {
	struct own_request rq; /* only what own_failed and own_timeout need */
	struct criteria criteria;
	char *named; /* the registry that a search URI names */
	bool all, more;
	json_t *rows;
};

static const struct column columns[] = {
	{ .title = "JID", .member = "jid" },
	{ .title = "NODE", .member = "node" },
	{ .title = "SOURCE", .member = "source" },
	{ .title = "CACHE", .member = "cache" },
	{ .title = "OWNER", .member = "owner" },
	{ .title = "TAGS", .text = own_tags_text },
	{ .title = NULL },
};

static void
take(struct quest *q, const struct found_thing *t)
{
	char jid[JID_SIZE], owner[JID_SIZE];

	if (jid_bare(t->jid, jid) != OK || jid_bare(t->owner, owner) != OK)
		return;
	json_array_append_new(q->rows,
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "jid", jid, "node",
		t->node.node, "source", t->node.source, "cache", t->node.cache,
		"owner", owner, "tags", owned_tags(&t->tags)));
}

static void
print(struct quest *q)
{
	enum out_mode mode = own_mode(q->rq.call);

	if (mode == OUT_JSON) {
		json_t *o = json_pack("{s:i, s:b, s:O}", "schema", 1, "more",
		    q->more, "things", q->rows);

		out_json(o);
		json_decref(o);
	} else if (json_array_size(q->rows) > 0) {
		out_rows(mode, columns, q->rows);
	}
}

/* finish prints what came; code is that of the last page. */
static int
finish(struct quest *q, int code)
{
	size_t n = json_array_size(q->rows);

	if (code != EXIT_OK && n == 0)
		return code;
	print(q);
	if (code != EXIT_OK)
		return EXIT_PARTLY;
	if (n == 0)
		say("nothing was found");
	else if (q->more)
		say("there is more: --offset %lld goes on, --all gets it all",
		    (long long)q->criteria.search.offset);
	return EXIT_OK;
}

static int ask(struct quest *q);

/* page takes an answer; true: another page is on its way. */
static bool
page(struct quest *q, const struct owner_reply *reply, int *code)
{
	const struct found *found = reply->found;

	*code = EXIT_OK;
	if (reply->err != OK) {
		*code = reply->err == ERR_TIMEOUT
		    ? say_exit(EXIT_TIMEOUT,
			  "not searched: %s has not "
			  "answered for %d s",
			  q->rq.registry, (int)(q->rq.timeout_ms / 1000))
		    : own_failed("searched", &q->rq, reply);
		q->more = true;
		return false;
	}
	for (size_t i = 0; i < found->n; i++)
		take(q, &found->v[i]);
	q->criteria.search.offset += (int64_t)found->n;
	q->more = found->more;
	if (!q->all || !q->more)
		return false;
	if (found->n == 0)
		*code = say_exit(EXIT_FAILED,
		    "the registry says that there is more, and gives nothing");
	else if (json_array_size(q->rows) >= ALL_MAX)
		*code = say_exit(EXIT_FAILED,
		    "more than %d things: narrow the search", ALL_MAX);
	else
		*code = ask(q);
	return *code == EXIT_OK;
}

static void
on_page(void *arg, const struct owner_reply *reply)
{
	struct quest *q = arg;
	int code;

	if (!page(q, reply, &code))
		online_end(q->rq.online, finish(q, code));
}

static int
ask(struct quest *q)
{
	if (owner_search(online_session(q->rq.online), q->rq.to,
		&q->criteria.search, q->rq.timeout_ms, on_page, q) == OK)
		return EXIT_OK;
	return say_exit(EXIT_OFFLINE, "the connection was lost");
}

static void
begin(void *rq)
{
	struct quest *q = ((struct own_request *)rq)->arg;
	int code = ask(q);

	if (code != EXIT_OK)
		online_end(q->rq.online, code);
}

static void
on_ready(struct online *o, void *arg)
{
	struct quest *q = arg;

	own_reach(&q->rq, o, begin);
}

/* An option's number; absent leaves *out. */
static int
read_number(const struct call *c, int opt, int64_t least, int64_t *out)
{
	if (!c->opt[opt] ||
	    (value_int(c->opt[opt], out) == OK && *out >= least))
		return EXIT_OK;
	return verb_usage(c, "--%s is a number, %lld or more",
	    own_search_opts[opt].name, (long long)least);
}

static enum err
add_operand(struct quest *q, const char *operand, struct errbuf *eb)
{
	if (strncasecmp(operand, URI, strlen(URI)) != 0)
		return criteria_add(&q->criteria, operand, eb);
	if (q->named)
		return errbuf_set(
		    eb, ERR_RANGE, "two search URIs name a registry");
	return criteria_uri(&q->criteria, operand, &q->named, eb);
}

static int
read_call(struct quest *q, const struct call *c)
{
	struct errbuf eb = { "" };
	int code;

	q->rq.call = c;
	q->all = c->opt[OPT_ALL] != NULL;
	code = read_number(c, OPT_OFFSET, 0, &q->criteria.search.offset);
	if (code == EXIT_OK)
		code = read_number(c, OPT_LIMIT, 1, &q->criteria.search.count);
	for (int i = 0; i < c->argc && code == EXIT_OK; i++)
		if (add_operand(q, c->argv[i], &eb) != OK)
			code = verb_usage(c, "%s", eb.text);
	if (code == EXIT_OK && q->criteria.search.n == 0)
		code = verb_usage(c, "an operator is needed");
	if (code == EXIT_OK)
		code = own_timeout(c, &q->rq.timeout_ms);
	return code;
}

static int
run(struct quest *q, const struct cfg_account *account)
{
	char registry[JID_SIZE];
	int code = own_registry(
	    q->rq.call, q->named, account, registry, &q->rq.registry);

	if (code != EXIT_OK)
		return code;
	q->rq.arg = q;
	code = online_run(account, q->rq.timeout_ms, on_ready, q);
	reach_end(&q->rq.reach);
	return code;
}

int
own_search(const struct call *c)
{
	char *file = own_account_file(c);
	struct quest q = { .rows = json_array() };
	struct cfg_account account = { 0 };
	int code = read_call(&q, c);

	if (code == EXIT_OK)
		code = own_account(c, file, &account);
	if (code == EXIT_OK)
		code = run(&q, &account);
	cfg_account_fini(&account);
	criteria_fini(&q.criteria);
	free(q.named);
	json_decref(q.rows);
	free(file);
	return code;
}
