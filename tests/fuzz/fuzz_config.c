/* A configuration is taken whole, or refused with an error: and what is taken
 * can be printed and equals itself. */
#include "config/config.h"

#include <stdio.h>
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
print(const struct cfg *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cfg_print(c, out);
	fclose(out);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf notes = { 0 };
	struct cfg *c;

	if (size == 0)
		return 0;
	setenv("THINGBRIDGE_TEMPLATES", TEST_TEMPLATES, 0);
	if (cfg_load_text(
		"/nonexistent/f", (const char *)data, size, &c, &notes) == OK) {
		must(!notes.data || !strstr(notes.data, "error: "));
		print(c);
		for (size_t i = 0; i < c->n_nodes; i++)
			must(cfg_node_equal(&c->nodes[i], &c->nodes[i]));
	} else {
		must(!c && notes.data && strstr(notes.data, "error: "));
	}
	cfg_free(c);
	buf_fini(&notes);
	return 0;
}
