#include "gateway/pack.h"

#include <string.h>

enum { TYPE_BITS = 2, TYPE_MASK = 3, SEVEN = 0x7f, MORE = 0x80 };

static void
put(struct buf *b, uint64_t v)
{
	for (; v > SEVEN; v >>= 7)
		buf_putc(b, (char)((v & SEVEN) | MORE));
	buf_putc(b, (char)v);
}

/* Small numbers of either sign become small ones without. */
static uint64_t
fold(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unfold(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

/* Without a thought of overflow: unpacking wraps round as well. */
static int64_t
difference(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static uint8_t
head_of(const struct value *v)
{
	unsigned dec = v->type == VALUE_NUM ? v->num.dec : 0;

	return (uint8_t)(v->type | dec << TYPE_BITS);
}

bool
pack_add(struct pack *p, int64_t utc_ms, const struct value *v)
{
	size_t len;

	if (p->n == 0) {
		p->first = p->last = utc_ms;
		p->mant = 0;
		buf_putc(&p->bytes, (char)head_of(v));
	}
	if ((uint8_t)p->bytes.data[0] != head_of(v) || utc_ms < p->last ||
	    utc_ms - p->first > PACK_SPAN_MS || p->bytes.len >= PACK_BYTES)
		return false;
	put(&p->bytes, (uint64_t)(utc_ms - p->last));
	if (v->type == VALUE_NUM) {
		put(&p->bytes, fold(difference(v->num.mant, p->mant)));
		p->mant = v->num.mant;
	} else if (v->type == VALUE_BOOL) {
		put(&p->bytes, v->on);
	} else {
		len = strlen(v->text);
		put(&p->bytes, len);
		buf_add(&p->bytes, v->text, len);
	}
	p->last = utc_ms;
	p->n++;
	return true;
}

void
pack_clear(struct pack *p)
{
	buf_fini(&p->bytes);
	*p = (struct pack){ 0 };
}

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t
get(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (c->at == c->end)
			break;
		byte = *c->at++;
		v |= (uint64_t)(byte & SEVEN) << shift;
		if (!(byte & MORE))
			return v;
	}
	c->bad = true;
	return 0;
}

static void
get_text(struct cursor *c, char out[VALUE_TEXT_SIZE])
{
	uint64_t len = get(c);

	if (c->bad || len >= VALUE_TEXT_SIZE ||
	    len > (size_t)(c->end - c->at) ||
	    memchr(c->at, '\0', (size_t)len)) {
		c->bad = true;
		return;
	}
	memcpy(out, c->at, (size_t)len);
	out[len] = '\0';
	c->at += len;
}

static void
get_value(struct cursor *c, struct value *v)
{
	if (v->type == VALUE_NUM)
		v->num.mant =
		    (int64_t)((uint64_t)v->num.mant + (uint64_t)unfold(get(c)));
	else if (v->type == VALUE_BOOL)
		v->on = get(c) != 0;
	else
		get_text(c, v->text);
}

enum err
unpack(const void *data, size_t len, int64_t first, unpack_each each, void *arg)
{
	struct cursor c = { data, (const uint8_t *)data + len, false };
	struct value v = { 0 };
	uint8_t head;

	if (len == 0)
		return ERR_PROTO;
	head = *c.at++;
	v.type = (enum value_type)(head & TYPE_MASK);
	v.num.dec = head >> TYPE_BITS;
	if (v.num.dec > NUM_DEC_MAX)
		return ERR_PROTO;
	while (c.at < c.end) {
		uint64_t step = get(&c);

		get_value(&c, &v);
		if (c.bad || step > PACK_SPAN_MS)
			return ERR_PROTO;
		first += (int64_t)step;
		if (!each(arg, first, &v))
			return OK;
	}
	return OK;
}
