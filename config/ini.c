#include "config/ini.h"

#include "common/mem.h"
#include "common/utf8.h"

#include <ini.h>

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stands for the value, and for the '#' of a number tag, in what inih sees. */
#define VALUE_MARK "\x01"
#define NUMBER_MARK '\x02'

/* The part of a file that inih has not seen yet. */
struct feed {
	struct ini *ini;
	struct notes *notes;
	const char *file, *at, *end;
	int line;
	bool skip;   /* the section's line was wrong: its keys are homeless */
	char *value; /* of the line that inih was just given */
};

struct span {
	const char *s;
	size_t n;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span
trim(struct span v)
{
	while (v.n && is_blank(v.s[0])) {
		v.s++;
		v.n--;
	}
	while (v.n && is_blank(v.s[v.n - 1]))
		v.n--;
	return v;
}

static struct ini_section *
section_now(const struct feed *f)
{
	return f->ini->n ? &f->ini->sections[f->ini->n - 1] : NULL;
}

static struct place
place_now(const struct feed *f)
{
	const struct ini_section *s = section_now(f);
	bool inside = s && s->file == f->file && !f->skip;

	return (struct place){ f->file, f->line, inside ? s->name : NULL };
}

static void
line_bad(struct feed *f, const char *what)
{
	note_error(f->notes, place_now(f), "%s", what);
	if (section_now(f) && !f->skip)
		section_now(f)->bad = true;
}

/* Takes the next line, without its end.  False at the end of the file. */
static bool
take_line(struct feed *f, struct span *out)
{
	const char *nl;

	if (f->at == f->end)
		return false;
	nl = memchr(f->at, '\n', (size_t)(f->end - f->at));
	out->s = f->at;
	out->n = (size_t)((nl ? nl : f->end) - f->at);
	f->at = nl ? nl + 1 : f->end;
	f->line++;
	if (out->n && out->s[out->n - 1] == '\r')
		out->n--;
	return true;
}

/* In UTF-8. */
static bool
holds_control(struct span l)
{
	uint32_t cp;

	for (size_t n; l.n; l.s += n, l.n -= n) {
		n = utf8_next(l.s, l.n, &cp);
		if (utf8_control(cp) && cp != '\t')
			return true;
	}
	return false;
}

static const char *
line_fault(struct span l)
{
	if (l.n > INI_LINE_MAX)
		return "the line is longer than 4096 bytes";
	if (memchr(l.s, '\0', l.n))
		return "the line holds a NUL byte (is this a text file?)";
	if (!utf8_valid(l.s, l.n))
		return "the line is not UTF-8 (save the file as UTF-8)";
	return holds_control(l) ? "the line holds a control character" : NULL;
}

/* Whether a ';', with any '\' before it, begins at v.s[i] and stands between
 * blanks. */
static bool
stands_alone(struct span v, size_t i)
{
	if (i > 0 && !is_blank(v.s[i - 1]))
		return false;
	while (i < v.n && v.s[i] == '\\')
		i++;
	return i < v.n && v.s[i] == ';' &&
	    (i + 1 == v.n || is_blank(v.s[i + 1]));
}

/* The value without its comment, owned. */
static char *
clean_value(struct span v)
{
	char *out = mem_zalloc(v.n + 1);
	size_t n = 0;
	struct span t;

	for (size_t i = 0; i < v.n; i++) {
		bool alone = i > 0 && stands_alone(v, i);

		if (alone && v.s[i] == ';')
			break;
		out[n++] = v.s[alone ? ++i : i];
	}
	t = trim((struct span){ out, n });
	memmove(out, t.s, t.n);
	out[t.n] = '\0';
	return out;
}

void
ini_add_value(const char *value, struct buf *out)
{
	struct span v = { value, strlen(value) };

	for (size_t i = 0; i < v.n; i++) {
		if (stands_alone(v, i))
			buf_putc(out, '\\');
		buf_putc(out, v.s[i]);
	}
}

/* The name with blanks made one, or NULL when it cannot be a name. */
static char *
clean_name(struct span v)
{
	char *out;
	size_t n = 0;

	v = trim(v);
	if (v.n == 0 || v.n > INI_SECTION_MAX)
		return NULL;
	out = mem_zalloc(v.n + 1);
	for (size_t i = 0; i < v.n; i++) {
		if (is_blank(v.s[i]) && is_blank(v.s[i - 1]))
			continue;
		out[n] = v.s[i];
		if (is_blank(v.s[i]))
			out[n] = ' ';
		n++;
	}
	if (strpbrk(out, "[;\"")) {
		free(out);
		return NULL;
	}
	return out;
}

static const char *
header_fault(struct span l, struct span *name)
{
	const char *close = memchr(l.s, ']', l.n);
	struct span rest;

	if (!close)
		return "the section's name is not closed by ']'";
	*name = (struct span){ l.s + 1, (size_t)(close - l.s) - 1 };
	rest.s = close + 1;
	rest.n = l.n - name->n - 2;
	if (trim(*name).n > INI_SECTION_MAX)
		return "the section's name is longer than 48 bytes";
	if (trim(rest).n == 0)
		return NULL;
	if (!is_blank(rest.s[0]) || trim(rest).s[0] != ';')
		return "there is text after the section's ']'";
	return NULL;
}

static void
section_add(struct feed *f, char *name)
{
	struct ini *ini = f->ini;
	struct ini_section *s;
	char *blank = strchr(name, ' ');

	ini->sections =
	    mem_grow(ini->sections, ini->n, &ini->cap, sizeof(*ini->sections));
	s = &ini->sections[ini->n++];
	*s = (struct ini_section){ .name = name,
		.file = f->file,
		.base = ini->file,
		.line = f->line };
	s->id = blank ? blank + 1 : NULL;
	s->kind = blank ? mem_strndup(name, (size_t)(blank - name))
			: mem_strdup(name);
}

/* True when inih got a line. */
static bool
feed_header(struct feed *f, struct span l, char *str, size_t size)
{
	struct span name = { 0 };
	const char *fault = header_fault(l, &name);
	char *clean = fault ? NULL : clean_name(name);

	f->skip = true;
	if (!fault && !clean)
		fault = "this cannot be a section's name";
	if (fault) {
		line_bad(f, fault);
		f->ini->bad = true;
		return false;
	}
	f->skip = false;
	section_add(f, clean);
	snprintf(str, size, "[%s]", clean);
	return true;
}

static const char *
key_fault(struct span k)
{
	bool word = k.n > 0;

	for (size_t i = 0; i < k.n; i++)
		word &= !is_blank(k.s[i]) && !strchr(":;[]\"'\\", k.s[i]);
	if (!word)
		return "this cannot be a key: one word stands before '='";
	return k.n > INI_KEY_MAX ? "the key is longer than 160 bytes" : NULL;
}

static bool
feed_key(struct feed *f, struct span l, char *str, size_t size)
{
	const char *eq = memchr(l.s, '=', l.n), *fault;
	struct span key, value;
	int skip;

	if (f->skip)
		return false;
	if (f->ini->n == 0 || section_now(f)->file != f->file) {
		f->skip = true;
		line_bad(f, "this stands before the first [section]");
		return false;
	}
	if (!eq) {
		line_bad(f, "this is not a `key = value` line");
		return false;
	}
	key = trim((struct span){ l.s, (size_t)(eq - l.s) });
	value = (struct span){ eq + 1, l.n - (size_t)(eq - l.s) - 1 };
	fault = key_fault(key);
	if (fault) {
		line_bad(f, fault);
		return false;
	}
	skip = key.s[0] == '#';
	free(f->value);
	f->value = clean_value(value);
	snprintf(str, size, "%s%.*s = " VALUE_MARK,
	    skip ? (const char[]){ NUMBER_MARK, '\0' } : "", (int)key.n - skip,
	    key.s + skip);
	return true;
}

/* Whether a line that starts with '#' is a number tag and no comment. */
static bool
is_number_tag(const struct feed *f, struct span l)
{
	const struct ini_section *s = section_now(f);
	size_t i = 1;

	if (!s || (strcmp(s->name, "tags") != 0 && strcmp(s->name, "tag") != 0))
		return false;
	if (l.n < 2 || !isupper((unsigned char)l.s[1]))
		return false;
	while (i < l.n &&
	    (isupper((unsigned char)l.s[i]) || isdigit((unsigned char)l.s[i]) ||
		l.s[i] == '_' || l.s[i] == '-'))
		i++;
	while (i < l.n && is_blank(l.s[i]))
		i++;
	return i < l.n && l.s[i] == '=' &&
	    trim((struct span){ l.s + i + 1, l.n - i - 1 }).n > 0;
}

static bool
feed_line(struct feed *f, struct span l, char *str, size_t size)
{
	const char *fault = line_fault(l);
	struct span t;

	if (fault) {
		line_bad(f, fault);
		return false;
	}
	t = trim(l);
	if (t.n == 0 || t.s[0] == ';')
		return false;
	if (is_blank(l.s[0])) {
		if (!f->skip)
			line_bad(f,
			    "the line is indented (there are no "
			    "continuation lines)");
		return false;
	}
	if (l.s[0] == '#' && !is_number_tag(f, l))
		return false;
	if (l.s[0] == '[')
		return feed_header(f, l, str, size);
	return feed_key(f, l, str, size);
}

/* What inih calls for its next line. */
static char *
feed_inih(char *str, int size, void *stream)
{
	struct feed *f = stream;
	struct span l;

	while (take_line(f, &l))
		if (feed_line(f, l, str, (size_t)size))
			return str;
	return NULL;
}

/* What inih calls for each key. */
static int
take_item(void *user, const char *section, const char *name, const char *value)
{
	struct feed *f = user;
	struct ini_section *s = section_now(f);
	struct ini_item *i;

	assert(strcmp(section, s->name) == 0);
	assert(strcmp(value, VALUE_MARK) == 0);
	s->items = mem_grow(s->items, s->n, &s->cap, sizeof(*s->items));
	i = &s->items[s->n++];
	*i = (struct ini_item){ .value = f->value, .line = f->line };
	i->key = name[0] == NUMBER_MARK ? mem_printf("#%s", name + 1)
					: mem_strdup(name);
	f->value = NULL;
	return 1;
}

void
ini_read(struct ini *ini, const char *file, const char *data, size_t len,
    struct notes *notes)
{
	struct feed f = { .ini = ini,
		.notes = notes,
		.file = file,
		.at = data,
		.end = data + len };

	if (!ini->file)
		ini->file = file;
	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
		f.at += 3;
	if (ini_parse_stream(feed_inih, &f, take_item, &f) != 0)
		note_error(notes, (struct place){ file, 0, NULL },
		    "this is not an ini file");
	free(f.value);
}

static enum err
read_stream(FILE *in, struct buf *out)
{
	char part[8192];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), in)) > 0) {
		buf_add(out, part, n);
		if (out->len > INI_FILE_MAX)
			return ERR_RANGE;
	}
	return ferror(in) ? ERR_IO : OK;
}

/* A pipe would be waited for without end, a device may never end; a folder
 * fails when it is read.  NULL: errno, ENOTSUP for what is no file. */
static FILE *
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	FILE *in = NULL;

	if (fd < 0)
		errno = errno == ENXIO ? ENOTSUP : errno;
	else if (fstat(fd, &st) != 0 || S_ISREG(st.st_mode) ||
	    S_ISDIR(st.st_mode))
		in = fdopen(fd, "r");
	else
		errno = ENOTSUP;
	if (fd >= 0 && !in) {
		int kept = errno;

		close(fd);
		errno = kept;
	}
	return in;
}

enum err
ini_read_file(struct ini *ini, const char *path, struct notes *notes)
{
	struct place at = { path, 0, NULL };
	struct buf text = { 0 };
	FILE *in = open_file(path);
	enum err e;

	if (!in && errno == ENOTSUP)
		note_error(notes, at,
		    "is no file, but a pipe, socket or device (give it "
		    "another name, or take it away)");
	else if (!in)
		note_errno(notes, at, "cannot be read");
	if (!in)
		return ERR_IO;
	e = read_stream(in, &text);
	if (e == ERR_IO)
		note_errno(notes, at, "cannot be read");
	else if (e == ERR_RANGE)
		note_error(notes, at, "is larger than 16 MiB");
	else
		ini_read(
		    ini, path, text.data ? text.data : "", text.len, notes);
	fclose(in);
	buf_fini(&text);
	return e == OK ? OK : ERR_IO;
}

static int
compare_sections(const void *a, const void *b)
{
	const struct ini_section *x = *(struct ini_section *const *)a;
	const struct ini_section *y = *(struct ini_section *const *)b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x > y) - (x < y);
}

static int
compare_items(const void *a, const void *b)
{
	const struct ini_item *x = *(struct ini_item *const *)a;
	const struct ini_item *y = *(struct ini_item *const *)b;
	int c = strcmp(x->key, y->key);

	return c ? c : (x > y) - (x < y);
}

static void
repeated_keys(struct ini_section *s, struct notes *notes)
{
	struct ini_item **v =
	    mem_array(s->n ? s->n : 1, sizeof(struct ini_item *));
	const struct ini_item *first;

	for (size_t i = 0; i < s->n; i++)
		v[i] = &s->items[i];
	qsort(v, s->n, sizeof(struct ini_item *), compare_items);
	first = s->n ? v[0] : NULL;
	for (size_t i = 1; i < s->n; i++) {
		if (strcmp(first->key, v[i]->key) != 0) {
			first = v[i];
			continue;
		}
		note_error(notes, ini_place(s, v[i]),
		    "%s is set twice (first at %s:%d)", v[i]->key, s->file,
		    first->line);
		v[i]->bad = true;
	}
	free(v);
}

void
ini_repeats(struct ini *ini, struct notes *notes)
{
	size_t n = ini->n;
	struct ini_section **v =
	    mem_array(n ? n : 1, sizeof(struct ini_section *));
	const struct ini_section *first;

	for (size_t i = 0; i < n; i++) {
		v[i] = &ini->sections[i];
		repeated_keys(v[i], notes);
	}
	qsort(v, n, sizeof(struct ini_section *), compare_sections);
	first = n ? v[0] : NULL;
	for (size_t i = 1; i < n; i++) {
		if (strcmp(first->name, v[i]->name) != 0) {
			first = v[i];
			continue;
		}
		note_error(notes, ini_place(v[i], NULL),
		    "the section stands twice (first at %s:%d)", first->file,
		    first->line);
		v[i]->repeated = true;
	}
	free(v);
}

struct ini_item *
ini_find(const struct ini_section *s, const char *key)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (strcmp(s->items[i].key, key) == 0)
			return &s->items[i];
	return NULL;
}

struct place
ini_place(const struct ini_section *s, const struct ini_item *i)
{
	return (struct place){ s->file, i ? i->line : s->line, s->name };
}

void
ini_fini(struct ini *ini)
{
	for (size_t i = 0; i < ini->n; i++) {
		struct ini_section *s = &ini->sections[i];

		for (size_t k = 0; k < s->n; k++) {
			free(s->items[k].key);
			free(s->items[k].value);
		}
		free(s->items);
		free(s->name);
		free(s->kind);
	}
	free(ini->sections);
	memset(ini, 0, sizeof(*ini));
}
