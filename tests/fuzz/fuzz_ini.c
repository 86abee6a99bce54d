/* The reader takes any bytes; what it takes has a place and no control
 * characters. */
#include "config/ini.h"

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
	struct buf errs = { 0 };
	struct notes notes = { .out = &errs };
	struct ini ini = { 0 };

	if (size == 0)
		return 0;
	ini_read(&ini, "f", (const char *)data, size, &notes);
	ini_repeats(&ini, &notes);
	for (size_t i = 0; i < ini.n; i++) {
		const struct ini_section *s = &ini.sections[i];

		must(s->line > 0 && strlen(s->name) <= INI_SECTION_MAX);
		for (size_t k = 0; k < s->n; k++) {
			const struct ini_item *item = &s->items[k];

			must(item->line > s->line && item->key[0]);
			must(!strpbrk(item->value, "\n\r\x01\x02"));
		}
	}
	must(!errs.data || errs.data[errs.len - 1] == '\n');
	ini_fini(&ini);
	buf_fini(&errs);
	return 0;
}
