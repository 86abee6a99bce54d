#include "cli/sticker.h"

#include "cli/bridge.h"
#include "cli/csv.h"
#include "cli/say.h"
#include "cli/spawn.h"
#include "common/disk.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
sticker_ask(const struct call *c, const struct sticker_query *q, json_t **data)
{
	json_t *nodes = json_array();

	for (int i = 0; i < q->n; i++)
		json_array_append_new(nodes, json_string(q->node[i]));
	return bridge_ask(c,
	    json_pack("{s:s, s:o, s:b, s:s, s:b, s:b}", "cmd", "stickers",
		"nodes", nodes, "unclaimed", q->unclaimed, "kind",
		q->asset ? "asset" : "claim", "secrets", q->secrets, "printed",
		false),
	    data);
}

static json_int_t
key_gen(const json_t *sticker)
{
	return json_integer_value(json_object_get(sticker, "key_gen"));
}

/* Those of the answer that are not what was printed. */
static int
say_void(const json_t *list, const json_t *now)
{
	const json_t *s;
	int code = EXIT_OK;
	size_t i;

	json_array_foreach(now, i, s)
	{
		const json_t *was = json_array_get(list, i);

		if (!*out_string(s, "why") && key_gen(s) == key_gen(was))
			continue;
		say("%s: its sticker is void already, as it was claimed or got "
		    "another KEY meanwhile; throw it away",
		    out_string(s, "node"));
		code = EXIT_PARTLY;
	}
	return code;
}

int
sticker_mark(const struct call *c, const json_t *list)
{
	json_t *nodes = json_array(), *gens = json_array(), *d;
	const json_t *s;
	size_t i;
	int code;

	json_array_foreach(list, i, s)
	{
		json_array_append(nodes, json_object_get(s, "node"));
		json_array_append_new(gens, json_integer(key_gen(s)));
	}
	code = bridge_ask(c,
	    json_pack("{s:s, s:o, s:o, s:s, s:b, s:b}", "cmd", "stickers",
		"nodes", nodes, "key_gens", gens, "kind", "claim", "secrets",
		false, "printed", true),
	    &d);
	if (code != EXIT_OK)
		return code;
	code = say_void(list, json_object_get(d, "stickers"));
	json_decref(d);
	return code;
}

int
sticker_draw(const struct sticker_pass *options, const json_t *input)
{
	enum { ARGS = 64 };
	char *argv[ARGS] = { NULL }, *text;
	int n = 1, code;

	for (; options->name; options++) {
		if (!options->value)
			continue;
		argv[n++] = mem_printf("--%s%s%s", options->name,
		    options->flag ? "" : "=", options->value);
	}
	text = input ? json_dumps(input, JSON_COMPACT) : mem_strdup("");
	fflush(stdout);
	code = spawn_fed("thinglabels", argv, text, strlen(text));
	mem_free_secret(text);
	for (int i = 1; i < n; i++)
		free(argv[i]);
	return code;
}

/* A table that holds KEYs is for its owner alone. */
static bool
write_table(const char *path, const struct buf *b)
{
	if (path)
		return disk_private(path, b->data, b->len);
	return fwrite(b->data, 1, b->len, stdout) == b->len &&
	    fflush(stdout) == 0;
}

int
sticker_csv(const char *path, const json_t *list)
{
	static const char *const columns[] = { "node", "name", "place", "maker",
		"model", "sn", "bus", "address", "jid", "registry", "key",
		"payload", NULL };
	const char *file = path && strcmp(path, "-") != 0 ? path : NULL;
	struct buf b = { 0 };
	int why;

	csv_table(&b, columns, list);
	why = write_table(file, &b) ? 0 : errno;
	mem_free_secret(buf_take(&b));
	if (why == 0)
		return EXIT_OK;
	return say_exit(EXIT_FAILED, "cannot write %s: %s",
	    file ? file : "the table", strerror(why));
}

/* "printed 11-20, 2 copies" */
static json_t *
words_of(const json_t *row)
{
	const char *at = out_string(row, "printed_at");
	json_int_t copies = json_integer_value(json_object_get(row, "copies"));
	enum { MONTH = 5, DAY_END = 10 }; /* in "2026-11-20T..." */

	if (strlen(at) < DAY_END)
		return json_string("printed");
	if (copies < 2)
		return json_sprintf(
		    "printed %.*s", DAY_END - MONTH, at + MONTH);
	return json_sprintf("printed %.*s, %d copies", DAY_END - MONTH,
	    at + MONTH, (int)copies);
}

void
sticker_words(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(out_string(row, "sticker"), "printed") == 0)
			json_object_set_new(row, "sticker", words_of(row));
	}
}
