#include "drivers/check.h"

#include "drivers/busload.h"
#include "drivers/parse_text.h"

bool
check_template(const struct tmpl *t, struct buf *notes)
{
	struct errbuf why;
	struct text_parser *p;

	if (t->kind != TMPL_TEXT)
		return true;
	p = text_parser_new(t, &why);
	if (!p)
		buf_printf(notes, "%s: error: [parse] %s\n", t->file, why.text);
	text_parser_free(p);
	return p != NULL;
}

bool
check_config(const struct cfg *c, struct buf *notes)
{
	bool good = true;

	for (size_t i = 0; i < c->n_templates; i++)
		good &= check_template(c->templates[i], notes);
	busload_check(c, notes);
	return good;
}
