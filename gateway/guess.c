#include "gateway/guess.h"

#include "common/buf.h"
#include "common/mem.h"
#include "drivers/bus.h"
#include "drivers/decode.h"
#include "drivers/frame.h"
#include "drivers/parse_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MIN = 3 /* letters and digits that name a model */ };

void
guesses_load(struct guesses *g, const char *conf)
{
	struct tmpl_index ix = { 0 };

	tmpl_index_build(&ix, conf);
	g->v = mem_array(ix.n, sizeof(*g->v));
	g->n = 0;
	for (size_t i = 0; i < ix.n; i++) {
		struct buf errs = { 0 };

		if (tmpl_load(ix.v[i].path, &g->v[g->n], &errs) == OK)
			g->n++;
		buf_fini(&errs);
	}
	tmpl_index_fini(&ix);
}

void
guesses_fini(struct guesses *g)
{
	for (size_t i = 0; i < g->n; i++)
		tmpl_free(g->v[i]);
	free(g->v);
	memset(g, 0, sizeof(*g));
}

/* "voltage_l1 90..300": the field, and what it must be within. */
static const struct field *
probe_field(const struct tmpl *t)
{
	char *name;
	const struct field *f;

	if (!t->probe)
		return NULL;
	name = mem_strndup(t->probe, strcspn(t->probe, " \t"));
	f = tmpl_find(t, name);
	free(name);
	return f;
}

/* An identity that not any number is. */
static bool
tells(const struct field *f)
{
	return f->kind == KIND_IDENTITY &&
	    (f->n_words || (f->has_min && f->has_max));
}

const struct field *
guess_field(const struct tmpl *t, size_t n)
{
	const struct field *probe = probe_field(t);

	if (probe && n-- == 0)
		return probe;
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (f != probe && tells(f) && n-- == 0)
			return f;
	}
	return NULL;
}

static bool
within_probe(const struct tmpl *t, struct num v)
{
	const char *range = t->probe + strcspn(t->probe, " \t"), *dots;
	struct num lo, hi;
	char *low;
	bool good;

	range += strspn(range, " \t");
	dots = strstr(range, "..");
	if (!dots)
		return false;
	low = mem_strndup(range, (size_t)(dots - range));
	good = num_parse(low, &lo) == OK && num_parse(dots + 2, &hi) == OK &&
	    num_cmp(v, lo) >= 0 && num_cmp(v, hi) <= 0;
	free(low);
	return good;
}

bool
guess_fits(const struct tmpl *t, const struct field *f, const uint16_t *regs,
    struct reading *of)
{
	memset(of, 0, sizeof(*of));
	decode_regs(f, regs, 0, of);
	if (of->quality != QUALITY_OK)
		return false;
	if (f != probe_field(t))
		return true;
	return of->value.type != VALUE_NUM || within_probe(t, of->value.num);
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Two letters, or two digits: between them no word ends. */
static bool
is_one_word(char a, char b)
{
	return isalnum((unsigned char)a) && isalnum((unsigned char)b) &&
	    !isdigit((unsigned char)a) == !isdigit((unsigned char)b);
}

/* Whether the letters and digits of model begin text in a row, and end where a
 * word does: a TL-X is no TL-XH. */
static bool
begins(const char *text, const char *model)
{
	while (*model) {
		if (!isalnum((unsigned char)*model))
			model++;
		else if (*text && !isalnum((unsigned char)*text))
			text++;
		else if (!same_letter(*text++, *model++))
			return false;
	}
	return !is_one_word(text[-1], *text);
}

/* Letters and digits of model stand in text in a row, whatever stands between
 * them there. */
static bool
contains(const char *text, const char *model)
{
	for (const char *at = text; *at; at++) {
		if ((at == text || !is_one_word(at[-1], *at)) &&
		    begins(at, model))
			return true;
	}
	return false;
}

static bool
is_name(const char *model)
{
	size_t n = 0;

	for (; *model; model++)
		n += isalnum((unsigned char)*model) != 0;
	return n >= NAME_MIN;
}

bool
guess_named(const struct tmpl *t, const char *product, const char *maker)
{
	for (size_t i = 0; i < t->n_tags; i++) {
		const struct tmpl_tag *g = &t->tags[i];

		if (strcasecmp(g->name, "MODEL") != 0 || g->value[0] == '@' ||
		    !is_name(g->value))
			continue;
		return contains(product, g->value) || contains(maker, g->value);
	}
	return false;
}

/* Text devices. */

size_t
guess_text_request(const struct tmpl *t, int address, uint8_t *out)
{
	size_t len;
	char *text;

	if (t->kind != TMPL_TEXT || t->frame.mode != FRAME_POLL)
		return 0;
	text = frame_fill(&t->frame.request, address, &len);
	if (len > DRV_ASK_TEXT_MAX)
		len = 0;
	memcpy(out, text, len);
	free(text);
	return len;
}

/* The first message in msg that is this device's and whole. */
static bool
find_message(const struct tmpl *t, int address, struct framer *fr,
    const char *msg, size_t len, struct message *m)
{
	size_t n_match;
	char *match = frame_fill(&t->frame.match, address, &n_match);
	bool found = false;

	for (size_t at = 0; at < len && !found;) {
		size_t n = len - at < FRAMER_CHUNK ? len - at : FRAMER_CHUNK;

		framer_feed(fr, msg + at, n);
		at += n;
		while (!found && framer_next(fr, at == len, m))
			found = m->len >= n_match &&
			    memcmp(m->data, match, n_match) == 0 &&
			    frame_check(&t->frame, m) == OK;
	}
	free(match);
	return found;
}

enum err
guess_text_read(const struct tmpl *t, int address, const char *msg, size_t len,
    struct reading *out, size_t *n)
{
	struct text_parser *p = text_parser_new(t, NULL);
	struct framer fr;
	struct message m;
	enum err e = ERR_PROTO;

	*n = 0;
	if (!p)
		return ERR_UNSUP;
	framer_init(&fr, &t->frame);
	if (find_message(t, address, &fr, msg, len, &m))
		e = text_parse(p, m.data, m.len, out, n);
	framer_fini(&fr);
	text_parser_free(p);
	return e;
}

bool
guess_text_fits(const struct tmpl *t, int address, const char *msg, size_t len)
{
	struct reading *out = mem_array(t->n_fields, sizeof(*out));
	size_t n, good = 0;

	if (guess_text_read(t, address, msg, len, out, &n) != OK)
		n = 0;
	for (size_t i = 0; i < n; i++)
		good += out[i].quality == QUALITY_OK;
	free(out);
	return good > 0;
}
