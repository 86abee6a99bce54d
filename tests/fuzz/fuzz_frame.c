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
drain(struct framer *f, const struct frame *spec, bool reject, struct buf *out)
{
	struct message m;

	while (framer_next(f, false, &m)) {
		must(m.len > 0 && m.len <= MAX);
		if (frame_check(spec, &m) == OK)
			buf_add(out, m.data, m.len);
		else if (reject)
			framer_reject(f);
		buf_putc(out, '|');
	}
}

struct input {
	const uint8_t *data;
	size_t size;
};

static void
run(const struct frame *spec, bool reject, const struct input *in, size_t chunk,
    struct buf *out)
{
	const uint8_t *data = in->data;
	size_t size = in->size;
	struct framer f;

	framer_init(&f, spec);
	while (size) {
		size_t n = size < chunk ? size : chunk;

		framer_feed(&f, data, n);
		drain(&f, spec, reject, out);
		data += n;
		size -= n;
	}
	framer_fini(&f);
}

/* The first two bytes say how messages are told apart. */
static struct frame
spec_of(uint8_t a, uint8_t b)
{
	static char start[] = "$", end[] = "\r\n", other[] = "\3", none[] = "";
	static struct bytes ends[] = { { other, 1 } };
	struct frame spec = { .max = MAX,
		.check = a % (CHECK_CRC16_DSMR + 1),
		.start = { none, 0 },
		.end = { end, 2 } };

	if (a & 0x40)
		spec.start = (struct bytes){ start, 1 };
	if (a & 0x80)
		spec.length = MAX / 2;
	if (b & 1) {
		spec.ends = ends;
		spec.n_ends = 1;
	}
	if (b & 2)
		spec.end = (struct bytes){ none, 0 };
	if (b & 4) {
		spec.has_length_at = true;
		spec.length_at = b >> 4 & 3;
		spec.length_add = (b >> 5) - 2;
		spec.length = 0;
	}
	if (!spec.end.len)
		spec.n_ends = 0;
	return spec;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, bytes = { 0 };
	struct input in;
	struct frame spec;
	bool reject;

	if (size < 2)
		return 0;
	in = (struct input){ data + 2, size - 2 };
	spec = spec_of(data[0], data[1]);
	reject = data[1] & 8;
	run(&spec, reject, &in, FRAMER_CHUNK, &whole);
	run(&spec, reject, &in, 1, &bytes);
	must(whole.len == bytes.len);
	must(whole.len == 0 || memcmp(whole.data, bytes.data, whole.len) == 0);
	buf_fini(&whole);
	buf_fini(&bytes);
	return 0;
}
