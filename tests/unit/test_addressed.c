#include "common/mem.h"
#include "gateway/addressed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "node/source" of the table, in order; + is configured. */
static const char *const table[] = { "+a/S", "+b/S", "+b/T", "-c/S", "+d/",
	"+d/S" };
enum { NODES = sizeof(table) / sizeof(table[0]) };

static const struct {
	const char *name, *asked, *want; /* indices, or what is missing */
	enum err e;
} cases[] = {
	{ "one", "a/S", "0", OK },
	{ "without its source", "a", "0", OK },
	{ "twice", "a/S a a", "0", OK },
	{ "an id of two sources", "b", "12", OK },
	{ "one of them", "b/T", "2", OK },
	{ "the one without a source comes first", "d", "4", OK },
	{ "in the order of the table", "d/S b/T a", "025", OK },
	{ "of another source", "a/T", "a", ERR_NOTFOUND },
	{ "unknown", "a x", "x", ERR_NOTFOUND },
	{ "gone from the configuration", "c", "c", ERR_NOTFOUND },
	{ "gone, with its source", "c/S", "c", ERR_NOTFOUND },
	{ "none", "", "", OK },
};

static struct cfg_node section;

static void
fill(struct nodes *t)
{
	for (size_t i = 0; i < NODES; i++) {
		char *id = mem_strdup(table[i] + 1);
		char *slash = strchr(id, '/');

		*slash = '\0';
		nodes_add(t, &(struct node_ref){ id, slash + 1, "" })->cfg =
		    table[i][0] == '+' ? &section : NULL;
		free(id);
	}
}

static void
ask(const struct nodes *t, size_t i)
{
	char *text = mem_strdup(cases[i].asked), *save = NULL, got[16] = "";
	const struct node_ref *missing;
	struct node_refs refs = { 0 };
	struct node **v;
	size_t n;

	for (char *w = strtok_r(text, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		char *slash = strchr(w, '/');

		if (slash)
			*slash = '\0';
		node_refs_add(
		    &refs, &(struct node_ref){ w, slash ? slash + 1 : "", "" });
	}
	assert_int_equal(
	    addressed_nodes(t, &refs, &v, &n, &missing), cases[i].e);
	for (size_t k = 0; k < n; k++)
		got[k] = (char)('0' + v[k]->handle - t->v[0]->handle);
	assert_string_equal(missing ? missing->node : got, cases[i].want);
	free(v);
	node_refs_fini(&refs);
	free(text);
}

static void
addressed(void **state)
{
	struct nodes t = { 0 };

	(void)state;
	fill(&t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].name);
		ask(&t, i);
	}
	nodes_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(addressed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
