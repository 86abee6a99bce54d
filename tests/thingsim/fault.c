#include "tests/thingsim/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_MAX_MS = 600000 };

static const struct {
	const char *name;
	int64_t min, max; /* of the argument; 0 and 0: takes none */
} kinds[] = {
	[FAULT_NONE] = { "none", 0, 0 },
	[FAULT_SILENT] = { "silent", 0, 0 },
	[FAULT_LATE] = { "late", 1, LATE_MAX_MS },
	[FAULT_LATE_ONCE] = { "wrong-value-late", 1, LATE_MAX_MS },
	[FAULT_EXCEPTION] = { "exception", 1, 255 },
	[FAULT_GARBLE] = { "garble", 0, 0 },
	[FAULT_WRONG_UNIT] = { "wrong-unit", 0, 0 },
	[FAULT_TRUNCATE] = { "truncate", 0, 0 },
	[FAULT_LONG] = { "long", 0, 0 },
	[FAULT_TWICE] = { "twice", 0, 0 },
	[FAULT_ECHO] = { "echo", 0, 0 },
	[FAULT_GLITCH] = { "glitch", 0, 0 },
	[FAULT_DRIP] = { "drip", 1, 1000 },
	[FAULT_RESET] = { "reset", 0, 0 },
};

static enum err
parse_arg(size_t kind, const char *text, int64_t *arg, struct errbuf *eb)
{
	char *end;

	*arg = 0;
	if (kinds[kind].max == 0 && *text == '\0')
		return OK;
	*arg = strtoll(text, &end, 10);
	if (kinds[kind].max == 0 || end == text || *end)
		return errbuf_set(
		    eb, ERR_PROTO, "fault %s: bad argument", kinds[kind].name);
	if (*arg < kinds[kind].min || *arg > kinds[kind].max)
		return errbuf_set(eb, ERR_RANGE, "fault %s: %lld..%lld",
		    kinds[kind].name, (long long)kinds[kind].min,
		    (long long)kinds[kind].max);
	return OK;
}

enum err
fault_parse(const char *text, struct fault *out, struct errbuf *eb)
{
	size_t len = strcspn(text, " ");
	const char *arg = text + len + strspn(text + len, " ");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != len ||
		    memcmp(kinds[i].name, text, len) != 0)
			continue;
		out->kind = (enum fault_kind)i;
		return parse_arg(i, arg, &out->arg, eb);
	}
	return errbuf_set(eb, ERR_PROTO, "no such fault: %s", text);
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
fault_shape(const struct fault *f, struct buf *frame, const void *request,
    size_t request_len, size_t garble_at)
{
	if (f->kind == FAULT_GARBLE && garble_at < frame->len)
		frame->data[garble_at] = (char)(frame->data[garble_at] ^ 0x01);
	if (f->kind == FAULT_TRUNCATE || f->kind == FAULT_RESET)
		frame->len /= 2;
	if (f->kind == FAULT_LONG)
		buf_add(frame, "\x55\xAA\x55\xAA", 4);
	if (f->kind == FAULT_TWICE)
		put_twice(frame);
	if (f->kind == FAULT_ECHO)
		put_before(frame, request, request_len);
	if (f->kind == FAULT_GLITCH)
		put_before(frame, "", 1);
}
