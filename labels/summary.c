#include "labels/summary.h"

#include <jansson.h>
#include <stdlib.h>

void
summary_count(struct summary *s, const struct label *l, const struct sticker *k)
{
	s->made++;
	s->claims += l->kind == LABEL_CLAIM;
	if (!k->code.dark || (s->module > 0 && k->module >= s->module))
		return;
	s->module = k->module;
	s->version = k->code.version;
	s->level = code_letter(k->code.level);
}

static const char *
kind(const struct summary *s)
{
	if (s->claims == s->made)
		return "claim ";
	return s->claims ? "" : "asset ";
}

void
summary_text(const struct summary *s, struct buf *out)
{
	buf_printf(
	    out, "%zu %ssticker%s", s->made, kind(s), s->made == 1 ? "" : "s");
	if (s->stock && s->sheets == 1 && s->first == s->last)
		buf_printf(
		    out, " on 1 sheet of %s (cell %d)", s->stock, s->first);
	else if (s->stock && s->sheets == 1)
		buf_printf(out, " on 1 sheet of %s (cells %d-%d)", s->stock,
		    s->first, s->last);
	else if (s->stock)
		buf_printf(out, " on %d sheets of %s (from cell %d to %d)",
		    s->sheets, s->stock, s->first, s->last);
	if (s->module > 0)
		buf_printf(out, ", QR v%d level %c, module %.2f mm", s->version,
		    s->level, s->module);
	buf_printf(out, " -> %s (mode 0600)", s->file);
}

void
summary_json(const struct summary *s, struct buf *out)
{
	json_t *o =
	    json_pack("{s:I, s:I, s:s}", "stickers", (json_int_t)s->made,
		"claims", (json_int_t)s->claims, "file", s->file);
	char *text;

	if (s->stock)
		json_object_update_new(o,
		    json_pack("{s:s, s:i, s:i, s:i}", "stock", s->stock,
			"sheets", s->sheets, "first", s->first, "last",
			s->last));
	if (s->module > 0)
		json_object_update_new(o,
		    json_pack("{s:i, s:s#, s:f}", "version", s->version,
			"level", &s->level, 1, "module_mm", s->module));
	text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(4));
	if (text)
		buf_puts(out, text);
	free(text);
	json_decref(o);
}
