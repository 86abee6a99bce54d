/* A claim text that is taken decodes to the same tags after encoding. */
#include "common/mem.h"
#include "protocol/iotdisco.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_round(const struct tags *t)
{
	struct tags again = { 0 };
	struct buf text = { 0 };
	char *registry = NULL;
	enum err e;

	iotdisco_encode(t, &text);
	e = iotdisco_decode(text.data, &again, &registry, NULL);
	/* Escapes may make it longer than what is taken. */
	must(e == OK || (e == ERR_RANGE && text.len > IOTDISCO_MAX));
	must(registry == NULL);
	must(e != OK || again.n == t->n);
	for (size_t i = 0; i < again.n; i++) {
		must(strcmp(again.v[i].name, t->v[i].name) == 0);
		must(strcmp(again.v[i].value, t->v[i].value) == 0);
		must(again.v[i].num == t->v[i].num);
	}
	buf_fini(&text);
	tags_fini(&again);
}

/* The same of the URI form, and of the registry. */
static void
check_uri(const struct tags *t, const char *registry)
{
	struct tags again = { 0 };
	struct buf text = { 0 };
	char *r = NULL;
	enum err e = iotdisco_encode_uri(t, registry, &text);

	if (e == OK) {
		e = iotdisco_decode(text.data, &again, &r, NULL);
		must(e == OK || (e == ERR_RANGE && text.len > IOTDISCO_MAX));
	}
	must(again.n == 0 || again.n == t->n);
	must(!r || (registry && strcmp(r, registry) == 0));
	for (size_t i = 0; i < again.n; i++) {
		must(strcmp(again.v[i].name, t->v[i].name) == 0);
		must(strcmp(again.v[i].value, t->v[i].value) == 0);
		must(again.v[i].num == t->v[i].num);
	}
	free(r);
	buf_fini(&text);
	tags_fini(&again);
}

static void
check_both(const struct tags *t, const char *registry)
{
	check_round(t);
	check_uri(t, registry);
}

static enum err
check_op(void *arg, const struct iotdisco_op *op, struct errbuf *eb)
{
	(void)arg;
	(void)eb;
	must(op->kind != SEARCH_RANGE && op->kind != SEARCH_NRANGE);
	must(op->kind == SEARCH_MASK || op->wildcard[0] == '\0');
	return strlen(op->name) + strlen(op->value) > IOTDISCO_MAX ? ERR_RANGE
								   : OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	struct tags t = { 0 };
	char *registry;

	if (iotdisco_decode(text, &t, &registry, NULL) == OK)
		check_both(&t, registry);
	else
		must(t.n == 0 && registry == NULL);
	free(registry);
	if (iotdisco_search(text, check_op, NULL, &registry, NULL) != OK)
		must(registry == NULL);
	free(registry);
	tags_fini(&t);
	free(text);
	return 0;
}
