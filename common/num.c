#include "common/num.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static int64_t
pow10i(unsigned n)
{
	int64_t p = 1;

	while (n--)
		p *= 10;
	return p;
}

void
num_format(struct num v, char out[NUM_TEXT])
{
	uint64_t m = v.mant < 0 ? -(uint64_t)v.mant : (uint64_t)v.mant;
	char digits[NUM_TEXT]; /* last digit first */
	size_t n = 0, o = 0;

	do {
		if (n && n == v.dec)
			digits[n++] = '.';
		digits[n++] = (char)('0' + m % 10);
		m /= 10;
	} while (m || n <= v.dec);
	if (v.mant < 0)
		out[o++] = '-';
	while (n)
		out[o++] = digits[--n];
	out[o] = '\0';
}

enum err
num_parse(const char *text, struct num *out)
{
	bool neg = *text == '-', point = false;
	unsigned digits = 0;
	int64_t m = 0;
	uint8_t dec = 0;

	if (*text == '-' || *text == '+')
		text++;
	for (; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*text))
			return ERR_PROTO;
		if (__builtin_mul_overflow(m, 10, &m) ||
		    __builtin_sub_overflow(m, *text - '0', &m))
			return ERR_RANGE;
		if (point && ++dec > NUM_DEC_MAX)
			return ERR_RANGE;
		digits++;
	}
	if (digits == 0 || (point && dec == 0))
		return ERR_PROTO;
	/* Gathered below zero, where there is room for INT64_MIN. */
	if (!neg && __builtin_sub_overflow(0, m, &m))
		return ERR_RANGE;
	out->mant = m;
	out->dec = dec;
	return OK;
}

enum err
num_round(struct num a, uint8_t dec, struct num *out)
{
	if (dec > NUM_DEC_MAX)
		return ERR_RANGE;
	if (dec >= a.dec) {
		int64_t p = pow10i(dec - a.dec);

		if (__builtin_mul_overflow(a.mant, p, &a.mant))
			return ERR_RANGE;
	} else {
		int64_t p = pow10i(a.dec - dec), rest = a.mant % p;

		a.mant /= p;
		if (rest >= p / 2)
			a.mant++;
		else if (rest <= -(p / 2))
			a.mant--;
	}
	out->mant = a.mant;
	out->dec = dec;
	return OK;
}

enum err
num_mul(struct num a, struct num b, struct num *out)
{
	struct num r;

	if (__builtin_mul_overflow(a.mant, b.mant, &r.mant) ||
	    a.dec + b.dec > NUM_DEC_MAX)
		return ERR_RANGE;
	r.dec = (uint8_t)(a.dec + b.dec);
	*out = r;
	return OK;
}

enum err
num_add(struct num a, struct num b, struct num *out)
{
	uint8_t dec = a.dec > b.dec ? a.dec : b.dec;

	if (num_round(a, dec, &a) != OK || num_round(b, dec, &b) != OK ||
	    __builtin_add_overflow(a.mant, b.mant, &a.mant))
		return ERR_RANGE;
	*out = a;
	return OK;
}

struct num
num_trim(struct num v)
{
	while (v.dec > 0 && v.mant % 10 == 0) {
		v.mant /= 10;
		v.dec--;
	}
	return v;
}

enum err
num_from_double(double v, uint8_t dec, struct num *out)
{
	double scaled;

	if (dec > NUM_DEC_MAX || !isfinite(v))
		return ERR_RANGE;
	scaled = round(v * (double)pow10i(dec));
	if (!(scaled > -9.2e18 && scaled < 9.2e18))
		return ERR_RANGE;
	out->mant = (int64_t)scaled;
	out->dec = dec;
	return OK;
}

double
num_to_double(struct num v)
{
	return (double)v.mant / (double)pow10i(v.dec);
}

int
num_cmp(struct num a, struct num b)
{
	int64_t pa = pow10i(a.dec), pb = pow10i(b.dec);
	int64_t x = a.mant / pa, y = b.mant / pb;

	if (x == y) { /* then the fractions, both in units of 10^-18 */
		x = a.mant % pa * pow10i(NUM_DEC_MAX - a.dec);
		y = b.mant % pb * pow10i(NUM_DEC_MAX - b.dec);
	}
	return (x > y) - (x < y);
}

int
num_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}
