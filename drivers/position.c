#include "drivers/position.h"

enum { EXTRA_DECIMALS = 2 }; /* a sixtieth of 0.01 is 0.00017 */

/* The whole degrees and the minutes of ddmm.mmmm; false when they are none.
 * Each digit counts: with one lost, it would be another place. */
static bool
split(enum text_form form, struct span s, struct num *degrees,
    struct num *minutes)
{
	const int64_t most = form == FORM_LATITUDE ? 90 : 180;
	size_t width = form == FORM_LATITUDE ? 2 : 3;
	size_t point = width + 2, end = point;

	if (span_digits(s, 0) != point)
		return false;
	if (end < s.len && s.s[end] == '.')
		end = span_digits(s, end + 1);
	if (end != s.len || !span_num((struct span){ s.s, width }, degrees) ||
	    !span_num((struct span){ s.s + width, s.len - width }, minutes))
		return false;
	return num_cmp(*minutes, (struct num){ 60, 0 }) < 0 &&
	    (degrees->mant < most ||
		(degrees->mant == most && minutes->mant == 0));
}

/* Minutes are not often a finite part of a degree: they are rounded once, half
 * away from zero.  v is degrees / 10^dec. */
static bool
sixtieth(struct num minutes, uint8_t dec, struct num *v)
{
	int shift = dec - minutes.dec - 1;
	int64_t num = minutes.mant, den = 6, rest;

	for (; shift > 0; shift--)
		if (__builtin_mul_overflow(num, 10, &num))
			return false;
	for (; shift < 0; shift++)
		if (__builtin_mul_overflow(den, 10, &den))
			return false;
	rest = num % den;
	v->mant = num / den + (rest >= den - rest);
	v->dec = dec;
	return true;
}

/* -1 south or west, 1 north or east, 0 neither. */
static int
sign_of(enum text_form form, struct span s)
{
	bool latitude = form == FORM_LATITUDE;

	if (!s.s)
		return 0;
	s = span_trim(s);
	if (span_is(s, latitude ? "N" : "E"))
		return 1;
	return span_is(s, latitude ? "S" : "W") ? -1 : 0;
}

const char *
position_read(enum text_form form, struct span value, struct span hemisphere,
    int dec, struct num *out)
{
	int sign = sign_of(form, hemisphere);
	struct num degrees, minutes, v;

	if (!split(form, value, &degrees, &minutes))
		return "not degrees and minutes";
	if (sign == 0)
		return "sent without a hemisphere";
	if (dec < 0)
		dec = minutes.dec + EXTRA_DECIMALS;
	if (dec > NUM_DEC_MAX || !sixtieth(minutes, (uint8_t)dec, &v) ||
	    num_add(v, degrees, &v) != OK)
		return "the number does not fit";
	*out = (struct num){ v.mant * sign, v.dec };
	return NULL;
}
