#include "cli/bridge.h"

#include "cli/say.h"
#include "config/config.h"
#include "config/template.h"
#include "drivers/check.h"

#include <stdio.h>
#include <string.h>

struct tally {
	size_t errors, warnings;
};

/* Notes are lines "file:line: error: ..." or "... warning: ...". */
static struct tally
tally_of(const json_t *notes)
{
	struct tally t = { 0, 0 };
	const json_t *note;
	size_t i;

	json_array_foreach(notes, i, note)
	{
		const char *s = json_string_value(note);

		if (strstr(s, ": error: "))
			t.errors++;
		else if (strstr(s, ": warning: "))
			t.warnings++;
	}
	return t;
}

json_t *
bridge_notes(struct buf *text)
{
	json_t *a = json_array();
	char *save = NULL;

	if (!text->data)
		return a;
	for (char *l = strtok_r(text->data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		json_array_append_new(a, json_string(l));
	return a;
}

void
bridge_print_notes(enum out_mode mode, const char *path, json_t *notes)
{
	struct tally t = tally_of(notes);
	const json_t *note;
	size_t i;

	if (mode == OUT_JSON) {
		json_t *o = json_pack("{s:i, s:s, s:I, s:I, s:O}", "schema", 1,
		    "file", path, "errors", (json_int_t)t.errors, "warnings",
		    (json_int_t)t.warnings, "notes", notes);

		out_json(o);
		json_decref(o);
		return;
	}
	json_array_foreach(notes, i, note)
	    printf("%s\n", json_string_value(note));
	fflush(stdout);
	say("%s: %zu error%s, %zu warning%s", path, t.errors,
	    t.errors == 1 ? "" : "s", t.warnings, t.warnings == 1 ? "" : "s");
}

int
bridge_check(const struct call *c)
{
	const char *path = c->argc ? c->argv[0] : bridge_conf(c);
	struct buf notes = { 0 };
	struct cfg *cfg = NULL;
	/* Whoever checks need not be allowed to read the secrets. */
	enum err e = cfg_load(path, false, &cfg, &notes);
	bool good = e == OK && check_config(cfg, &notes);
	json_t *list;

	if (e == OK)
		cfg_check_ports(cfg, &notes);
	list = bridge_notes(&notes);
	bridge_print_notes(bridge_mode(c), path, list);
	json_decref(list);
	cfg_free(cfg);
	buf_fini(&notes);
	return good ? EXIT_OK : EXIT_CONFIG;
}
