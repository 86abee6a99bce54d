#include "labels/options.h"

#include "labels/sticker.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SHEET "avery-l7160"
#define DEFAULT_DPI 300

static const char *const format_names[FORMATS] = {
	[FORMAT_PDF] = "pdf",
	[FORMAT_SVG] = "svg",
	[FORMAT_PNG] = "png",
	[FORMAT_ZPL] = "zpl",
	[FORMAT_TERM] = "term",
	[FORMAT_REPORT] = "report",
};

static const char help[] =
    "usage: thinglabels -f pdf|png|svg|zpl|term [-o FILE] [OPTION...]\n"
    "Draws the stickers that standard input lists as a JSON array of objects:\n"
    "node, name, place, maker, model, sn, bus, address, jid, registry, text "
    "(of\n"
    "the QR code), key, and kind: claim or asset.  thingbridge stickers calls "
    "it.\n\n"
    "  -f, --format F      pdf: a sheet, or a page for each label of a roll;\n"
    "                      zpl for a Zebra; png; svg; term: blocks\n"
    "  -o, --output FILE   mode 0600; several png or svg get -NODE\n"
    "      --stock ID      of --list-stocks; pdf: avery-l7160\n"
    "      --stocks FILE   more stock (/etc/thingbridge/labels.ini)\n"
    "      --start R:C     the first free cell of the sheet, or its number\n"
    "      --by-column     fill the columns of a sheet first\n"
    "      --offset X,Y    mm to the right and down, --scale X,Y in percent:\n"
    "                      what --test-page shows to be needed\n"
    "      --printer NAME  remembers both for that printer\n"
    "      --border        draw the edges of the labels\n"
    "      --dpi N         of the printer; --size WxH  in mm, of the label\n"
    "      --force         also codes that are too small for phones\n"
    "      --json          the summary as JSON\n"
    "      --report        a hand-over sheet instead, of a JSON object\n"
    "  -h, --help; --version\n\n"
    "example: thingbridge stickers -f pdf --start 2:1 -o today.pdf  (runs "
    "this)\n";

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("thinglabels: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static bool
parse_size(const char *s, struct options *o)
{
	const double min = 5, max = 500; /* mm */
	struct pair *p = &o->size;

	return pair_parse(s, 'x', p) && p->x >= min && p->x <= max &&
	    p->y >= min && p->y <= max;
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

	errno = 0;
	o->dpi = strtod(s, &end);
	return end != s && *end == '\0' && errno == 0 && o->dpi >= MIN_DPI &&
	    o->dpi <= MAX_DPI;
}

static bool
parse_output(const char *s, struct options *o)
{
	o->file = strcmp(s, "-") == 0 ? NULL : s;
	return true;
}

static bool
parse_offset(const char *s, struct options *o)
{
	return aim_offset(s, &o->aim);
}

static bool
parse_scale(const char *s, struct options *o)
{
	return aim_scale(s, &o->aim);
}

static bool
parse_printer(const char *s, struct options *o)
{
	o->printer = s;
	return printer_name(s);
}

/* Options that are kept as they stand. */
static const char **
text_option(int letter, struct options *o)
{
	switch (letter) {
	case 'k':
		return &o->stock;
	case 'K':
		return &o->stocks;
	case 'S':
		return &o->start;
	default:
		return NULL;
	}
}

static bool *
flag_option(int letter, struct options *o)
{
	switch (letter) {
	case 'b':
		return &o->border;
	case 't':
		return &o->test;
	case 'c':
		return &o->by_column;
	case 'F':
		return &o->force;
	case 'j':
		return &o->json;
	case 'l':
		return &o->list;
	default:
		return NULL;
	}
}

static const struct {
	int letter;
	bool (*parse)(const char *, struct options *);
	const char *wants;
} parsers[] = {
	{ 'f', parse_format, "--format is pdf, png, svg, zpl or term" },
	{ 'o', parse_output, "" },
	{ 'd', parse_dpi, "--dpi is a number from 72 to 1200" },
	{ 's', parse_size, "--size is WIDTHxHEIGHT in mm, 5 to 500 each" },
	{ 'O', parse_offset,
	    "--offset is X,Y in mm, -20 to 20 each (right and down)" },
	{ 'Z', parse_scale, "--scale is X,Y in percent, 90 to 110 each" },
	{ 'p', parse_printer,
	    "--printer is a name of up to 40 letters, digits, -, _ and ." },
};

static bool
parse_one(int letter, struct options *o)
{
	const char **text = text_option(letter, o);
	bool *flag = flag_option(letter, o);

	if (text)
		*text = optarg;
	if (flag)
		*flag = true;
	if (letter == 'r')
		o->format = FORMAT_REPORT;
	if (text || flag || letter == 'r')
		return true;
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

/* What goes with a PDF alone. */
static const char *
pdf_only(const struct options *o)
{
	const struct {
		const char *name;
		bool given;
	} only[] = {
		{ "start", o->start != NULL },
		{ "by-column", o->by_column },
		{ "offset", o->aim.has_offset },
		{ "scale", o->aim.has_scale },
		{ "printer", o->printer != NULL },
		{ "test-page", o->test },
		{ "border", o->border },
	};

	for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++)
		if (only[i].given)
			return only[i].name;
	return NULL;
}

static bool
agree(int argc, struct options *o)
{
	const char *only = pdf_only(o);

	if (o->list)
		return true;
	if (o->test && o->format == FORMATS)
		o->format = FORMAT_PDF;
	if (optind < argc)
		say("labels come on standard input, not as arguments");
	else if (o->format == FORMATS)
		say("which format? -f pdf, png, svg, zpl or term");
	else if (only && o->format != FORMAT_PDF)
		say("--%s goes with -f pdf", only);
	else
		return true;
	return false;
}

bool
options_parse(int argc, char **argv, struct options *o, int *code)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "stock", required_argument, NULL, 'k' },
		{ "stocks", required_argument, NULL, 'K' },
		{ "list-stocks", no_argument, NULL, 'l' },
		{ "start", required_argument, NULL, 'S' },
		{ "by-column", no_argument, NULL, 'c' },
		{ "offset", required_argument, NULL, 'O' },
		{ "scale", required_argument, NULL, 'Z' },
		{ "printer", required_argument, NULL, 'p' },
		{ "border", no_argument, NULL, 'b' },
		{ "test-page", no_argument, NULL, 't' },
		{ "dpi", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		{ "report", no_argument, NULL, 'r' },
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
	return agree(argc, o);
}

/* resize gives a roll another label; what the printer cannot reach of its
 * width and of its ends stays so. */
static void
resize(struct stock *s, struct pair size)
{
	double more = (size.y - s->label.y) * s->dpi / MM_PER_INCH;

	s->dots_y += (int)lround(more);
	if (fabs(size.x - s->label.x) > 0.01 || s->turned || s->dots_y <= 0 ||
	    s->dots_x == 0)
		s->dots_x = s->dots_y = 0;
	s->label = size;
}

static void
rescale(struct stock *s, double dpi)
{
	s->dots_x = (int)(s->dots_x * dpi / s->dpi);
	s->dots_y = (int)(s->dots_y * dpi / s->dpi);
	s->dpi = dpi;
}

static int
check_stock(const struct options *o, const struct stock *s)
{
	bool roll = s->page == STOCK_ROLL;

	if (!roll && o->size.x > 0)
		say("--size is for rolls: %s is a sheet", s->id);
	else if (roll && (o->start || o->by_column || o->test))
		say("%s is a roll: --%s is for sheets",
		    s->id ? s->id : "a --size",
		    o->start           ? "start"
			: o->by_column ? "by-column"
				       : "test-page");
	else if (o->format == FORMAT_ZPL && o->dpi <= 0 && (!roll || !o->stock))
		say("-f zpl: give the printer's --stock, as zebra-51x25, or "
		    "its --dpi");
	else
		return EXIT_OK;
	return EXIT_USAGE;
}

int
options_stock(
    const struct options *o, const struct stocks *table, struct stock *out)
{
	static const struct stock custom = {
		.page = STOCK_ROLL, .label = { 62, 29 }, .dpi = DEFAULT_DPI
	};
	const char *id = o->stock;
	const struct stock *found = &custom;
	int code;

	if (!id && o->format == FORMAT_PDF && o->size.x <= 0)
		id = DEFAULT_SHEET;
	if (id)
		found = stocks_find(table, id);
	if (!found) {
		say("there is no stock \"%s\": see thinglabels --list-stocks",
		    id);
		return EXIT_USAGE;
	}
	*out = *found;
	code = check_stock(o, out);
	if (o->size.x > 0)
		resize(out, o->size);
	if (o->dpi > 0)
		rescale(out, o->dpi);
	return code;
}
