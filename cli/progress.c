#include "cli/progress.h"

#include "cli/words.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CELLS = 16, LINE = 160 };

/* Whole seconds; nothing before the first of them can be told. */
static void
left_text(const struct progress *p, char *out, size_t size)
{
	char span[WORDS_SPAN];

	*out = '\0';
	if (p->left_s <= 0)
		return;
	words_span(p->left_s * 1000, span);
	if (p->left_s < 10)
		snprintf(span, sizeof(span), "%d s", (int)p->left_s);
	snprintf(out, size, "  %s left", span);
}

void
progress_text(const struct progress *p, char *out, size_t size)
{
	int64_t of = p->of > 0 ? p->of : 1;
	int64_t done = p->done < 0 ? 0 : p->done > of ? of : p->done;
	char bar[CELLS + 1], left[WORDS_SPAN + 8];

	for (int i = 0; i < CELLS; i++)
		bar[i] = i < done * CELLS / of ? '#' : '-';
	bar[CELLS] = '\0';
	left_text(p, left, sizeof(left));
	snprintf(out, size,
	    "%s  [%s] %3d %%%s%s  %zu found%s  (Ctrl-C keeps results)", p->what,
	    bar, (int)(done * 100 / of), *p->at ? "  " : "", p->at, p->found,
	    left);
}

void
progress_show(const struct progress *p)
{
	struct winsize ws = { .ws_col = 0 };
	char line[LINE];
	size_t size = sizeof(line);

	if (!isatty(STDERR_FILENO))
		return;
	/* A line that wraps could not be drawn over. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 1 &&
	    ws.ws_col < size)
		size = ws.ws_col;
	progress_text(p, line, size);
	fprintf(stderr, "\r\033[K%s", line);
}

void
progress_clear(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
