#include "cli/own.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/mem.h"
#include "protocol/iotdisco.h"
#include "protocol/jid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_PRIVATE, OPT_NO_SUBSCRIBE };

const struct opt own_claim_opts[] = {
	{ "private", 0, NULL, "not to be found by search" },
	{ "no-subscribe", 0, NULL, "do not ask the thing for its presence" },
	{ NULL, 0, NULL, NULL },
};

/* One claim, from text to record. */
struct claim {
	const struct call *call;
	char *text;     /* a secret */
	char *registry; /* where it goes */
	struct tags tags;
	struct cfg_account account;
	char *things_file;
	char bare[JID_SIZE]; /* of the thing */
};

/* first_line cuts text to its first line that is not empty. */
static void
first_line(struct buf *b)
{
	char *s = b->data + strspn(b->data, " \t\r\n");

	s[strcspn(s, "\r\n")] = '\0';
	memmove(b->data, s, strlen(s) + 1);
	b->len = strlen(b->data);
}

/* read_text takes the claim text from standard input; a terminal is asked and
 * ends with its first line. */
static int
read_text(struct claim *cl)
{
	struct buf b = { 0 };
	char line[512];

	if (isatty(STDIN_FILENO))
		fputs("Claim text, as the QR code holds it: ", stderr);
	while (b.len <= IOTDISCO_MAX && fgets(line, sizeof(line), stdin)) {
		bool blank = !b.len && line[strspn(line, " \t\r\n")] == '\0';

		if (blank)
			continue;
		buf_puts(&b, line);
		if (strchr(line, '\n'))
			break;
	}
	explicit_bzero(line, sizeof(line));
	if (!b.data)
		return say_exit(EXIT_USAGE, "no claim text on standard input");
	first_line(&b);
	cl->text = buf_take(&b);
	return EXIT_OK;
}

static int
take_text(struct claim *cl)
{
	const struct call *c = cl->call;

	if (c->argc == 0 || strcmp(c->argv[0], "-") == 0)
		return read_text(cl);
	say("warning: an argument can be seen by every user of this machine; "
	    "standard input cannot");
	cl->text = mem_strdup(c->argv[0]);
	return EXIT_OK;
}

/* The option goes before the text's R, and that before the account's. */
static int
choose_registry(struct claim *cl)
{
	const char *named = cl->call->global[OWN_REGISTRY];
	const char *usual = cl->account.registry;
	char bare[JID_SIZE];

	if (named)
		mem_set(&cl->registry, named);
	else if (!cl->registry && usual && *usual)
		mem_set(&cl->registry, usual);
	if (!cl->registry)
		return say_exit(EXIT_USAGE,
		    "which registry?  The text names none: give --registry JID "
		    "(it stands on the sticker), or set registry in the "
		    "account file");
	if (jid_bare(cl->registry, bare) != OK)
		return say_exit(
		    EXIT_USAGE, "\"%s\" is not a registry's JID", cl->registry);
	return EXIT_OK;
}

static int
decode(struct claim *cl)
{
	struct errbuf eb = { "" };
	int code = take_text(cl);

	if (code != EXIT_OK)
		return code;
	if (iotdisco_decode(cl->text, &cl->tags, &cl->registry, &eb) != OK)
		return say_exit(EXIT_USAGE,
		    "the claim text is not right: %s; nothing was sent",
		    eb.text);
	if (!tags_find(&cl->tags, "KEY"))
		say("warning: the text has no KEY; was all of it read?");
	return EXIT_OK;
}

/* announce says what will be claimed, the KEY excepted. */
static void
announce(const struct claim *cl)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < cl->tags.n; i++) {
		const struct tag *t = &cl->tags.v[i];
		bool key = strcmp(t->name, "KEY") == 0;

		buf_printf(&b, "%s %s  ", t->name, key ? "(hidden)" : t->value);
	}
	say("%sat %s", b.data ? b.data : "", cl->registry);
	buf_fini(&b);
}

static const struct column columns[] = {
	{ .title = "jid", .member = "jid" },
	{ .title = "node", .member = "node" },
	{ .title = "source", .member = "source" },
	{ .title = "cache", .member = "cache" },
	{ .title = "public", .member = "public" },
	{ .title = NULL },
};

static void
print(const struct claim *cl, const struct thing_name *n, bool is_public)
{
	enum out_mode mode = own_mode(cl->call);
	json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:b}", "schema", 1,
	    "jid", n->jid, "node", n->node.node, "source", n->node.source,
	    "cache", n->node.cache, "public", is_public);

	if (mode == OUT_JSON)
		out_json(o);
	else if (mode == OUT_PLAIN)
		out_fields(mode, columns, o);
	else
		printf("claimed: %s%s%s%s%s%s%s   (%s)\n", n->jid,
		    *n->node.node ? " node " : "", n->node.node,
		    *n->node.source ? " source " : "", n->node.source,
		    *n->node.cache ? " cache " : "", n->node.cache,
		    is_public ? "public" : "private");
	json_decref(o);
}

/* record remembers the thing.  It is owned by now: failing here is no failure
 * of the claim. */
static void
record(struct claim *cl, const struct thing_name *n, bool is_public)
{
	struct errbuf eb = { "" };
	json_t *things;

	if (owned_load(cl->things_file, &things, &eb) != OK) {
		say("%s", eb.text);
		return;
	}
	owned_put(things, n, &cl->tags, is_public, cl->registry,
	    clock_utc(&clock_system));
	if (owned_save(cl->things_file, things, &eb) != OK)
		say("%s", eb.text);
	json_decref(things);
}

/* already says so when this account has claimed the thing itself, as far as
 * it remembers: the registry does not tell. */
static bool
already(const struct claim *cl)
{
	struct errbuf eb = { "" };
	const json_t *entry;
	json_t *things;

	if (owned_load(cl->things_file, &things, &eb) != OK)
		return false;
	entry = owned_same(things, &cl->tags, cl->registry);
	if (entry) {
		const char *node = out_string(entry, "node");

		say("it is already yours: %s%s%s, claimed %s with this "
		    "account.\n"
		    "(If it was disowned or reset since, its sticker is a new "
		    "one: claim with that.)",
		    out_string(entry, "jid"), *node ? " node " : "", node,
		    out_string(entry, "when"));
	}
	json_decref(things);
	return entry != NULL;
}

static int
not_found(const struct claim *cl)
{
	if (already(cl))
		return EXIT_NOTFOUND;
	return say_exit(EXIT_NOTFOUND,
	    "not claimed: not found or already claimed (item-not-found). %s "
	    "has no unclaimed thing with exactly these tags, and never says "
	    "which it is.\n"
	    "Usual reasons: somebody else has claimed it; its gateway is not "
	    "yet online; the sticker is older than the last reset or disown; "
	    "a character was read wrong.\n"
	    "Ask the installer for: thingbridge nodes",
	    cl->registry);
}

static int
done(struct own_request *rq, const struct owner_reply *reply)
{
	struct claim *cl = rq->arg;
	bool is_public = rq->msg->is_public;
	struct thing_name name = { reply->jid, reply->node };

	if (reply->err == ERR_NOTFOUND)
		return not_found(cl);
	if (reply->err != OK)
		return own_failed("claimed", rq, reply);
	print(cl, &name, is_public);
	record(cl, &name, is_public);
	if (!cl->call->opt[OPT_NO_SUBSCRIBE] &&
	    jid_bare(reply->jid, cl->bare) == OK) {
		rq->befriend = cl->bare;
		say("contact request sent to %s", cl->bare);
	}
	return EXIT_OK;
}

static int
send_claim(struct claim *cl)
{
	struct disc_msg msg = {
		.op = DISC_MINE,
		.node = { "", "", "" },
		.has_public = true,
		.is_public = !cl->call->opt[OPT_PRIVATE],
		.tags = cl->tags, /* borrowed */
	};
	struct own_request rq = {
		.call = cl->call,
		.registry = cl->registry,
		.msg = &msg,
		.done = done,
		.arg = cl,
	};

	announce(cl);
	return own_ask(&rq, &cl->account);
}

int
own_claim(const struct call *c)
{
	struct claim cl = { .call = c };
	char *file = own_account_file(c);
	int code;

	cl.things_file = owned_path(file);
	code = decode(&cl);
	if (code == EXIT_OK)
		code = own_account(c, file, &cl.account);
	if (code == EXIT_OK)
		code = choose_registry(&cl);
	if (code == EXIT_OK)
		code = send_claim(&cl);
	cfg_account_fini(&cl.account);
	tags_fini(&cl.tags);
	mem_free_secret(cl.text);
	free(cl.registry);
	free(cl.things_file);
	free(file);
	return code;
}
