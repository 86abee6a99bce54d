#include "cli/claim_text.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/mem.h"
#include "protocol/iotdisco.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BOM "\xef\xbb\xbf" /* some editors begin a file with it */

#define ZBAR "QR-Code:" /* zbarimg without --raw */

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* read_line reads the first line that is not blank, or too much for one. */
static void
read_line(struct buf *b)
{
	int c;

	while (b->len <= IOTDISCO_MAX && (c = getchar()) != EOF) {
		if (c == '\n' && b->len)
			break;
		if (b->len || !is_blank(c))
			buf_putc(b, (char)c);
	}
}

/* more tells whether another line with something in it follows. */
static bool
more(void)
{
	int c;

	while ((c = getchar()) != EOF) {
		if (!is_blank(c))
			return true;
	}
	return false;
}

/* read_text takes the claim text from standard input; a terminal is asked and
 * ends with its first line. */
static int
read_text(char **text)
{
	struct buf b = { 0 };
	size_t len;

	if (isatty(STDIN_FILENO))
		fputs("Claim text, as the QR code holds it: ", stderr);
	read_line(&b);
	if (!b.data)
		return say_exit(EXIT_USAGE,
		    "no claim text on standard input (when it comes from "
		    "zbarimg: it found no code in the picture)");
	len = b.len;
	*text = buf_take(&b);
	if (strlen(*text) != len || !tag_is_text(*text))
		return say_exit(EXIT_USAGE,
		    "standard input is not text; of a picture: zbarimg "
		    "--nodbus -q --raw photo.jpg | thingowner claim");
	return EXIT_OK;
}

static bool
from_stdin(const struct call *c)
{
	return c->argc == 0 || strcmp(c->argv[0], "-") == 0;
}

static int
take_text(const struct call *c, char **text)
{
	if (from_stdin(c))
		return read_text(text);
	say("warning: an argument can be seen by every user of this machine; "
	    "standard input cannot");
	*text = mem_strdup(c->argv[0]);
	return EXIT_OK;
}

/* The text without what editors and readers of codes put before it. */
static const char *
bare_text(const char *s)
{
	if (strncmp(s, BOM, strlen(BOM)) == 0)
		s += strlen(BOM);
	s += strspn(s, " \t\r\n");
	return strncmp(s, ZBAR, strlen(ZBAR)) == 0 ? s + strlen(ZBAR) : s;
}

static int
decode(const struct call *c, const char *text, struct tags *tags, char **named)
{
	struct errbuf eb = { "" };
	enum err e = iotdisco_decode(bare_text(text), tags, named, &eb);

	if (e == ERR_UNSUP)
		return say_exit(EXIT_USAGE, "%s; nothing was sent", eb.text);
	if (e != OK)
		return say_exit(EXIT_USAGE,
		    "the claim text is not right: %s; nothing was sent",
		    eb.text);
	if (from_stdin(c) && !isatty(STDIN_FILENO) && more())
		return say_exit(EXIT_USAGE,
		    "standard input has more than one line: a photo of "
		    "several stickers? Give one claim text at a time; nothing "
		    "was sent");
	if (!tags_find(tags, "KEY"))
		say("warning: the text has no KEY; was all of it read?");
	return EXIT_OK;
}

int
claim_text(const struct call *c, struct tags *tags, char **registry)
{
	char *text = NULL;
	int code = take_text(c, &text);

	*registry = NULL;
	if (code == EXIT_OK && text)
		code = decode(c, text, tags, registry);
	mem_free_secret(text);
	return code;
}
