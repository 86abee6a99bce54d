#include "config/template.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/keys.h"
#include "config/tagrule.h"
#include "config/tmpl_field.h"
#include "config/tmpl_keys.h"
#include "config/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	FIELDS_MAX = 1000,
	POLL_MIN_MS = 50,
	POLL_MAX_MS = 86400000,
	POLL_DEFAULT_MS = 10000,
	TAGS_OF_TEMPLATE = 32,
	MAX_READ_BITS = 2000,
};

/* What is read, and the parts of it that need a second look. */
struct draft {
	struct tmpl t; /* first: the tables' offsets are into it */
	int64_t baud;
	char *mode;
	struct ini ini;
	struct notes *notes;
};

/* clang-format off: one line a key */
#define T(member) offsetof(struct draft, t.member)
static const struct key template_keys[] = {
	{ "id", KEY_TEXT, T(id), .required = true,
	    .help = "the name that nodes use; it never changes its meaning" },
	{ "name", KEY_TEXT, T(name), .required = true,
	    .help = "the device, for people" },
	{ "class", KEY_TEXT, T(class_),
	    .help = "the kind of device, for people, as electricity-meter" },
	{ "kind", KEY_ENUM, T(kind), .words = "modbus|text", .required = true,
	    .help = "how it speaks" },
	{ "version", KEY_TEXT, T(version), .help = "of this file" },
	{ "source", KEY_TEXT, T(source),
	    .help = "the document that this file follows" },
	{ 0 },
};
static const struct key serial_keys[] = {
	{ "baud", KEY_INT, offsetof(struct draft, baud), .min = 50,
	    .max = 4000000, .help = "speed of the line as the device is sold" },
	{ "mode", KEY_TEXT, offsetof(struct draft, mode), "8N1",
	    .help = "data bits 5 to 8, parity N, E or O, stop bits 1 or 2" },
	{ 0 },
};
static const struct key modbus_keys[] = {
	{ "order", KEY_ENUM, T(order), "ABCD", .words = "ABCD|BADC|CDAB|DCBA",
	    .help = "bytes of a 32-bit value as they stand in two registers" },
	{ "unit", KEY_INT, T(unit), "0", 0, 255,
	    .help = "the address when the node gives none; 0: it must" },
	{ "max_read", KEY_INT, T(max_read), "125", 1, 125,
	    .help = "registers in one request" },
	{ "max_read_bits", KEY_INT, T(max_read_bits), "2000", 1, MAX_READ_BITS,
	    .help = "coils or inputs in one request" },
	{ "min_read", KEY_INT, T(min_read), "1", 1, 125,
	    .help = "registers that a request has at least" },
	{ "max_gap", KEY_INT, T(max_gap), "0", 0, 124,
	    .help = "unused registers that are read to save a request" },
	{ "timeout", KEY_DURATION, T(timeout_ms), "500ms", 10, 60000,
	    .help = "how long an answer may take" },
	{ "frame_gap", KEY_DURATION, T(frame_gap_ms), "0s", 0, 10000,
	    .help = "silence before a request; 0s: 3.5 characters" },
	{ "retries", KEY_INT, T(retries), "1", 0, 10,
	    .help = "how often a request is repeated" },
	{ "probe", KEY_TEXT, T(probe),
	    .help = "FIELD MIN..MAX: what tells that this device answers" },
	{ 0 },
};
static const struct key frame_keys[] = {
	{ "mode", KEY_ENUM, T(frame.mode), .words = "poll|stream|listen",
	    .required = true,
	    .help = "poll: ask; stream: it speaks by itself; listen: another "
		    "asks it" },
	{ "request", KEY_BYTES, T(frame.request),
	    .help = "what is sent; {address} stands for the node's address" },
	{ "start", KEY_BYTES, T(frame.start),
	    .help = "bytes that start a message" },
	{ "end", KEY_BYTES, T(frame.end),
	    .help = "bytes that end a message, or idle:20ms" },
	{ "length", KEY_INT, T(frame.length), "0", 0, 4096,
	    .help = "bytes of a message of fixed length; 0: it varies" },
	{ "idle", KEY_DURATION, T(frame.idle_ms), "0s", 0, 10000,
	    .help = "silence that ends a message" },
	{ "max", KEY_INT, T(frame.max), "256", 1, 4096,
	    .help = "bytes of the longest message" },
	{ "timeout", KEY_DURATION, T(frame.timeout_ms), "2s", 10, 3600000,
	    .help = "how long an answer may take; of a stream: how long it may "
		    "be silent" },
	{ "settle", KEY_DURATION, T(frame.settle_ms), "0s", 0, 10000,
	    .help = "silence before a request" },
	{ "retries", KEY_INT, T(frame.retries), "1", 0, 10,
	    .help = "how often a request is repeated" },
	{ "check", KEY_ENUM, T(frame.check), "none",
	    .words = "none|nmea-xor|crc16-modbus|sdi12-crc|lrc|sum8|bcc",
	    .help = "how the message proves itself" },
	{ "match", KEY_BYTES, T(frame.match),
	    .help = "what the message must start with; {address} as in "
		    "request" },
	{ "char_delay", KEY_DURATION, T(frame.char_delay_ms), "0s", 0, 1000,
	    .help = "pause after each byte sent, for slow devices" },
	{ 0 },
};
static const struct key parse_keys[] = {
	{ "format", KEY_ENUM, T(parse.format),
	    .words = "keyed|csv|regex|fixed|nmea|obis", .required = true,
	    .help = "how values stand in a message" },
	{ "separator", KEY_CHAR, T(parse.separator), ",",
	    .help = "keyed, csv: between values; a ';' is written \\x3b" },
	{ "assign", KEY_CHAR, T(parse.assign), "=",
	    .help = "keyed: between a key and its value" },
	{ "invalid", KEY_CHAR, T(parse.invalid),
	    .help = "the character that marks a value as not valid" },
	{ "regex", KEY_TEXT, T(parse.regex),
	    .help = "regex: a PCRE2 pattern; fields are its groups" },
	{ 0 },
};
#undef T

const struct section tmpl_sections[] = {
	{ "template", .keys = template_keys, .required = true,
	    .help = "what the device is" },
	{ "tag", .wild = "", .help = "claim tags of each such device",
	    .wild_help = "NAME = text, #NAME = number, or @field,@field: "
			 "identity values read from the device, joined." },
	{ "serial", .keys = serial_keys,
	    .help = "the line, when the bus does not say" },
	{ "modbus", .keys = modbus_keys, .help = "kind = modbus: requests" },
	{ "frame", .keys = frame_keys, .help = "kind = text: messages" },
	{ "parse", .keys = parse_keys, .help = "kind = text: values in them" },
	{ "poll", .wild = "", .help = "how often fields are read",
	    .wild_help = "CLASS = time, or CLASS = connect: once after each "
			 "connection.  Fields that name no class have "
			 "`normal`, or the only one that is a time.  Without "
			 "this section: normal = 10s." },
	{ "field", .wild = "", .required = true, .help = "what can be read",
	    .wild_help = "NAME = where, type and options, see below." },
	{ "control", .wild = "", .help = "what can be written",
	    .wild_help = "NAME = where, type and options, see below." },
};
/* clang-format on */

const size_t tmpl_n_sections = sizeof(tmpl_sections) / sizeof(tmpl_sections[0]);

static const struct schema schema = { tmpl_sections,
	sizeof(tmpl_sections) / sizeof(tmpl_sections[0]) };

static struct ini_section *
section_of(struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->ini.n; i++)
		if (strcmp(d->ini.sections[i].name, name) == 0)
			return &d->ini.sections[i];
	return NULL;
}

/* Where to point at for a key that may not be there. */
static struct place
place_of(struct draft *d, const char *section, const char *key)
{
	const struct ini_section *s = section_of(d, section);

	if (!s)
		return (struct place){ d->ini.file, 0, section };
	return ini_place(s, key ? ini_find(s, key) : NULL);
}

/* Whether the key was given and could be read. */
static bool
given(struct draft *d, const char *section, const char *key)
{
	const struct ini_item *i = ini_find(section_of(d, section), key);

	return i && !i->bad && i->value[0];
}

/* Calls each for the items of a section that are no repetitions. */
static void
each_item(struct draft *d, const char *section,
    void (*each)(struct draft *, struct ini_item *, struct place))
{
	struct ini_section *s = section_of(d, section);

	for (size_t i = 0; s && i < s->n; i++)
		if (!s->items[i].bad)
			each(d, &s->items[i], ini_place(s, &s->items[i]));
}

/* --- serial --- */

static enum err
mode_parse(const char *text, struct serial_mode *out)
{
	if (strlen(text) != 3 || text[0] < '5' || text[0] > '8' ||
	    !strchr("NEO", text[1]) || (text[2] != '1' && text[2] != '2'))
		return ERR_PROTO;
	out->bits = text[0] - '0';
	out->parity = text[1];
	out->stop = text[2] - '0';
	return OK;
}

enum err
serial_mode_parse(const char *text, struct serial_mode *out)
{
	size_t n = strspn(text, "0123456789");
	char *baud = mem_strndup(text, n);
	int64_t v = 0;
	bool ok = n > 0 && n < 8 && value_int(baud, &v) == OK && v >= 50 &&
	    v <= 4000000;

	free(baud);
	if (!ok)
		return ERR_PROTO;
	out->baud = (int)v;
	text += n + strspn(text + n, " \t");
	return mode_parse(*text ? text : "8N1", out);
}

bool
serial_mode_equal(const struct serial_mode *a, const struct serial_mode *b)
{
	return a->baud == b->baud && a->bits == b->bits &&
	    a->parity == b->parity && a->stop == b->stop;
}

static void
check_serial(struct draft *d)
{
	struct ini_section *s = section_of(d, "serial");

	if (mode_parse(d->mode, &d->t.serial) != OK)
		note_error(d->notes, place_of(d, "serial", "mode"),
		    "mode must be as 8N1, not \"%s\"", d->mode);
	if (s && !s->bad && !ini_find(s, "baud"))
		note_error(d->notes, ini_place(s, NULL), "baud is missing");
	d->t.serial.baud = (int)d->baud;
}

/* --- poll classes --- */

static void
add_poll(struct tmpl *t, const char *name, int64_t ms)
{
	t->polls = mem_resize(t->polls, t->n_polls + 1, sizeof(*t->polls));
	t->polls[t->n_polls++] = (struct poll_class){ mem_strdup(name), ms };
}

static void
take_poll(struct draft *d, struct ini_item *i, struct place at)
{
	int64_t ms = 0;

	if (strcmp(i->value, "connect") != 0 &&
	    (value_duration(i->value, &ms) != OK || ms < POLL_MIN_MS ||
		ms > POLL_MAX_MS))
		note_error(d->notes, at,
		    "%s must be connect, or a time from 50ms to 1d with its "
		    "unit, not \"%s\"",
		    i->key, i->value);
	/* Known in any case, or its fields would be blamed too. */
	if (strcmp(i->value, "connect") != 0 && ms < POLL_MIN_MS)
		ms = POLL_DEFAULT_MS;
	add_poll(&d->t, i->key, ms);
}

static void
take_polls(struct draft *d)
{
	each_item(d, "poll", take_poll);
	if (d->t.n_polls == 0)
		add_poll(&d->t, "normal", POLL_DEFAULT_MS);
}

static const struct poll_class *
poll_find(const struct tmpl *t, const char *name)
{
	for (size_t i = 0; i < t->n_polls; i++)
		if (strcmp(t->polls[i].name, name) == 0)
			return &t->polls[i];
	return NULL;
}

static const struct poll_class *
poll_default(const struct tmpl *t)
{
	const struct poll_class *p = poll_find(t, "normal");

	for (size_t i = 0; i < t->n_polls && !p; i++)
		if (t->polls[i].ms > 0)
			p = &t->polls[i];
	return p;
}

int64_t
tmpl_poll_ms(const struct tmpl *t, const struct field *f, int64_t override_ms)
{
	const struct poll_class *def = poll_default(t);
	const struct poll_class *p = f->poll ? poll_find(t, f->poll) : def;

	if (p && p == def && p->ms > 0 && override_ms)
		return override_ms;
	return p ? p->ms : 0;
}

/* --- fields --- */

static bool
field_name_fits(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return false;
	return strlen(name) < TAGRULE_FIELD;
}

static void
take_line(struct draft *d, struct ini_item *i, struct place at, bool control)
{
	struct tmpl *t = &d->t;
	struct field **v = control ? &t->controls : &t->fields;
	size_t *n = control ? &t->n_controls : &t->n_fields;
	struct field f = { .name = mem_strdup(i->key) };

	if (!field_name_fits(i->key))
		note_error(d->notes, at,
		    "%s: a name is letters, digits, '_', '.' and '-', at most "
		    "63",
		    i->key);
	else if (*n == FIELDS_MAX)
		note_error(
		    d->notes, at, "%s: there are more than 1000 lines", i->key);
	i->bad = !tmpl_field_parse(t, &f, i->value, control, at, d->notes);
	*v = mem_resize(*v, *n + 1, sizeof(f));
	(*v)[(*n)++] = f;
}

static void
take_field(struct draft *d, struct ini_item *i, struct place at)
{
	take_line(d, i, at, false);
}

static void
take_control(struct draft *d, struct ini_item *i, struct place at)
{
	take_line(d, i, at, true);
}

static void
check_field_number(struct draft *d, const struct ini_section *s)
{
	if (d->t.n_fields == 0 && s && !s->bad && s->n == 0)
		note_error(d->notes, ini_place(s, NULL), "there are no fields");
}

/* --- tags --- */

static void
check_references(
    struct draft *d, const char *name, const char *value, struct place at)
{
	char field[TAGRULE_FIELD];

	while (tagrule_field(&value, field)) {
		const struct field *f = tmpl_find(&d->t, field);
		const struct ini_item *i =
		    ini_find(section_of(d, "field"), field);

		if (i && i->bad)
			continue;
		if (!f)
			note_error(d->notes, at,
			    "tag %s: there is no field \"%s\"", name, field);
		else if (f->kind != KIND_IDENTITY)
			note_error(d->notes, at,
			    "tag %s: the field %s is not kind=identity, and "
			    "would change",
			    name, field);
	}
}

static void
take_tag(struct draft *d, struct ini_item *i, struct place at)
{
	struct tmpl *t = &d->t;
	bool num;
	const char *name = tagrule_split(i->key, &num);

	if (t->n_tags == TAGS_OF_TEMPLATE) {
		note_error(
		    d->notes, at, "tag %s: there are more than 32", name);
		return;
	}
	if (!tagrule_check(name, i->value, num, at, d->notes))
		return;
	for (size_t n = 0; n < t->n_tags; n++)
		if (strcasecmp(t->tags[n].name, name) == 0)
			note_error(d->notes, at, "tag %s stands twice", name);
	check_references(d, name, i->value, at);
	t->tags = mem_resize(t->tags, t->n_tags + 1, sizeof(*t->tags));
	t->tags[t->n_tags++] =
	    (struct tmpl_tag){ mem_strdup(name), mem_strdup(i->value), num };
}

/* --- text devices --- */

/* `end = idle:20ms` is another way to write `idle = 20ms`. */
static void
take_idle(struct draft *d)
{
	struct frame *f = &d->t.frame;

	if (!f->end.data || strncmp(f->end.data, "idle:", 5) != 0)
		return;
	if (value_duration(f->end.data + 5, &f->idle_ms) != OK ||
	    f->idle_ms < 1 || f->idle_ms > 10000)
		note_error(d->notes, place_of(d, "frame", "end"),
		    "end must be bytes, or idle: and a time from 1ms to 10s");
	free(f->end.data);
	f->end = (struct bytes){ 0 };
}

static void
check_frame(struct draft *d)
{
	const struct frame *f = &d->t.frame;
	struct ini_section *s = section_of(d, "frame");
	bool ends = ini_find(s, "end") || f->idle_ms || f->length;

	take_idle(d);
	if (s->bad || !given(d, "frame", "mode"))
		return;
	if (f->mode == FRAME_POLL && !ini_find(s, "request"))
		note_error(
		    d->notes, ini_place(s, NULL), "mode = poll needs request");
	if (f->mode != FRAME_POLL && ini_find(s, "request"))
		note_error(d->notes, place_of(d, "frame", "request"),
		    "request belongs to mode = poll");
	if (!ends)
		note_error(d->notes, ini_place(s, NULL),
		    "nothing says where a message ends (end, length or idle)");
	if (f->length > f->max)
		note_error(d->notes, place_of(d, "frame", "length"),
		    "length is more than max");
}

/* Skips a character class; NULL when it is not closed. */
static const char *
skip_class(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	while (*p && *p != ']')
		p += p[0] == '\\' && p[1] ? 2 : 1;
	return *p ? p : NULL;
}

/* Whether the '(' at p is a numbered group. */
static bool
captures(const char *p)
{
	if (p[1] == '*')
		return false;
	if (p[1] != '?')
		return true;
	if (p[2] == '<')
		return p[3] != '=' && p[3] != '!';
	return p[2] == '\'' || (p[2] == 'P' && p[3] == '<');
}

/* The number of groups, or -1 when brackets do not pair.  The driver compiles
 * the pattern; this finds the slips of the pen. */
static int
regex_groups(const char *p)
{
	int groups = 0, depth = 0;

	for (; *p; p++) {
		if (p[0] == '\\' && !p[1])
			return -1;
		if (p[0] == '\\') {
			p++;
			continue;
		}
		if (*p == '[')
			p = skip_class(p);
		if (!p)
			return -1;
		groups += *p == '(' && captures(p);
		depth += (*p == '(') - (*p == ')');
		if (depth < 0)
			return -1;
	}
	return depth == 0 ? groups : -1;
}

static void
check_groups(struct draft *d, int groups)
{
	struct ini_section *s = section_of(d, "field");

	for (size_t i = 0; i < d->t.n_fields; i++) {
		const struct field *f = &d->t.fields[i];
		const struct ini_item *item = ini_find(s, f->name);

		if (f->from > groups && !item->bad)
			note_error(d->notes, ini_place(s, item),
			    "%s: regex has no group %d", f->name, f->from);
	}
}

static void
check_regex(struct draft *d)
{
	const struct parse *p = &d->t.parse;
	struct place at = place_of(d, "parse", "regex");
	int groups;

	if (p->format != PARSE_REGEX && p->regex)
		note_error(d->notes, at, "regex belongs to format = regex");
	if (p->format != PARSE_REGEX)
		return;
	if (!p->regex) {
		note_error(d->notes, at, "format = regex needs regex");
		return;
	}
	groups = regex_groups(p->regex);
	if (groups < 0)
		note_error(d->notes, at,
		    "regex: a bracket is not closed or not opened");
	else
		check_groups(d, groups);
}

/* --- the template as a whole --- */

static void
check_probe(struct draft *d)
{
	const char *probe = d->t.probe;
	struct place at = place_of(d, "modbus", "probe");
	size_t n = probe ? strcspn(probe, " \t") : 0;
	char *name, *lo, *dots;
	struct num a, b;

	if (!probe)
		return;
	name = mem_strndup(probe, n);
	lo = mem_strdup(probe + n + strspn(probe + n, " \t"));
	dots = strstr(lo, "..");
	if (dots)
		*dots = '\0';
	if (!tmpl_find(&d->t, name))
		note_error(
		    d->notes, at, "probe: there is no field \"%s\"", name);
	else if (!dots || num_parse(lo, &a) != OK ||
	    num_parse(dots + 2, &b) != OK || num_cmp(a, b) > 0)
		note_error(d->notes, at, "probe must be FIELD MIN..MAX");
	free(lo);
	free(name);
}

/* Sections that the kind needs or cannot have. */
static void
check_sections(struct draft *d)
{
	static const struct {
		const char *name;
		enum tmpl_kind kind;
		bool needed;
	} rules[] = {
		{ "modbus", TMPL_MODBUS, false },
		{ "control", TMPL_MODBUS, false },
		{ "frame", TMPL_TEXT, true },
		{ "parse", TMPL_TEXT, true },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct ini_section *s = section_of(d, rules[i].name);

		if (s && rules[i].kind != d->t.kind)
			note_error(d->notes, ini_place(s, NULL),
			    "the section does not belong to kind = %s",
			    d->t.kind == TMPL_MODBUS ? "modbus" : "text");
		if (!s && rules[i].kind == d->t.kind && rules[i].needed &&
		    !d->ini.bad)
			note_error(d->notes, place_of(d, "template", "kind"),
			    "kind = text needs a section [%s]", rules[i].name);
	}
}

static bool
id_fits(const char *id)
{
	for (const char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return isalnum((unsigned char)id[0]);
}

static void
check_id(struct draft *d)
{
	if (d->t.id && !id_fits(d->t.id))
		note_error(d->notes, place_of(d, "template", "id"),
		    "id is letters, digits, '.', '_' and '-', not \"%s\"",
		    d->t.id);
}

static bool
text_is_known(struct draft *d)
{
	return d->t.kind == TMPL_TEXT && given(d, "parse", "format");
}

static void
take_all(struct draft *d)
{
	check_id(d);
	check_serial(d);
	take_polls(d);
	/* Without kind and format nobody can say what a field's line means. */
	if (!given(d, "template", "kind"))
		return;
	check_sections(d);
	if (d->t.kind == TMPL_TEXT && section_of(d, "frame"))
		check_frame(d);
	if (d->t.kind == TMPL_TEXT && !text_is_known(d))
		return;
	each_item(d, "field", take_field);
	if (d->t.kind == TMPL_MODBUS)
		each_item(d, "control", take_control);
	check_field_number(d, section_of(d, "field"));
	each_item(d, "tag", take_tag);
	check_probe(d);
	if (d->t.kind == TMPL_TEXT)
		check_regex(d);
}

static char *
text_of(const struct ini *ini)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < ini->n; i++) {
		const struct ini_section *s = &ini->sections[i];

		buf_printf(&b, "[%s]\n", s->name);
		for (size_t k = 0; k < s->n; k++)
			buf_printf(
			    &b, "%s=%s\n", s->items[k].key, s->items[k].value);
	}
	return buf_take(&b);
}

/* Takes what d->ini holds. */
static enum err
finish(struct draft *d, struct tmpl **out)
{
	struct tmpl *t = mem_zalloc(sizeof(*t));

	ini_repeats(&d->ini, d->notes);
	keys_fill_all(&schema, &d->ini, d, false, d->notes);
	take_all(d);
	d->t.file = mem_strdup(d->ini.file);
	d->t.text = text_of(&d->ini);
	ini_fini(&d->ini);
	free(d->mode);
	*t = d->t;
	if (d->notes->errors) {
		tmpl_free(t);
		return ERR_CONFIG;
	}
	*out = t;
	return OK;
}

enum err
tmpl_load_text(const char *path, const char *data, size_t len,
    struct tmpl **out, struct buf *errs)
{
	struct notes notes = { .out = errs };
	struct draft d = { .notes = &notes };

	*out = NULL;
	ini_read(&d.ini, path, data, len, &notes);
	return finish(&d, out);
}

enum err
tmpl_load(const char *path, struct tmpl **out, struct buf *errs)
{
	struct notes notes = { .out = errs };
	struct draft d = { .notes = &notes };
	enum err e;

	*out = NULL;
	e = ini_read_file(&d.ini, path, &notes);
	if (e != OK) {
		ini_fini(&d.ini);
		return e;
	}
	return finish(&d, out);
}

static void
free_fields(struct field *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tmpl_field_fini(&v[i]);
	free(v);
}

void
tmpl_free(struct tmpl *t)
{
	struct draft d = { 0 };

	if (!t)
		return;
	for (size_t i = 0; i < t->n_tags; i++) {
		free(t->tags[i].name);
		free(t->tags[i].value);
	}
	free(t->tags);
	for (size_t i = 0; i < t->n_polls; i++)
		free(t->polls[i].name);
	free(t->polls);
	free_fields(t->fields, t->n_fields);
	free_fields(t->controls, t->n_controls);
	free(t->file);
	free(t->text);
	d.t = *t;
	keys_fini_all(&schema, &d);
	free(t);
}

bool
tmpl_equal(const struct tmpl *a, const struct tmpl *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(a->text, b->text) == 0;
}

const struct field *
tmpl_find(const struct tmpl *t, const char *name)
{
	for (size_t i = 0; i < t->n_fields; i++)
		if (strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	return NULL;
}

static bool
holds_address(const struct bytes *b)
{
	return b->data && strstr(b->data, "{address}");
}

bool
tmpl_has_address(const struct tmpl *t)
{
	return holds_address(&t->frame.request) || tmpl_tells_address(t);
}

bool
tmpl_tells_address(const struct tmpl *t)
{
	return holds_address(&t->frame.match);
}
