/* Any bytes as a file of ours: what is added can be read, is taken out again,
 * and nothing before it changes. */
#include "config/edit.h"
#include "config/ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "node of this test"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
read_back(const struct buf *text)
{
	struct buf errs = { 0 };
	struct notes notes = { .out = &errs };
	struct ini ini = { 0 };
	const struct ini_section *s;
	const struct ini_item *item;

	ini_read(&ini, "f", text->data, text->len, &notes);
	must(ini.n > 0);
	s = &ini.sections[ini.n - 1];
	item = ini_find(s, "b");
	must(strcmp(s->name, NAME) == 0 && item);
	must(strcmp(item->value, "x ; y") == 0);
	ini_fini(&ini);
	buf_fini(&errs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = { 0 };

	buf_add(&text, data, size);
	if (!edit_has(&text, NAME)) {
		edit_add(&text, NAME, "a = 1\n");
		must(edit_set(&text, NAME, "b", "x ; y"));
		must(text.len > size && memcmp(text.data, data, size) == 0);
		read_back(&text);
		must(edit_remove(&text, NAME) && !edit_has(&text, NAME));
		must(text.len <= size + 2);
		must(memcmp(text.data, data,
			 text.len < size ? text.len : size) == 0);
	}
	buf_fini(&text);
	return 0;
}
