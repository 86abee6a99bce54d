#include "gateway/sticker.h"

#include "common/buf.h"
#include "common/mem.h"
#include "gateway/cmd.h"
#include "gateway/meta.h"
#include "gateway/registrar.h"
#include "gateway/store.h"
#include "protocol/iotdisco.h"

#include <stdlib.h>
#include <string.h>

/* How long a claim may wait: whoever comes by a sticker could make it. */
enum { CLAIM_DAYS = 7 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* The claim tags must be fixed before the first copy leaves the house. */
static bool
freeze(struct gateway *gw, struct node *n)
{
	if (n->frozen)
		return true;
	if (!meta_freeze(n))
		return false;
	registrar_touch(gw->registrar, n);
	store_node(gw->store, n);
	store_tags(gw->store, n, STORE_CLAIM);
	return true;
}

static const char *
why_not(struct gateway *gw, struct node *n)
{
	if (thing_has_owner(&n->thing))
		return "it has an owner: its KEY is void";
	if (n->thing.claim == CLAIM_REMOVED || n->thing.claim == CLAIM_GONE)
		return "it is not in the registry; see thingbridge reset";
	if (n->cfg->self_owned)
		return "it owns itself: nobody can claim it";
	if (!freeze(gw, n))
		return "its serial number was not read from the device yet";
	return NULL;
}

static void
add_secret(json_t *o, const char *member, struct buf *b)
{
	char *text = buf_take(b);

	json_object_set_new(o, member, *text ? json_string(text) : json_null());
	mem_free_secret(text);
}

static void
add_text(struct gateway *gw, struct node *n, json_t *o)
{
	const char *registry = registrar_jid(gw->registrar);
	struct tags t = { 0 };
	struct buf text = { 0 }, uri = { 0 };

	tags_copy(&t, &n->claim);
	if (tags_set(&t, "KEY", n->key, false, NULL) == OK) {
		iotdisco_encode(&t, &text);
		/* A claim tag R is all that it cannot hold: no URI then. */
		(void)!iotdisco_encode_uri(
		    &t, *registry ? registry : NULL, &uri);
	}
	add_secret(o, "text", &text);
	add_secret(o, "uri", &uri);
	json_object_set_new(o, "key", json_string(n->key));
	tags_fini(&t);
}

/* What the device is: as it is claimed, or will be. */
static void
add_device(const struct node *n, json_t *o)
{
	static const struct {
		const char *member, *tag;
	} facts[] = {
		{ "maker", "MAN" },
		{ "model", "MODEL" },
		{ "sn", "SN" },
	};
	struct tags t = { 0 };

	if (n->frozen)
		tags_copy(&t, &n->claim);
	else
		(void)meta_claim(n, &t);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct tag *g = tags_find(&t, facts[i].tag);

		json_object_set_new(o, facts[i].member,
		    g ? json_string(g->value) : json_null());
	}
	tags_fini(&t);
}

/* Where it is: what the installer told the registry about the place. */
static char *
place(struct gateway *gw, const struct node *n)
{
	static const char *const names[] = { "ROOM", "APT", "AREA", "BLD",
		"CITY" };
	struct tags t = { 0 };
	struct buf b = { 0 };

	meta_wanted(n, gw->cfg, &t);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct tag *g = tags_find(&t, names[i]);

		if (g && g->value[0])
			buf_printf(&b, "%s%s", b.len ? " · " : "", g->value);
	}
	tags_fini(&t);
	return buf_take(&b);
}

json_t *
sticker_json(struct gateway *gw, struct node *n, bool secrets, bool asset)
{
	const char *why = asset ? NULL : why_not(gw, n);
	char *where = place(gw, n);
	json_t *o = json_pack(
	    "{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:s}", "node", n->id,
	    "name", n->cfg->name, "place", where, "bus", n->cfg->bus, "address",
	    (json_int_t)n->cfg->address, "jid", session_bare(gw->session),
	    "registry", registrar_jid(gw->registrar), "claim",
	    claim_name(n->thing.claim), "key_gen", (json_int_t)n->key_gen,
	    "kind", asset ? "asset" : "claim");

	free(where);
	sticker_note(n, o);
	add_device(n, o);
	json_object_set_new(o, "why", why ? json_string(why) : json_null());
	json_object_set_new(o, "text", json_null());
	json_object_set_new(o, "uri", json_null());
	json_object_set_new(o, "key", json_null());
	if (secrets && !asset && !why)
		add_text(gw, n, o);
	return o;
}

void
sticker_note(const struct node *n, json_t *o)
{
	bool ever = n->printed_gen != 0;

	json_object_set_new(o, "sticker", json_string(node_sticker(n)));
	json_object_set_new(
	    o, "printed_at", cmd_time_or_null(ever ? n->printed_utc : 0));
	json_object_set_new(
	    o, "copies", json_integer(ever ? n->printed_copies : 0));
}

bool
sticker_printed(struct gateway *gw, struct node *n, int64_t key_gen)
{
	if (why_not(gw, n) || n->key_gen != key_gen)
		return false;
	n->printed_copies =
	    n->printed_gen == n->key_gen ? n->printed_copies + 1 : 1;
	n->printed_gen = n->key_gen;
	n->printed_utc = clock_utc(gw->clock);
	registrar_touch(gw->registrar, n);
	return store_node(gw->store, n) == OK;
}

bool
sticker_due(const struct node *n)
{
	return strcmp(node_sticker(n), "stale") == 0;
}

int
sticker_idle_days(const struct node *n, int64_t utc_ms)
{
	int64_t ms = utc_ms - n->printed_utc;

	if (strcmp(node_sticker(n), "printed") != 0 ||
	    ms <= CLAIM_DAYS * DAY_MS)
		return 0;
	return (int)(ms / DAY_MS);
}
