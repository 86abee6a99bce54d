#include "drivers/trace.h"

#include <string.h>

static size_t
span(const struct trace *t, size_t pos)
{
	struct trace_frame f;

	memcpy(&f, t->data + pos, sizeof(f));
	return sizeof(f) + f.n;
}

void
trace_add(struct trace *t, const struct trace_frame *f, const void *bytes)
{
	struct trace_frame head = *f;
	size_t gone = 0, need;

	if (head.n > TRACE_FRAME_MAX)
		head.n = TRACE_FRAME_MAX;
	need = sizeof(head) + head.n;
	while (t->len - gone + need > sizeof(t->data))
		gone += span(t, gone);
	if (gone) {
		memmove(t->data, t->data + gone, t->len - gone);
		t->len -= gone;
	}
	memcpy(t->data + t->len, &head, sizeof(head));
	memcpy(t->data + t->len + sizeof(head), bytes, head.n);
	t->len += need;
}

const uint8_t *
trace_next(const struct trace *t, size_t *pos, struct trace_frame *out)
{
	const uint8_t *bytes = t->data + *pos + sizeof(*out);

	if (*pos >= t->len)
		return NULL;
	memcpy(out, t->data + *pos, sizeof(*out));
	*pos += sizeof(*out) + out->n;
	return bytes;
}

char *
trace_text(
    const struct trace_frame *f, const uint8_t *bytes, char text[TRACE_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = f->n < TRACE_FRAME_MAX ? f->n : TRACE_FRAME_MAX;
	char *p = text;

	*p++ = f->dir;
	if (f->dir == '!') {
		memcpy(p, bytes, n);
		p += n;
	} else {
		for (size_t i = 0; i < n; i++) {
			*p++ = digits[bytes[i] >> 4];
			*p++ = digits[bytes[i] & 15];
		}
	}
	*p = '\0';
	return text;
}
