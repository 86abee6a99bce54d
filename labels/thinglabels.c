/* thinglabels: draws stickers.  JSON in, pictures out. */
#include "common/buf.h"
#include "common/err.h"
#include "common/mem.h"
#include "labels/file.h"
#include "labels/job.h"
#include "labels/paper.h"
#include "labels/pictures.h"
#include "labels/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void
tell(struct job *j, size_t n)
{
	bool each = j->o->format == FORMAT_PNG || j->o->format == FORMAT_SVG;
	struct buf text = { 0 };
	char *file;

	if (!j->o->file || j->sum.made == 0)
		return;
	file = each && n > 1 ? file_name(j->o->file, "NODE")
			     : mem_strdup(j->o->file);
	j->sum.file = file;
	if (j->o->json)
		summary_json(&j->sum, &text);
	else
		summary_text(&j->sum, &text);
	fprintf(stderr, "%s\n", text.data);
	buf_fini(&text);
	free(file);
}

static int
draw(struct job *j, const struct labels *ls)
{
	size_t good;

	if (ls->n == 0 && !j->o->test) {
		say("there is no label in the input");
		return EXIT_OK;
	}
	good = j->o->format == FORMAT_PDF ? paper_draw(j, ls)
					  : pictures_draw(j, ls);
	if (j->missing)
		job_say_fonts();
	if (good)
		tell(j, ls->n);
	return good && good < ls->n ? EXIT_PARTLY : j->code;
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
one_report(const struct options *o, const struct buf *in)
{
	struct buf pdf = { 0 };
	struct errbuf eb = { "" };
	int missing = 0, code = EXIT_FAILED;

	if (report_draw(
		in->data ? in->data : "", in->len, &pdf, &missing, &eb) == OK)
		code = job_write(o->file, &pdf);
	else
		say("%s", eb.text);
	mem_free_secret(buf_take(&pdf));
	if (missing) {
		say("%d character%s cannot be printed", missing,
		    missing == 1 ? "" : "s");
		job_say_fonts();
	}
	return code;
}

static int
draw_input(struct job *j)
{
	struct buf in = { 0 };
	struct labels ls = { 0 };
	struct errbuf eb = { "" };
	int code = EXIT_FAILED;

	if (!j->o->test && !read_all(&in))
		say("cannot read the labels from standard input");
	else if (j->o->format == FORMAT_REPORT)
		code = one_report(j->o, &in);
	else if (!j->o->test &&
	    labels_parse(in.data ? in.data : "", in.len, &ls, &eb) != OK)
		say("%s", eb.text);
	else
		code = draw(j, &ls);
	mem_free_secret(buf_take(&in));
	labels_fini(&ls);
	return code;
}

/* with_stock does what needs no input, then the drawing. */
static int
with_stock(struct options *o, const struct stocks *table)
{
	struct job j = { .o = o };
	struct errbuf eb = { "" };
	int code;

	if (o->list) {
		stocks_list(table, stdout);
		return EXIT_OK;
	}
	code = options_stock(o, table, &j.stock);
	if (code != EXIT_OK)
		return code;
	j.sheet = (struct sheet){ &j.stock, o->by_column, 0 };
	if (o->start && sheet_start(&j.sheet, o->start, &eb) != OK) {
		say("%s", eb.text);
		return EXIT_USAGE;
	}
	if (o->printer && printer_aim(o->printer, &o->aim, &eb) != OK) {
		say("%s", eb.text);
		return EXIT_FAILED;
	}
	job_measure(&j);
	j.font = font_open();
	code = draw_input(&j);
	font_close(j.font);
	return code;
}

/* The table is read when it is needed: a label of a given size needs none. */
static int
run(struct options *o)
{
	bool needed =
	    o->list || o->stock || (o->format == FORMAT_PDF && o->size.x <= 0);
	struct stocks table = { 0 };
	int code = EXIT_CONFIG;

	if (!needed || stocks_load(o->stocks, &table) == OK)
		code = with_stock(o, &table);
	stocks_fini(&table);
	return code;
}

int
main(int argc, char **argv)
{
	struct options o = { .format = FORMATS };
	struct rlimit no_core = { 0, 0 };
	bool binary;
	int code;

	setrlimit(RLIMIT_CORE, &no_core);
	if (!options_parse(argc, argv, &o, &code))
		return code;
	binary = o.format == FORMAT_PNG || o.format == FORMAT_PDF ||
	    o.format == FORMAT_REPORT;
	if (binary && !o.list && !o.file && isatty(STDOUT_FILENO)) {
		say("a %s does not go to a terminal: give -o FILE",
		    o.format == FORMAT_PNG ? "PNG" : "PDF");
		return EXIT_USAGE;
	}
	return run(&o);
}
