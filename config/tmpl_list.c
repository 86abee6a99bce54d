/* The options that are lists: `nan=0x8000,0xFFFF enum=0:off,1:on suffix=C,F`.
 */
#include "common/mem.h"
#include "common/num.h"
#include "config/tmpl_line.h"
#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 256 }; /* entries */

/* Cuts the next entry of a list off; NULL at its end. */
static char *
next_entry(char **at)
{
	char *s = *at, *comma;

	if (!s)
		return NULL;
	comma = strchr(s, ',');
	if (comma)
		*comma++ = '\0';
	*at = comma;
	return s;
}

const char *
list_set_nan(struct line *l, char *v)
{
	struct field *f = l->f;
	unsigned bits = type_bits(f);

	for (char *s; (s = next_entry(&v));) {
		uint64_t top = bits >= 64 ? UINT64_MAX : (1ULL << bits) - 1;
		bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
		char *end;
		uint64_t raw;

		errno = 0;
		raw = strtoull(s, &end, hex ? 16 : 10);
		if (!isdigit((unsigned char)s[0]) || *end || errno || raw > top)
			return "must be raw register values, as 0x8000,0xFFFF";
		if (f->n_nan == LIST_MAX)
			return "has too many entries";
		f->nan = mem_resize(f->nan, f->n_nan + 1, sizeof(*f->nan));
		f->nan[f->n_nan++] = raw;
	}
	return NULL;
}

/* "0:off", or of a text "A:valid"; *word is behind the colon. */
static bool
take_word(const struct field *f, char *text, int64_t *value, char **word)
{
	char *colon = strchr(text, ':');

	if (!colon || colon == text || !colon[1])
		return false;
	*colon = '\0';
	*word = colon + 1;
	*value = (int64_t)f->n_words;
	return f->type == REG_STR || value_int(text, value) == OK;
}

static bool
is_same(const struct enum_word *w, int64_t value, const char *code)
{
	return w->code ? strcmp(w->code, code) == 0 : w->value == value;
}

const char *
list_set_enum(struct line *l, char *v)
{
	struct field *f = l->f;

	for (char *s; (s = next_entry(&v));) {
		struct enum_word w = { 0 };
		char *word;

		if (!take_word(f, s, &w.value, &word))
			return "must be value:word pairs, as 0:off,1:on";
		if (f->n_words == LIST_MAX)
			return "has too many entries";
		for (size_t i = 0; i < f->n_words; i++)
			if (is_same(&f->words[i], w.value, s))
				return "names one value twice";
		if (f->type == REG_STR)
			w.code = mem_strdup(s);
		w.word = mem_strdup(word);
		f->words = mem_resize(f->words, f->n_words + 1, sizeof(w));
		f->words[f->n_words++] = w;
	}
	return NULL;
}

/* "M", "K:0.277778" or "F:0.555556:-17.7778". */
static const char *
take_suffix(char *text, struct suffix *out)
{
	char *factor = strchr(text, ':'), *offset = NULL;

	*out = (struct suffix){ .factor = { 1, 0 } };
	if (factor)
		*factor++ = '\0';
	if (factor)
		offset = strchr(factor, ':');
	if (offset)
		*offset++ = '\0';
	if (!text[0] || strlen(text) >= sizeof(out->mark))
		return "has a unit mark of 1 to 7 bytes before each ':'";
	memcpy(out->mark, text, strlen(text) + 1);
	if (factor && num_parse(factor, &out->factor) != OK)
		return "must be marks, as C or K:0.277778 or F:0.5556:-17.778";
	if (offset && num_parse(offset, &out->offset) != OK)
		return "must be marks, as C or K:0.277778 or F:0.5556:-17.778";
	return out->factor.mant == 0 ? "has a factor that is 0" : NULL;
}

const char *
list_set_suffix(struct line *l, char *v)
{
	struct field *f = l->f;

	for (char *s; (s = next_entry(&v));) {
		struct suffix x;
		const char *bad = take_suffix(s, &x);

		if (bad)
			return bad;
		for (size_t i = 0; i < f->n_suffix; i++)
			if (strcmp(f->suffix[i].mark, x.mark) == 0)
				return "names one mark twice";
		if (f->n_suffix == LIST_MAX)
			return "has too many entries";
		f->suffix = mem_resize(f->suffix, f->n_suffix + 1, sizeof(x));
		f->suffix[f->n_suffix++] = x;
	}
	return NULL;
}
