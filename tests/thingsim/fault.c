#include "tests/thingsim/fault.h"

#include <stdlib.h>
#include <string.h>

enum { LATE_MAX_MS = 600000, TIMES_MAX = 1000000 };

static const struct kind {
	const char *name;
	int64_t min, max; /* of the argument; 0 and 0: takes none */
	int64_t def;      /* without an argument; 0: it must be given */
	enum fault_scope scope;
	const char *help;
} kinds[] = {
	[FAULT_NONE] = { .name = "none", .help = "all is well" },
	[FAULT_SILENT] = { .name = "silent", .help = "no answer" },
	[FAULT_LATE] = { "late", 1, LATE_MAX_MS, 0, SCOPE_REQUEST,
	    "MS: each answer comes MS later, one after the other" },
	[FAULT_LATE_ONCE] = { "late-once", 1, LATE_MAX_MS, 0, SCOPE_REQUEST,
	    "MS: one answer comes MS later, the next ones overtake it" },
	[FAULT_AGAIN] = { "again", 1, LATE_MAX_MS, 0, SCOPE_REQUEST,
	    "MS: each answer comes once more, MS later" },
	[FAULT_STALE] = { .name = "stale",
	    .help = "each request gets the answer to the one before" },
	[FAULT_PAIR] = { .name = "pair",
	    .help = "two answers at a time, in one piece" },
	[FAULT_DRIP] = { "drip", 1, 1000, 0, SCOPE_REQUEST,
	    "MS: so long between the bytes" },
	[FAULT_SPLIT] = { .name = "split", .help = "each byte a segment" },
	[FAULT_RESET] = { .name = "reset",
	    .help = "a TCP reset in the middle of the answer" },
	[FAULT_GARBLE] = { .name = "garble", .help = "the check is wrong" },
	[FAULT_WRONG_UNIT] = { .name = "wrong-unit",
	    .help = "the next address answers" },
	[FAULT_WRONG_FUNCTION] = { .name = "wrong-function",
	    .help = "the next function is answered" },
	[FAULT_WRONG_TID] = { .name = "wrong-tid",
	    .help = "Modbus TCP: the next transaction is answered" },
	[FAULT_TRUNCATE] = { .name = "truncate",
	    .help = "only the first half" },
	[FAULT_LONG] = { .name = "long", .help = "four bytes too many" },
	[FAULT_TWICE] = { .name = "twice",
	    .help = "the answer two times, in one piece" },
	[FAULT_ECHO] = { .name = "echo",
	    .help = "the request comes back, then the answer" },
	[FAULT_GLITCH] = { .name = "glitch",
	    .help = "a zero byte before the answer" },
	[FAULT_EXCEPTION] = { "exception", 1, 255, 0, SCOPE_REQUEST,
	    "N: Modbus exception N" },
	[FAULT_SENTINEL] = { .name = "sentinel",
	    .help = "each field says that it has no value" },
	[FAULT_ZEROS] = { .name = "zeros", .help = "all bits 0" },
	[FAULT_ONES] = { .name = "ones", .help = "all bits 1" },
	[FAULT_WRITE_IGNORED] = { .name = "write-ignored",
	    .help = "writes are confirmed and not done" },
	[FAULT_WRITE_LOST] = { .name = "write-lost",
	    .help = "writes are done and not confirmed" },
	[FAULT_NOISE] = { "noise", 1, LATE_MAX_MS, 0, SCOPE_UNIT,
	    "MS: stray bytes between frames, about every MS" },
	[FAULT_REBOOT] = { "reboot", 1, LATE_MAX_MS, 2000, SCOPE_UNIT,
	    "[MS]: silent so long (2000), then as at the start" },
	[FAULT_COUNTER_RESET] = { .name = "counter-reset",
	    .scope = SCOPE_UNIT,
	    .help = "its counters begin again at 0" },
	[FAULT_HALF_OPEN] = { .name = "half-open",
	    .scope = SCOPE_BUS,
	    .help = "the connections there are go deaf, without an end" },
	[FAULT_VANISH] = { .name = "vanish",
	    .scope = SCOPE_BUS,
	    .help = "socket, connections, pty and link go away" },
	[FAULT_BACK] = { .name = "back",
	    .scope = SCOPE_BUS,
	    .help = "they come back, the pty under another name" },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

enum fault_scope
fault_scope(enum fault_kind kind)
{
	return kinds[kind].scope;
}

const char *
fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

void
fault_help(FILE *out)
{
	for (size_t i = 0; i < KINDS; i++)
		fprintf(out, "  %-15s %s\n", kinds[i].name, kinds[i].help);
}

/* take_word moves *at behind its next word and returns that word's length. */
static size_t
take_word(const char **at, const char **word)
{
	size_t len;

	*at += strspn(*at, " ");
	*word = *at;
	len = strcspn(*at, " ");
	*at += len;
	return len;
}

static bool
is_word(const char *word, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(word, want, len) == 0;
}

static enum err
parse_arg(
    const struct kind *k, const char **at, int64_t *arg, struct errbuf *eb)
{
	const char *from = *at + strspn(*at, " ");
	char *end;

	*arg = k->def;
	if (k->max == 0)
		return OK;
	if (*from < '0' || *from > '9')
		return k->def ? OK
			      : errbuf_set(eb, ERR_PROTO,
				    "fault %s: a number is missing", k->name);
	*arg = strtoll(from, &end, 10);
	*at = end;
	if (*arg < k->min || *arg > k->max)
		return errbuf_set(eb, ERR_RANGE, "fault %s: %lld..%lld",
		    k->name, (long long)k->min, (long long)k->max);
	return OK;
}

/* parse_option reads "times N" or "on reads"; false when it is neither. */
static bool
parse_option(const char **at, struct fault *out)
{
	const char *name, *value;
	size_t len = take_word(at, &name), n = take_word(at, &value);

	if (is_word(name, len, "times")) {
		char *end;

		out->times = strtoll(value, &end, 10);
		return end == value + n && out->times >= 1 &&
		    out->times <= TIMES_MAX;
	}
	if (!is_word(name, len, "on"))
		return false;
	out->reads = is_word(value, n, "reads");
	out->writes = is_word(value, n, "writes");
	return out->reads || out->writes;
}

static enum err
parse_rest(size_t kind, const char *at, struct fault *out, struct errbuf *eb)
{
	enum err e;

	*out = (struct fault){ .kind = (enum fault_kind)kind };
	e = parse_arg(&kinds[kind], &at, &out->arg, eb);
	out->times = kind == FAULT_LATE_ONCE;
	while (e == OK && at[strspn(at, " ")])
		if (!parse_option(&at, out))
			e = errbuf_set(eb, ERR_PROTO,
			    "fault %s%s [times N] [on reads|on writes]",
			    kinds[kind].name, kinds[kind].max ? " NUMBER" : "");
	return e;
}

enum err
fault_parse(const char *text, struct fault *out, struct errbuf *eb)
{
	const char *at = text, *name;
	size_t len = take_word(&at, &name);

	for (size_t i = 0; i < KINDS; i++)
		if (is_word(name, len, kinds[i].name))
			return parse_rest(i, at, out, eb);
	return errbuf_set(eb, ERR_PROTO, "no such fault: %s", text);
}

bool
fault_concerns(const struct fault *f, bool write)
{
	if (f->kind == FAULT_NONE)
		return false;
	if (f->kind == FAULT_WRITE_IGNORED || f->kind == FAULT_WRITE_LOST)
		return write;
	return f->reads == f->writes || f->writes == write;
}

static void
put_before(struct buf *frame, const void *data, size_t len)
{
	struct buf all = { 0 };

	buf_add(&all, data, len);
	buf_add(&all, frame->data, frame->len);
	buf_fini(frame);
	*frame = all;
}

static void
put_twice(struct buf *frame)
{
	struct buf one = *frame;

	*frame = (struct buf){ 0 };
	buf_add(frame, one.data, one.len);
	buf_add(frame, one.data, one.len);
	buf_fini(&one);
}

void
fault_shape(const struct fault *f, struct buf *frame, size_t garble_at)
{
	if (f->kind == FAULT_GARBLE && garble_at < frame->len)
		frame->data[garble_at] = (char)(frame->data[garble_at] ^ 0x01);
	if (f->kind == FAULT_TRUNCATE || f->kind == FAULT_RESET)
		frame->len /= 2;
	if (f->kind == FAULT_LONG)
		buf_add(frame, "\x55\xAA\x55\xAA", 4);
	if (f->kind == FAULT_TWICE)
		put_twice(frame);
	if (f->kind == FAULT_GLITCH)
		put_before(frame, "", 1);
}
