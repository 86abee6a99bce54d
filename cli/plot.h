/* Readings of the past for people: a line of bars a field; and for programs:
 * CSV. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* plot_show prints a plot of each field of rows {"name", "value", "at"} that
 * has numbers, when standard output is a terminal. */
void plot_show(const json_t *rows);

/* plot_bars writes width bars for n values, each the mean of those that fall
 * into it; a gap where there are none.  Pure.  Returns owned. */
struct plot_point {
	int64_t at;
	double value;
};
char *plot_bars(const struct plot_point *v, size_t n, size_t width);

/* plot_csv quotes a cell where it must be (RFC 4180).  Returns owned. */
char *plot_csv(const char *text);

#endif
