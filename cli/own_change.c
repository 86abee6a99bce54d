/* remove, disown, update: an owner's request about one of his things. */
#include "cli/own.h"

#include "cli/say.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct change {
	const struct call *call;
	const char *done; /* "removed" */
	char *things_file;
	json_t *things;
	struct thing_name name; /* borrows from things and argv */
	struct tags tags;
};

/* Who removed a thing from the registry is its owner still, at the gateway. */
static bool
was_removed(json_t *things, const struct change *ch)
{
	return json_is_true(
	    json_object_get(owned_find(things, &ch->name), "removed"));
}

/* Changes what the list says of the thing; false: it says the same. */
static bool
correct(json_t *things, const struct change *ch, enum disc_op op, enum err e)
{
	json_t *entry = owned_find(things, &ch->name);

	if (entry && op == DISC_DISOWN &&
	    (e == OK || (e == ERR_NOTFOUND && !was_removed(things, ch))))
		return owned_drop(things, &ch->name);
	return entry && op == DISC_REMOVE && e == OK &&
	    json_object_set_new(entry, "public", json_false()) == 0 &&
	    json_object_set_new(entry, "removed", json_true()) == 0;
}

/* remember keeps the list of things true, as it is by now.  What was disowned,
 * or is unknown to the registry, is no longer ours; what was removed cannot be
 * found. */
static void
remember(const struct change *ch, enum disc_op op, enum err e)
{
	struct errbuf eb = { "" };
	struct owned_edit ed;

	if (owned_begin(ch->things_file, &ed, &eb) != OK ||
	    owned_end(&ed, correct(ed.things, ch, op, e), &eb) != OK)
		say("%s", eb.text);
}

static void
print(const struct change *ch)
{
	const struct thing_name *n = &ch->name;
	enum out_mode mode = own_mode(ch->call);

	if (mode == OUT_JSON) {
		json_t *o =
		    json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "schema", 1,
			"done", ch->done, "jid", n->jid, "node", n->node.node,
			"source", n->node.source, "cache", n->node.cache);

		out_json(o);
		json_decref(o);
		return;
	}
	printf("%s: %s%s%s\n", ch->done, n->jid, *n->node.node ? " node " : "",
	    n->node.node);
}

/* The registry does not know it any more. */
static int
say_unknown(const struct change *ch)
{
	if (was_removed(ch->things, ch))
		return say_exit(EXIT_NOTFOUND,
		    "not disowned: the registry, from which it was removed, "
		    "knows it no more.  Its gateway still has you as its "
		    "owner; whoever runs that can release it: thingbridge "
		    "reset %s",
		    *ch->name.node.node ? ch->name.node.node : "NODE");
	return say_exit(EXIT_NOTFOUND,
	    "not disowned: the registry does not know it as yours "
	    "(item-not-found): it was disowned, reset or taken out at its "
	    "gateway, or claimed by somebody else since.\n"
	    "To own it, ask whoever runs its gateway for a new sticker: "
	    "thingbridge reset %s",
	    *ch->name.node.node ? ch->name.node.node : "NODE");
}

static int
tell(const struct change *ch, const struct own_request *rq,
    const struct owner_reply *reply)
{
	if (reply->err == OK) {
		print(ch);
		return EXIT_OK;
	}
	if (rq->msg->op == DISC_DISOWN && reply->condition &&
	    strcmp(reply->condition, "not-allowed") == 0)
		return say_exit(EXIT_REFUSED,
		    "not disowned: the thing must be online and a friend of "
		    "the registry; owner unchanged (not-allowed).  Try again "
		    "when its gateway is online");
	if (rq->msg->op == DISC_DISOWN && reply->err == ERR_NOTFOUND)
		return say_unknown(ch);
	return own_failed(ch->done, rq, reply);
}

static int
done(struct own_request *rq, const struct owner_reply *reply)
{
	struct change *ch = rq->arg;
	int code = tell(ch, rq, reply);

	if (rq->msg->op != DISC_UPDATE)
		remember(ch, rq->msg->op, reply->err);
	return code;
}

static int
send_change(struct change *ch, enum disc_op op, const struct cfg_account *a)
{
	struct disc_msg msg = {
		.op = op,
		.jid = ch->name.jid,
		.node = ch->name.node,
		.tags = ch->tags, /* borrowed */
	};
	struct own_request rq = {
		.call = ch->call,
		.msg = &msg,
		.done = done,
		.arg = ch,
	};

	const char *known = json_string_value(
	    json_object_get(owned_find(ch->things, &ch->name), "registry"));
	char registry[JID_SIZE];
	int code = own_registry(ch->call, known, a, registry, &rq.registry);

	return code == EXIT_OK ? own_ask(&rq, a) : code;
}

/* change carries out op on the thing that the first n operands name. */
static int
change(struct change *ch, enum disc_op op, int n)
{
	const struct call *c = ch->call;
	char *file = own_account_file(c);
	struct cfg_account account = { 0 };
	struct errbuf eb = { "" };
	enum err e;
	int code;

	ch->things_file = owned_path(file);
	e = owned_load(ch->things_file, &ch->things, &eb);
	if (e == OK)
		e = owned_resolve(ch->things, n, c->argv, &ch->name, &eb);
	code = e == OK ? own_account(c, file, &account)
		       : say_exit(err_exit(e), "%s", eb.text);
	if (code == EXIT_OK)
		code = send_change(ch, op, &account);
	cfg_account_fini(&account);
	json_decref(ch->things);
	free(ch->things_file);
	free(file);
	return code;
}

int
own_remove(const struct call *c)
{
	struct change ch = { .call = c, .done = "removed" };

	return change(&ch, DISC_REMOVE, c->argc);
}

int
own_disown(const struct call *c)
{
	struct change ch = { .call = c, .done = "disowned" };

	return change(&ch, DISC_DISOWN, c->argc);
}

/* add_tag reads TAG=VALUE or #TAG=NUMBER; an empty VALUE deletes. */
static int
add_tag(struct change *ch, const char *arg)
{
	bool num = *arg == '#';
	const char *eq = strchr(arg += num, '=');
	struct errbuf eb = { "" };
	char *name = mem_strndup(arg, (size_t)(eq - arg));
	enum err e = tags_add(&ch->tags, name, eq + 1, num && eq[1], &eb);

	free(name);
	if (e == OK && tags_find(&ch->tags, "KEY"))
		return verb_usage(ch->call,
		    "KEY is the thing's own: it makes a new one when it is "
		    "disowned");
	if (e == ERR_BUSY)
		return verb_usage(ch->call, "a tag is given twice");
	return e == OK ? EXIT_OK : verb_usage(ch->call, "%s", eb.text);
}

int
own_update(const struct call *c)
{
	struct change ch = { .call = c, .done = "updated" };
	int n = 1, code = EXIT_OK;

	while (n < c->argc && !strchr(c->argv[n], '='))
		n++;
	if (n == c->argc)
		return verb_usage(c, "update needs TAG=VALUE or #TAG=NUMBER");
	for (int i = n; i < c->argc && code == EXIT_OK; i++) {
		if (strchr(c->argv[i], '='))
			code = add_tag(&ch, c->argv[i]);
		else
			code = verb_usage(c,
			    "\"%s\" is not TAG=VALUE or "
			    "#TAG=NUMBER",
			    c->argv[i]);
	}
	if (code == EXIT_OK)
		code = change(&ch, DISC_UPDATE, n);
	tags_fini(&ch.tags);
	return code;
}
