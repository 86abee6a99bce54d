/* thinglabels: draws stickers.  JSON in, pictures out. */
#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include "labels/file.h"
#include "labels/font.h"
#include "labels/label.h"
#include "labels/layout.h"
#include "labels/png.h"
#include "labels/svg.h"
#include "labels/term.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MM_PER_INCH 25.4

enum format { FORMAT_SVG, FORMAT_PNG, FORMAT_TERM, FORMATS };

static const char *const format_names[FORMATS] = {
	[FORMAT_SVG] = "svg",
	[FORMAT_PNG] = "png",
	[FORMAT_TERM] = "term",
};

struct options {
	enum format format;
	const char *file; /* NULL: standard output */
	double dpi, w, h;
};

/* What one run works with. */
struct job {
	const struct options *o;
	struct font *font;
	size_t n; /* labels of this run */
};

static const char help[] =
    "usage: thinglabels -f svg|png|term [-o FILE] [--dpi N] [--size WxH]\n"
    "\n"
    "Draws the stickers that standard input lists as a JSON array of objects:\n"
    "  node, name, place, maker, model, sn, jid, registry, text (of the QR\n"
    "  code), key, and kind: claim or asset.\n"
    "\n"
    "  -f, --format F   svg, png or term (half blocks for a terminal)\n"
    "  -o, --output F   write to a file, mode 0600; with several labels -NODE "
    "is\n"
    "                   put before the suffix.  Default: standard output\n"
    "      --dpi N      dots per inch of the printer, for png (300)\n"
    "      --size WxH   size of the label in mm (62x29)\n"
    "  -h, --help       this text\n"
    "      --version    the version\n"
    "\n"
    "example: thingbridge stickers meter1 -f png -o meter1.png   (runs this)\n";

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("thinglabels: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* A number from min to max and nothing behind it but what *end points to. */
static bool
number(const char *s, double min, double max, double *out, char **end)
{
	errno = 0;
	*out = strtod(s, end);
	return *end != s && errno == 0 && *out >= min && *out <= max;
}

static bool
parse_size(const char *s, struct options *o)
{
	enum { MIN_MM = 5, MAX_MM = 500 };
	char *end;

	if (!number(s, MIN_MM, MAX_MM, &o->w, &end) || *end != 'x')
		return false;
	return number(end + 1, MIN_MM, MAX_MM, &o->h, &end) && !*end;
}

static bool
parse_format(const char *s, struct options *o)
{
	for (int f = 0; f < FORMATS; f++) {
		if (strcmp(s, format_names[f]) != 0)
			continue;
		o->format = (enum format)f;
		return true;
	}
	return false;
}

static bool
parse_dpi(const char *s, struct options *o)
{
	enum { MIN_DPI = 72, MAX_DPI = 1200 };
	char *end;

	return number(s, MIN_DPI, MAX_DPI, &o->dpi, &end) && !*end;
}

static bool
parse_output(const char *s, struct options *o)
{
	o->file = strcmp(s, "-") == 0 ? NULL : s;
	return true;
}

static const struct {
	int letter;
	bool (*parse)(const char *, struct options *);
	const char *wants;
} parsers[] = {
	{ 'f', parse_format, "--format is svg, png or term" },
	{ 'o', parse_output, "" },
	{ 'd', parse_dpi, "--dpi is a number from 72 to 1200" },
	{ 's', parse_size, "--size is WIDTHxHEIGHT in mm, 5 to 500 each" },
};

static bool
parse_one(int letter, struct options *o)
{
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		if (parsers[i].letter != letter)
			continue;
		if (parsers[i].parse(optarg, o))
			return true;
		say("%s, not \"%s\"", parsers[i].wants, optarg);
		return false;
	}
	say("see thinglabels --help");
	return false;
}

/* parse fills *o; false: the program ends with *code. */
static bool
parse(int argc, char **argv, struct options *o, int *code)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "dpi", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*code = EXIT_OK;
	while ((c = getopt_long(argc, argv, "f:o:h", longs, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? help : "thinglabels " TB_VERSION "\n",
			    stdout);
			return false;
		}
		*code = EXIT_USAGE;
		if (!parse_one(c, o))
			return false;
	}
	*code = EXIT_USAGE;
	if (optind == argc && o->format != FORMATS)
		return true;
	say(optind < argc ? "labels come on standard input, not as arguments"
			  : "which format? -f svg, -f png or -f term");
	return false;
}

/* warn_lines says what the layout could not do as asked. */
static void
warn_lines(struct job *j, const struct label *l, const struct layout *lo)
{
	for (unsigned role = 0; role <= LINE_NOTICE; role++) {
		if (lo->dropped & 1u << role)
			say("%s: no room for the %s on %gx%g mm", l->node,
			    layout_role((enum line_role)role), lo->w, lo->h);
		if (lo->cut & 1u << role)
			say("%s: the %s was cut to fit", l->node,
			    layout_role((enum line_role)role));
	}
	for (size_t i = 0; i < lo->n; i++) {
		int n =
		    font_missing(j->font, lo->line[i].face, lo->line[i].text);

		if (n > 0)
			say("%s: %d character%s of the %s cannot be printed: "
			    "the font %s lacks them",
			    l->node, n, n == 1 ? "" : "s",
			    layout_role(lo->line[i].role),
			    font_family(lo->line[i].face));
	}
}

static void
warn_code(const struct label *l, const struct code *c, double module)
{
	if (module < CODE_MODULE_GOOD)
		say("%s: modules of %.2f mm (version %d, level %c): under "
		    "%.2f mm some phones fail; use a larger label",
		    l->node, module, c->version, code_letter(c->level),
		    CODE_MODULE_GOOD);
}

/* draw_picture draws a label as SVG or PNG. */
static enum err
draw_picture(
    struct job *j, const struct label *l, struct buf *out, struct errbuf *eb)
{
	const struct options *o = j->o;
	struct code_square sq = {
		.mm = layout_code_side(l, o->w, o->h),
		.dot = o->format == FORMAT_PNG ? MM_PER_INCH / o->dpi : 0,
	};
	struct meter meter = { font_measure, j->font };
	struct code c = { 0 };
	struct layout lo = { 0 };
	enum err e = OK;

	if (sq.mm > 0) {
		e = code_choose(l->text, &sq, &c, eb);
		if (e != OK)
			return e;
		warn_code(l, &c, code_module(&c, &sq));
		/* Whole modules leave a rest: the text gets it. */
		sq.mm = code_module(&c, &sq) * (c.width + 2 * CODE_QUIET);
	}
	layout_make(l, o->w, o->h, sq.mm, &meter, &lo);
	warn_lines(j, l, &lo);
	if (o->format == FORMAT_PNG)
		e = png_draw(&lo, c.dark ? &c : NULL, o->dpi, out, eb);
	else
		svg_draw(&lo, c.dark ? &c : NULL, out);
	layout_fini(&lo);
	code_fini(&c);
	return e;
}

static enum err
draw_term(const struct label *l, struct buf *out, struct errbuf *eb)
{
	struct winsize ws;
	int columns;

	if (term_draw(l, out, &columns) != OK)
		return errbuf_set(
		    eb, ERR_RANGE, "the text is too long for a QR code");
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 &&
	    ws.ws_col < columns)
		say("the terminal is %d columns wide, the code needs %d",
		    ws.ws_col, columns);
	return OK;
}

static enum err
deliver(
    struct job *j, const struct label *l, struct buf *data, struct errbuf *eb)
{
	char *name;
	enum err e;

	if (!j->o->file)
		return file_put(STDOUT_FILENO, data) == OK
		    ? OK
		    : errbuf_errno(eb, "cannot write");
	name =
	    j->n > 1 ? file_name(j->o->file, l->node) : mem_strdup(j->o->file);
	e = file_write(name, data, eb);
	free(name);
	return e;
}

static enum err
one_label(struct job *j, const struct label *l, struct errbuf *eb)
{
	struct buf data = { 0 };
	enum err e = j->o->format == FORMAT_TERM
	    ? draw_term(l, &data, eb)
	    : draw_picture(j, l, &data, eb);

	if (e == OK)
		e = deliver(j, l, &data, eb);
	if (data.data)
		explicit_bzero(data.data, data.cap);
	buf_fini(&data);
	return e;
}

/* Several labels whose names make the same file would overwrite each other. */
static bool
names_differ(const struct options *o, const struct labels *ls)
{
	bool differ = true;

	for (size_t i = 0; o->file && i < ls->n; i++) {
		char *a = file_name(o->file, ls->v[i].node);

		for (size_t k = 0; k < i; k++) {
			char *b = file_name(o->file, ls->v[k].node);

			if (strcmp(a, b) == 0) {
				say("%s and %s would both go to %s",
				    ls->v[k].node, ls->v[i].node, a);
				differ = false;
			}
			free(b);
		}
		free(a);
	}
	return differ;
}

static int
all_labels(const struct options *o, const struct labels *ls)
{
	struct job j = { .o = o, .font = font_open(), .n = ls->n };
	size_t failed = 0;
	int code = EXIT_OK;

	for (size_t i = 0; i < ls->n; i++) {
		struct errbuf eb = { "" };
		enum err e = one_label(&j, &ls->v[i], &eb);

		if (e == OK)
			continue;
		failed++;
		code = e == ERR_RANGE ? EXIT_REFUSED : EXIT_FAILED;
		say("%s: %s", ls->v[i].node, eb.text);
	}
	font_close(j.font);
	return failed && failed < ls->n ? EXIT_PARTLY : code;
}

static bool
read_all(struct buf *in)
{
	char block[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		buf_add(in, block, (size_t)n);
		if (in->len > LABELS_INPUT_MAX)
			return false;
	}
	explicit_bzero(block, sizeof(block));
	return true;
}

static int
run(const struct options *o)
{
	struct buf in = { 0 };
	struct labels ls = { 0 };
	struct errbuf eb = { "" };
	int code = EXIT_FAILED;

	if (!read_all(&in))
		say("cannot read the labels from standard input");
	else if (labels_parse(in.data ? in.data : "", in.len, &ls, &eb) != OK)
		say("%s", eb.text);
	else if (ls.n > 1 && !o->file && o->format != FORMAT_TERM)
		say("several labels need -o FILE");
	else if (ls.n <= 1 || names_differ(o, &ls))
		code = all_labels(o, &ls);
	if (in.data)
		explicit_bzero(in.data, in.cap);
	buf_fini(&in);
	labels_fini(&ls);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o = { .format = FORMATS, .dpi = 300, .w = 62, .h = 29 };
	struct rlimit no_core = { 0, 0 };
	int code;

	setrlimit(RLIMIT_CORE, &no_core);
	if (!parse(argc, argv, &o, &code))
		return code;
	if (o.format == FORMAT_PNG && !o.file && isatty(STDOUT_FILENO)) {
		say("a PNG does not go to a terminal: give -o FILE");
		return EXIT_USAGE;
	}
	return run(&o);
}
