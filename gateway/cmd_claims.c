/* Commands: stickers, claims, the registry. */
#include "common/buf.h"
#include "common/log.h"
#include "gateway/cmd.h"
#include "gateway/registrar.h"
#include "gateway/sticker.h"

#include <stdlib.h>
#include <string.h>

/* stickers */

static bool
chosen(const struct call *c, const struct node *n)
{
	const json_t *names = json_object_get(c->rq, "nodes");
	json_t *name;
	size_t i;

	if (!n->cfg)
		return false;
	if (cmd_flag(c, "unclaimed") && n->thing.claim != CLAIM_NEW &&
	    n->thing.claim != CLAIM_UNCLAIMED)
		return false;
	if (json_array_size(names) == 0)
		return true;
	json_array_foreach(names, i, name)
	{
		if (strcmp(json_string_value(name), n->id) == 0)
			return true;
	}
	return false;
}

static enum err
check_names(struct call *c)
{
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(c->rq, "nodes"), i, name)
	{
		if (!cmd_node(c, json_string_value(name)))
			return c->e;
	}
	return OK;
}

/* The audit: whose KEY left the house, and to whom; nobody is named whose was
 * not given. */
static void
audit(const struct call *c, const json_t *stickers)
{
	struct buf names = { 0 };
	char who[CMD_WHO];
	const json_t *s;
	size_t i;

	json_array_foreach(stickers, i, s)
	{
		if (json_is_string(json_object_get(s, "key")))
			buf_printf(&names, " %s",
			    json_string_value(json_object_get(s, "node")));
	}
	if (names.len)
		log_info("sticker", "claim texts shown to %s:%s",
		    cmd_who(c, who), names.data);
	buf_fini(&names);
}

/* The KEY that was printed, since a disown may have come meanwhile; without
 * key_gens it is the present one. */
static int64_t
printed_gen(const struct call *c, const struct node *n)
{
	const json_t *gens = json_object_get(c->rq, "key_gens"), *name;
	size_t i;

	json_array_foreach(json_object_get(c->rq, "nodes"), i, name)
	{
		if (gens && strcmp(json_string_value(name), n->id) == 0)
			return json_integer_value(json_array_get(gens, i));
	}
	return gens ? 0 : n->key_gen;
}

static void
note_printed(const struct call *c, struct node *n)
{
	char who[CMD_WHO];

	if (sticker_printed(c->gw, n, printed_gen(c, n)))
		log_info("sticker", "%s printed by %s, copy %d", n->id,
		    cmd_who(c, who), n->printed_copies);
}

enum err
cmd_stickers(struct call *c)
{
	const char *kind = cmd_text(c, "kind");
	bool asset = kind && strcmp(kind, "asset") == 0;
	bool secrets = cmd_flag(c, "secrets") && !asset;
	enum err e = check_names(c);
	json_t *a;

	if (e != OK)
		return e;
	a = json_array();
	for (size_t i = 0; i < c->gw->nodes.n; i++) {
		struct node *n = c->gw->nodes.v[i];

		if (!chosen(c, n))
			continue;
		if (cmd_flag(c, "printed") && !asset)
			note_printed(c, n);
		json_array_append_new(
		    a, sticker_json(c->gw, n, secrets, asset));
	}
	audit(c, a);
	c->out.data = json_pack("{s:i, s:o}", "schema", 1, "stickers", a);
	return OK;
}

/* reset, register, unregister */

static enum err
claim_command(struct call *c, enum thing_event_kind kind, const char *refused)
{
	struct node *n = cmd_node(c, cmd_text(c, "node"));
	char who[CMD_WHO];

	if (!n)
		return c->e;
	log_info("claim", "node %s: %s by %s", n->id, cmd_text(c, "cmd"),
	    cmd_who(c, who));
	if (registrar_event(c->gw->registrar, n, kind) != OK)
		return errbuf_set(c->eb, ERR_REFUSED, "%s is %s: %s", n->id,
		    claim_name(n->thing.claim), refused);
	c->out.data = json_pack("{s:i, s:s, s:s}", "schema", 1, "node", n->id,
	    "claim", claim_name(n->thing.claim));
	return OK;
}

enum err
cmd_reset(struct call *c)
{
	return claim_command(c, THING_CMD_RESET, "it cannot be reset");
}

enum err
cmd_register(struct call *c)
{
	return claim_command(c, THING_CMD_REGISTER,
	    "whoever kept its sticker could claim it; use thingbridge reset, "
	    "which makes a new KEY");
}

enum err
cmd_unregister(struct call *c)
{
	return claim_command(c, THING_CMD_UNREGISTER, "nothing to unregister");
}

enum err
cmd_registry(struct call *c)
{
	c->out.data = cmd_registry_json(c->gw);
	json_object_set_new(c->out.data, "schema", json_integer(1));
	return OK;
}
