/* A JID that is taken is the same after another preparation. */
#include "common/mem.h"
#include "protocol/jid.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	struct jid j, again;

	if (jid_parse(text, &j) == OK) {
		must(jid_parse(j.full, &again) == OK);
		must(strcmp(j.full, again.full) == 0);
		must(strcmp(j.bare, again.bare) == 0);
		must(jid_same(text, j.full));
		must(jid_same_bare(text, j.bare));
	}
	free(text);
	return 0;
}
