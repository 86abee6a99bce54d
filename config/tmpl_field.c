#include "config/tmpl_field.h"

#include "common/mem.h"
#include "config/tmpl_draft.h"
#include "config/tmpl_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGS_ALL = 65536 };

bool
line_fault(struct line *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note_error(l->notes, l->at, "%s: %s", l->f->name, text);
	return false;
}

/* Cuts the next word off, double quotes taken out; *open: one is not closed. */
static char *
next_word(char **at, bool *open)
{
	char *in = *at, *word, *out;

	while (*in == ' ' || *in == '\t')
		in++;
	*open = false;
	if (!*in)
		return NULL;
	word = out = in;
	for (; *in && (*open || (*in != ' ' && *in != '\t')); in++) {
		if (*in == '"')
			*open = !*open;
		else
			*out++ = *in;
	}
	*at = *in ? in + 1 : in;
	*out = '\0';
	return word;
}

static const char *
register_fault(const struct field *f)
{
	bool bits = f->bit_hi >= f->bit_lo;

	if (f->table == MB_COIL || f->table == MB_DISCRETE) {
		if (f->type != REG_BOOL)
			return "a coil or discrete input is a bool";
		return bits ? "a coil or discrete input has no bits" : NULL;
	}
	if (f->type == REG_BOOL && (!bits || f->bit_hi != f->bit_lo))
		return "a bool of a register needs its bit, as holding:0x10[3]";
	if (bits && f->type != REG_BOOL && f->type != REG_U16)
		return "bits of a register are bool or u16";
	if (f->addr + tmpl_field_regs(f) > REGS_ALL)
		return "reaches beyond register 65535";
	return NULL;
}

static const char *
modbus_fault(const struct line *l)
{
	const struct field *f = l->f;
	const char *bad = register_fault(f);

	if (bad)
		return bad;
	if (tmpl_field_regs(f) > l->t->max_read)
		return "is longer than max_read of [modbus]";
	if (type_is_fraction(f) && !f->has_dec)
		return "a floating point value needs dec=, its decimals";
	if (type_is_fraction(f) && f->n_words)
		return "enum applies to whole numbers";
	if (l->c && f->table != MB_COIL && f->table != MB_HOLDING)
		return "what can be written is a coil or a holding register";
	return NULL;
}

/* The class of fields that name none: a time, and no doubt about which. */
static bool
poll_default(const struct tmpl *t)
{
	size_t times = 0;

	for (size_t i = 0; i < t->n_polls; i++) {
		if (strcmp(t->polls[i].name, "normal") == 0)
			return true;
		times += t->polls[i].ms > 0;
	}
	return times == 1;
}

static const char *
range_fault(const struct field *f)
{
	return f->has_min && f->has_max && num_cmp(f->min, f->max) > 0
	    ? "min is above max"
	    : NULL;
}

static const char *
field_fault(const struct line *l)
{
	const struct field *f = l->f;
	const char *bad = l->t->kind == TMPL_MODBUS ? modbus_fault(l) : NULL;

	if (bad)
		return bad;
	if (range_fault(f))
		return range_fault(f);
	if (f->form && (f->n_suffix || f->n_words))
		return "a latitude or longitude has no suffix and no enum";
	if (f->kind == KIND_COUNTER && (!type_is_number(f) || f->n_words))
		return "a counter is a number";
	if (!l->c && !f->poll && !poll_default(l->t))
		return "poll= is needed: [poll] has several classes and no "
		       "`normal`";
	return NULL;
}

/* A text field is a number unless its second word is `str`. */
static bool
parse_type(struct line *l, char **rest)
{
	bool open;
	char *word;

	if (l->t->kind == TMPL_TEXT)
		return true;
	word = next_word(rest, &open);
	return word ? line_type(l, word) : line_fault(l, "the type is missing");
}

static bool
parse_options(struct line *l, char *rest)
{
	bool first = l->t->kind == TMPL_TEXT, open, good = true;
	char *word;

	while ((word = next_word(&rest, &open))) {
		if (open)
			return line_fault(l, "a quote is not closed");
		if (first && strcmp(word, "str") == 0)
			l->f->type = REG_STR;
		else
			good &= line_option(l, word);
		first = false;
	}
	return good;
}

static bool
parse_line(struct line *l, char *text)
{
	bool open;
	char *word = next_word(&text, &open);
	const char *bad;

	if (!word)
		return line_fault(l, "says nothing: write where%s and options",
		    l->t->kind == TMPL_MODBUS ? ", type" : "");
	if (!line_where(l, word) || !parse_type(l, &text) ||
	    !parse_options(l, text))
		return false;
	bad = field_fault(l);
	if (!bad && l->c)
		bad = control_finish(l);
	return !bad || line_fault(l, "%s", bad);
}

static bool
parse(struct line *l, const char *text)
{
	char *copy = mem_strdup(text);
	bool good;

	l->f->scale = (struct num){ 1, 0 };
	l->f->order = (enum reg_order)l->t->order;
	l->f->sf_field = -1;
	good = parse_line(l, copy);
	free(copy);
	return good;
}

bool
tmpl_field_parse(const struct tmpl *t, struct field *f, const char *text,
    struct place at, struct notes *notes)
{
	struct line l = { .t = t, .f = f, .at = at, .notes = notes };
	bool good = parse(&l, text);

	if (!f->unit)
		f->unit = mem_strdup("");
	if (!f->label)
		f->label = mem_strdup(f->name);
	return good;
}

bool
tmpl_control_parse(const struct tmpl *t, struct control *c, const char *text,
    struct place at, struct notes *notes)
{
	struct line l = {
		.t = t, .f = &c->f, .c = c, .at = at, .notes = notes
	};

	c->field = -1;
	return parse(&l, text);
}

static void
write_down(
    struct tmpl *t, const char *field, const char *option, const char *value)
{
	char *before = t->changes;

	t->changes = mem_printf(
	    "%s%s.%s=%s\n", before ? before : "", field, option, value);
	free(before);
}

bool
tmpl_field_change(struct tmpl *t, const char *field, const char *option,
    const char *value, struct place at, struct notes *notes)
{
	struct field *f = &t->fields[tmpl_find(t, field) - t->fields];
	struct line l = { .t = t, .f = f, .at = at, .notes = notes };
	char *copy;
	bool good;

	/* A node may give a time where the template names a class. */
	if (strcmp(option, "poll") == 0 && !tmpl_poll_add(t, value))
		return line_fault(&l,
		    "poll must be a class of the template, connect, or a time "
		    "from 50ms to 1d with its unit");
	copy = mem_strdup(value);
	good = option_change(&l, option, copy);
	if (good && range_fault(f))
		good = line_fault(&l, "%s", range_fault(f));
	write_down(t, field, option, value);
	free(copy);
	return good;
}

void
tmpl_field_fini(struct field *f)
{
	for (size_t i = 0; i < f->n_words; i++) {
		free(f->words[i].code);
		free(f->words[i].word);
	}
	free(f->words);
	free(f->nan);
	free(f->suffix);
	free(f->name);
	free(f->unit);
	free(f->label);
	free(f->poll);
	free(f->sf);
	free(f->key);
	free(f->key2);
	free(f->key3);
	free(f->void_text);
}
