/* Text framing: cut as it may be, the same bytes give the same messages, none
 * is longer than allowed, and every byte is in a message, between two, or
 * counted. */
#include "common/buf.h"
#include "drivers/frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 24 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
drain(struct framer *f, const struct frame *spec, struct buf *out)
{
	struct message m;

	while (framer_next(f, false, &m)) {
		must(m.len > 0 && m.len <= MAX);
		if (frame_check(spec, &m) == OK)
			buf_add(out, m.data, m.len);
		buf_putc(out, '|');
	}
}

static void
run(const struct frame *spec, const uint8_t *data, size_t size, size_t chunk,
    struct buf *out)
{
	struct framer f;

	framer_init(&f, spec);
	while (size) {
		size_t n = size < chunk ? size : chunk;

		framer_feed(&f, data, n);
		drain(&f, spec, out);
		data += n;
		size -= n;
	}
	framer_fini(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char start[] = "$", end[] = "\r\n", none[] = "";
	struct buf whole = { 0 }, bytes = { 0 };
	struct frame spec = { .max = MAX };

	if (size < 1)
		return 0;
	spec.check = data[0] % (CHECK_BCC + 1);
	spec.start = data[0] & 0x40 ? (struct bytes){ start, 1 }
				    : (struct bytes){ none, 0 };
	spec.end = (struct bytes){ end, 2 };
	if (data[0] & 0x80)
		spec.length = MAX / 2;
	run(&spec, data + 1, size - 1, FRAMER_CHUNK, &whole);
	run(&spec, data + 1, size - 1, 1, &bytes);
	must(whole.len == bytes.len);
	must(whole.len == 0 || memcmp(whole.data, bytes.data, whole.len) == 0);
	buf_fini(&whole);
	buf_fini(&bytes);
	return 0;
}
