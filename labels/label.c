#include "labels/label.h"

#include "common/mem.h"
#include "common/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct member {
	const char *name;
	size_t offset;
} members[] = {
	{ "node", offsetof(struct label, node) },
	{ "name", offsetof(struct label, name) },
	{ "place", offsetof(struct label, place) },
	{ "maker", offsetof(struct label, maker) },
	{ "model", offsetof(struct label, model) },
	{ "sn", offsetof(struct label, sn) },
	{ "bus", offsetof(struct label, bus) },
	{ "address", offsetof(struct label, address) },
	{ "jid", offsetof(struct label, jid) },
	{ "registry", offsetof(struct label, registry) },
	{ "text", offsetof(struct label, text) },
	{ "key", offsetof(struct label, key) },
};

enum { N_MEMBERS = sizeof(members) / sizeof(members[0]) };

static char **
slot(struct label *l, const struct member *m)
{
	return (char **)(void *)((char *)l + m->offset);
}

/* Numbers (a bus address) are taken as their text. */
static char *
text_of(const json_t *v)
{
	if (json_is_integer(v))
		return mem_printf("%lld", (long long)json_integer_value(v));
	if (!json_is_string(v))
		return mem_strdup("");
	return mem_strdup(json_string_value(v));
}

static enum err
kind_of(const json_t *o, enum label_kind *out)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));

	*out = LABEL_CLAIM;
	if (!kind || strcmp(kind, "claim") == 0)
		return OK;
	*out = LABEL_ASSET;
	return strcmp(kind, "asset") == 0 ? OK : ERR_PROTO;
}

/* direct_only leaves an asset no code but one that leads to the thing: what
 * stays on it for all to see must not let anybody claim it. */
static void
direct_only(struct label *l)
{
	mem_free_secret(l->key);
	l->key = mem_strdup("");
	if (strncmp(l->text, "iotdisco:", 9) == 0 && !strstr(l->text, "KEY"))
		return;
	mem_free_secret(l->text);
	l->text = mem_strdup("");
}

static enum err
parse_label(const json_t *o, size_t i, struct label *l, struct errbuf *eb)
{
	if (!json_is_object(o))
		return errbuf_set(
		    eb, ERR_PROTO, "label %zu is not a JSON object", i + 1);
	for (size_t m = 0; m < N_MEMBERS; m++) {
		char **s = slot(l, &members[m]);

		*s = text_of(json_object_get(o, members[m].name));
		if (s != &l->text) /* a scanner reads it as it is */
			utf8_blot(*s, ' ');
	}
	if (!*l->node)
		return errbuf_set(
		    eb, ERR_PROTO, "label %zu has no \"node\"", i + 1);
	if (kind_of(o, &l->kind) != OK)
		return errbuf_set(eb, ERR_PROTO,
		    "label %zu: \"kind\" is neither claim nor asset", i + 1);
	if (l->kind == LABEL_ASSET)
		direct_only(l);
	else if (!*l->text)
		return errbuf_set(eb, ERR_PROTO,
		    "label %zu has no \"text\" for its QR code", i + 1);
	return OK;
}

enum err
labels_parse(
    const char *json, size_t len, struct labels *out, struct errbuf *eb)
{
	json_error_t je;
	json_t *a = json_loadb(json, len, 0, &je);
	enum err e = OK;

	memset(out, 0, sizeof(*out));
	if (!json_is_array(a)) {
		e = errbuf_set(eb, ERR_PROTO,
		    "the input is not a JSON array of labels (line %d)",
		    je.line);
		goto out;
	}
	if (json_array_size(a) > LABELS_MAX) {
		e = errbuf_set(
		    eb, ERR_RANGE, "more than %d labels", LABELS_MAX);
		goto out;
	}
	out->v = mem_array(json_array_size(a), sizeof(*out->v));
	for (size_t i = 0; i < json_array_size(a) && e == OK; i++)
		e = parse_label(json_array_get(a, i), i, &out->v[out->n++], eb);
out:
	json_decref(a);
	return e;
}

void
labels_fini(struct labels *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t m = 0; m < N_MEMBERS; m++)
			mem_free_secret(*slot(&l->v[i], &members[m]));
	free(l->v);
	memset(l, 0, sizeof(*l));
}
