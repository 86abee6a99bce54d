#include "tests/thingsim/line.h"

/* A full speed USB packet is 64 bytes, two of which are the adapter's. */
enum { USB_PACKET = 62 };
enum { HANDFUL_NS = 500000, GAP_MIN_NS = 1750000, GAP_BAUD = 19200 };

int64_t
line_char_ns(const struct serial_mode *m)
{
	int bits = 1 + m->bits + (m->parity != 'N') + m->stop;

	return m->baud ? INT64_C(1000000000) * bits / m->baud : 0;
}

int64_t
line_gap_ns(const struct serial_mode *m)
{
	if (m->baud > GAP_BAUD)
		return GAP_MIN_NS;
	return line_char_ns(m) * 7 / 2;
}

static size_t
at_least_one(int64_t n, size_t most)
{
	if (n < 1)
		return 1;
	return (uint64_t)n < most ? (size_t)n : most;
}

/* passed_at is when the n-th byte (from 1) has passed. */
static int64_t
passed_at(const struct passing *p, size_t n)
{
	return p->start_ns + (int64_t)n * p->step_ns;
}

static size_t
next_packet(const struct line *ln, const struct passing *p, int64_t *at_ns)
{
	int64_t first = passed_at(p, p->sent + 1);
	int64_t ticks = (first - ln->usb_last_ns) / ln->usb_ns + 1;
	int64_t tick = ln->usb_last_ns + ticks * ln->usb_ns;
	size_t left = p->len - p->sent, n = left;

	if (p->step_ns)
		n = at_least_one((tick - first) / p->step_ns + 1, left);
	*at_ns = tick;
	if (n < USB_PACKET)
		return n;
	*at_ns = passed_at(p, p->sent + USB_PACKET);
	return USB_PACKET;
}

size_t
line_next(const struct line *ln, const struct passing *p, int64_t *at_ns)
{
	size_t left = p->len - p->sent, n = left;

	if (ln->usb_ns)
		return next_packet(ln, p, at_ns);
	if (p->step_ns)
		n = at_least_one(HANDFUL_NS / p->step_ns, left);
	*at_ns = passed_at(p, p->sent + n);
	return n;
}

void
line_handed_over(struct line *ln, size_t n, int64_t at_ns)
{
	if (ln->usb_ns == 0)
		return;
	if (n == USB_PACKET)
		ln->usb_last_ns = at_ns;
	else /* the ticks go on as they were, however late this was seen */
		ln->usb_last_ns +=
		    (at_ns - ln->usb_last_ns) / ln->usb_ns * ln->usb_ns;
}
