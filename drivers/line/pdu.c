#include "drivers/line/pdu.h"

#include <assert.h>
#include <string.h>

enum {
	EXCEPTION_BIT = 0x80,
	EXCEPTION_LEN = 3,
	HEAD = 3,       /* unit, function, how many bytes follow */
	WHERE_LEN = 6,  /* unit, function, address, count or value */
	MASK_LEN = 8,   /* unit, function, address, two masks */
	COIL_ON = 0xff, /* and 0 */
	MEI_DEVICE_ID = 14,
	ID_HEAD = 8, /* unit, function, MEI, code, conformity, more, next,
			objects */
	ID_ONE = 4,  /* the code that asks for one object */
	ADDRESSES = 0x10000,
};

enum shape {
	SHAPE_NONE,
	SHAPE_BITS,   /* the answer: HEAD, then a bit each */
	SHAPE_REGS,   /* HEAD, then two bytes each */
	SHAPE_ONE,    /* the request again */
	SHAPE_MANY,   /* its first WHERE_LEN bytes */
	SHAPE_MASK,   /* the request again */
	SHAPE_BYTES,  /* HEAD, then bytes */
	SHAPE_OBJECTS /* ID_HEAD, then objects: id, length, bytes */
};

static const struct {
	enum shape shape;
	uint16_t max;
} functions[] = {
	[MB_READ_COILS] = { SHAPE_BITS, MB_BITS_MAX },
	[MB_READ_DISCRETES] = { SHAPE_BITS, MB_BITS_MAX },
	[MB_READ_HOLDING] = { SHAPE_REGS, MB_REGS_MAX },
	[MB_READ_INPUT] = { SHAPE_REGS, MB_REGS_MAX },
	[MB_WRITE_COIL] = { SHAPE_ONE, 1 },
	[MB_WRITE_REGISTER] = { SHAPE_ONE, 1 },
	[MB_WRITE_COILS] = { SHAPE_MANY, MB_WRITE_BITS_MAX },
	[MB_WRITE_REGISTERS] = { SHAPE_MANY, MB_WRITE_MAX },
	[MB_SERVER_ID] = { SHAPE_BYTES, 0 },
	[MB_MASK_WRITE] = { SHAPE_MASK, 1 },
	[MB_DEVICE_ID] = { SHAPE_OBJECTS, 0 },
};

static enum shape
shape_of(unsigned function)
{
	return function < sizeof(functions) / sizeof(functions[0])
	    ? functions[function].shape
	    : SHAPE_NONE;
}

enum mb_function
pdu_reads(enum modbus_table table)
{
	static const enum mb_function reads[] = { [MB_COIL] = MB_READ_COILS,
		[MB_DISCRETE] = MB_READ_DISCRETES,
		[MB_HOLDING] = MB_READ_HOLDING,
		[MB_INPUT] = MB_READ_INPUT };

	return reads[table];
}

bool
pdu_is_write(enum mb_function f)
{
	enum shape s = shape_of(f);

	return s == SHAPE_ONE || s == SHAPE_MANY || s == SHAPE_MASK;
}

bool
pdu_valid(const struct mb_request *rq)
{
	enum shape s = shape_of(rq->function);

	if (s == SHAPE_NONE)
		return false;
	if (s == SHAPE_BYTES)
		return true;
	if (s == SHAPE_OBJECTS)
		return rq->value != NULL;
	return rq->count >= 1 && rq->count <= functions[rq->function].max &&
	    rq->addr + rq->count <= ADDRESSES &&
	    (rq->value || !pdu_is_write(rq->function));
}

static size_t
put16(uint8_t *out, unsigned v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)(v & 0xff);
	return 2;
}

/* The values of a write of many, with their number of bytes before them. */
static size_t
put_values(const struct mb_request *rq, uint8_t *out)
{
	if (rq->function == MB_WRITE_REGISTERS) {
		out[0] = (uint8_t)(rq->count * 2);
		for (size_t i = 0; i < rq->count; i++)
			put16(out + 1 + 2 * i, rq->value[i]);
	} else {
		out[0] = (uint8_t)((rq->count + 7) / 8);
		memset(out + 1, 0, out[0]);
		for (size_t i = 0; i < rq->count; i++) {
			if (rq->value[i])
				out[1 + i / 8] |= (uint8_t)(1u << (i % 8));
		}
	}
	return 1 + (size_t)out[0];
}

size_t
pdu_request(const struct mb_request *rq, uint8_t out[PDU_MAX])
{
	enum shape s = shape_of(rq->function);
	size_t n = 0;

	assert(pdu_valid(rq));
	out[n++] = rq->unit;
	out[n++] = (uint8_t)rq->function;
	if (s == SHAPE_BYTES)
		return n;
	if (s == SHAPE_OBJECTS) {
		out[n++] = MEI_DEVICE_ID;
		out[n++] = (uint8_t)rq->value[0];
		out[n++] = (uint8_t)rq->value[1];
		return n;
	}
	n += put16(out + n, rq->addr);
	if (rq->function == MB_WRITE_COIL)
		return n + put16(out + n, rq->value[0] ? COIL_ON << 8 : 0);
	if (s == SHAPE_ONE)
		return n + put16(out + n, rq->value[0]);
	if (s == SHAPE_MASK) {
		n += put16(out + n, rq->value[0]);
		return n + put16(out + n, rq->value[1]);
	}
	n += put16(out + n, rq->count);
	return s == SHAPE_MANY ? n + put_values(rq, out + n) : n;
}

static int
objects_span(const uint8_t *msg, size_t n)
{
	size_t at = ID_HEAD;

	if (n > 2 && msg[2] != MEI_DEVICE_ID)
		return PDU_UNKNOWN;
	if (n < ID_HEAD)
		return PDU_MORE;
	for (unsigned i = 0; i < msg[ID_HEAD - 1]; i++) {
		if (at + 2 > PDU_MAX)
			return PDU_UNKNOWN;
		if (at + 2 > n)
			return PDU_MORE;
		at += 2 + (size_t)msg[at + 1];
	}
	return at <= PDU_MAX ? (int)at : PDU_UNKNOWN;
}

int
pdu_span(const uint8_t *msg, size_t n)
{
	enum shape s;

	if (n < 2)
		return PDU_MORE;
	s = shape_of(msg[1] & ~(unsigned)EXCEPTION_BIT);
	if (s == SHAPE_NONE)
		return PDU_UNKNOWN;
	if (msg[1] & EXCEPTION_BIT)
		return EXCEPTION_LEN;
	if (s == SHAPE_ONE || s == SHAPE_MANY)
		return WHERE_LEN;
	if (s == SHAPE_MASK)
		return MASK_LEN;
	if (s == SHAPE_OBJECTS)
		return objects_span(msg, n);
	if (n < HEAD)
		return PDU_MORE;
	return HEAD + msg[2] <= PDU_MAX ? HEAD + msg[2] : PDU_UNKNOWN;
}

static void
take_bytes(const uint8_t *data, size_t n, struct mb_answer *out)
{
	for (size_t i = 0; i < n; i++)
		out->value[i] = data[i];
	out->n = n;
}

static enum err
take_bits(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out)
{
	const uint8_t *data = msg + HEAD;

	if (len != HEAD + (rq->count + 7u) / 8u)
		return ERR_PROTO;
	for (size_t i = 0; i < rq->count; i++)
		out->value[i] = data[i / 8] >> (i % 8) & 1;
	out->n = rq->count;
	return OK;
}

static enum err
take_regs(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out)
{
	const uint8_t *data = msg + HEAD;

	if (len != HEAD + rq->count * 2u)
		return ERR_PROTO;
	for (size_t i = 0; i < rq->count; i++)
		out->value[i] = (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
	out->n = rq->count;
	return OK;
}

/* A write's answer begins as its request does. */
static enum err
take_echo(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out)
{
	uint8_t sent[PDU_MAX];

	(void)pdu_request(rq, sent);
	out->n = 0;
	return memcmp(msg, sent, len) == 0 ? OK : ERR_PROTO;
}

/* Of the code asked for; and the object, when it was one that was asked for. */
static enum err
take_objects(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out)
{
	if (msg[3] != rq->value[0])
		return ERR_PROTO;
	if (rq->value[0] == ID_ONE &&
	    (msg[ID_HEAD - 1] != 1 || msg[ID_HEAD] != rq->value[1]))
		return ERR_PROTO;
	take_bytes(msg + 2, len - 2, out);
	return OK;
}

enum err
pdu_answer(const uint8_t *msg, size_t len, const struct mb_request *rq,
    struct mb_answer *out)
{
	int span = pdu_span(msg, len);

	if (span <= 0 || (size_t)span != len || msg[0] != rq->unit)
		return ERR_PROTO;
	if (msg[1] == (rq->function | EXCEPTION_BIT)) {
		out->exception = msg[2];
		out->n = 0;
		return ERR_REFUSED;
	}
	if (msg[1] != rq->function)
		return ERR_PROTO;
	switch (shape_of(rq->function)) {
	case SHAPE_BITS:
		return take_bits(msg, len, rq, out);
	case SHAPE_REGS:
		return take_regs(msg, len, rq, out);
	case SHAPE_ONE:
	case SHAPE_MANY:
	case SHAPE_MASK:
		return take_echo(msg, len, rq, out);
	case SHAPE_OBJECTS:
		return take_objects(msg, len, rq, out);
	case SHAPE_BYTES:
		take_bytes(msg + 2, len - 2, out);
		return OK;
	case SHAPE_NONE:
		break;
	}
	return ERR_PROTO;
}
