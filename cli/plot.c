#include "cli/plot.h"

#include "cli/out.h"
#include "common/buf.h"
#include "common/mem.h"
#include "protocol/xmltime.h"
#include "protocol/xmltype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BARS = 8, WIDTH_MAX = 200, WIDTH_MIN = 20, FIELDS_MAX = 16 };

static const char *const bars[BARS] = { "\xe2\x96\x81", "\xe2\x96\x82",
	"\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
	"\xe2\x96\x87", "\xe2\x96\x88" };

static void
bounds(const struct plot_point *v, size_t n, double *min, double *max)
{
	*min = *max = v[0].value;
	for (size_t i = 1; i < n; i++) {
		if (v[i].value < *min)
			*min = v[i].value;
		if (v[i].value > *max)
			*max = v[i].value;
	}
}

static size_t
slot_of(const struct plot_point *v, size_t n, size_t i, size_t width)
{
	int64_t span = v[n - 1].at - v[0].at;
	int64_t off = v[i].at - v[0].at;
	size_t slot;

	if (span <= 0 || off <= 0)
		return 0;
	slot = (size_t)((double)off / (double)span * (double)width);
	return slot < width ? slot : width - 1;
}

char *
plot_bars(const struct plot_point *v, size_t n, size_t width)
{
	double *sum = mem_array(width, sizeof(*sum));
	size_t *count = mem_array(width, sizeof(*count));
	struct buf b = { 0 };
	double min, max;

	buf_puts(&b, "");
	if (n)
		bounds(v, n, &min, &max);
	for (size_t i = 0; i < n; i++) {
		size_t slot = slot_of(v, n, i, width);

		sum[slot] += v[i].value;
		count[slot]++;
	}
	for (size_t i = 0; i < width && n; i++) {
		double mean = count[i] ? sum[i] / (double)count[i] : 0;
		size_t bar = max > min
		    ? (size_t)((mean - min) / (max - min) * (BARS - 1) + 0.5)
		    : 0;

		buf_puts(
		    &b, count[i] ? bars[bar < BARS ? bar : BARS - 1] : " ");
	}
	free(sum);
	free(count);
	return buf_take(&b);
}

char *
plot_csv(const char *text)
{
	struct buf b = { 0 };

	if (!strpbrk(text, ",\"\r\n"))
		return mem_strdup(text);
	buf_putc(&b, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_putc(&b, '"');
		buf_putc(&b, *text);
	}
	buf_putc(&b, '"');
	return buf_take(&b);
}

static size_t
points_of(const json_t *rows, const char *name, struct plot_point *out)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(out_string(row, "name"), name) == 0 &&
		    xml_double(out_string(row, "value"), &out[n].value) == OK &&
		    xml_datetime(out_string(row, "at"), &out[n].at) == OK)
			n++;
	}
	return n;
}

static size_t
terminal_width(void)
{
	struct winsize w;
	size_t width = 80;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		width = w.ws_col;
	width = width > 24 ? width - 24 : WIDTH_MIN;
	return width < WIDTH_MAX ? width : WIDTH_MAX;
}

static void
show(const char *name, const struct plot_point *v, size_t n)
{
	char *line = plot_bars(v, n, terminal_width());
	double min, max;

	bounds(v, n, &min, &max);
	printf("\n%s\n%10.6g %s %.6g\n", name, min, line, max);
	free(line);
}

void
plot_show(const json_t *rows)
{
	size_t n_rows = json_array_size(rows), n_seen = 0;
	struct plot_point *v;
	const char *seen[FIELDS_MAX];
	const json_t *row;
	size_t i;

	if (!isatty(STDOUT_FILENO) || n_rows < 2)
		return;
	v = mem_array(n_rows, sizeof(*v));
	json_array_foreach(rows, i, row)
	{
		const char *name = out_string(row, "name");
		size_t k = 0, n;

		while (k < n_seen && strcmp(seen[k], name) != 0)
			k++;
		if (k < n_seen || n_seen == FIELDS_MAX)
			continue;
		seen[n_seen++] = name;
		n = points_of(rows, name, v);
		if (n > 1)
			show(name, v, n);
	}
	free(v);
}
