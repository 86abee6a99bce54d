/* What stickers and report share: the daemon's stickers, and thinglabels. */
#ifndef CLI_STICKER_H
#define CLI_STICKER_H

#include "cli/verb.h"

#include <jansson.h>
#include <stdbool.h>

/* What to ask the daemon for. */
struct sticker_query {
	char **node; /* n of them; 0: all */
	int n;
	bool unclaimed; /* only what nobody owns yet */
	bool asset;     /* neither QR code nor KEY */
	bool secrets;   /* with KEY and claim text; the daemon logs who asks */
};

/* sticker_ask returns the daemon's answer in *data, owned, on EXIT_OK. */
int sticker_ask(
    const struct call *c, const struct sticker_query *q, json_t **data);

/* sticker_mark tells the daemon that the stickers of list now exist on paper,
 * and says which of them are void already, as the node was claimed or has got
 * another KEY since it was asked.  It is told apart, so that nothing counts as
 * printed that was not written.  Returns the exit code. */
int sticker_mark(const struct call *c, const json_t *list);

/* An option of ours that thinglabels knows by the same name. */
struct sticker_pass {
	const char *name;  /* "dpi" */
	const char *value; /* NULL: not given; of a flag "" */
	bool flag;
};

/* sticker_draw runs thinglabels with those options (the list ends with a NULL
 * name) and input, if any, on its standard input, through a pipe since it has
 * KEYs.  Returns its exit code. */
int sticker_draw(const struct sticker_pass *options, const json_t *input);

/* sticker_csv writes the list as a table for mail merge, to a file of mode
 * 0600, or with NULL and "-" to standard output.  Returns the exit code. */
int sticker_csv(const char *path, const json_t *list);

/* sticker_words says of each row that is "printed" when, and how often. */
void sticker_words(json_t *rows);

#endif
