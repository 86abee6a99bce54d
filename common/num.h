/* Exact decimals: a device's number keeps its digits from register to wire. */
#ifndef COMMON_NUM_H
#define COMMON_NUM_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* mant / 10^dec; 10.0 and 10.00 are different texts of one value. */
struct num {
	int64_t mant;
	uint8_t dec; /* 0..NUM_DEC_MAX */
};

enum { NUM_DEC_MAX = 18, NUM_TEXT = 24 };

/* num_format writes the decimal text, all dec digits.  Thread: any. */
void num_format(struct num v, char out[NUM_TEXT]);

/* num_parse reads [+-]digits[.digits]; the number of decimals is kept.
 * Errors: ERR_PROTO not a decimal, ERR_RANGE does not fit.  Thread: any. */
enum err num_parse(const char *text, struct num *out) MUST_USE;

/* num_mul multiplies exactly; num_add adds at the larger number of decimals.
 * Errors: ERR_RANGE on overflow.  Thread: any. */
enum err num_mul(struct num a, struct num b, struct num *out) MUST_USE;
enum err num_add(struct num a, struct num b, struct num *out) MUST_USE;

/* num_round rounds (half away from zero) or extends to dec decimals.
 * Errors: ERR_RANGE on overflow.  Thread: any. */
enum err num_round(struct num a, uint8_t dec, struct num *out) MUST_USE;

/* num_trim drops the zeros at the end: 230.500 says no more than 230.5.
 * Thread: any. */
struct num num_trim(struct num v);

/* num_from_double rounds a device's IEEE 754 value to dec decimals.
 * Errors: ERR_RANGE for NaN, infinities and what does not fit. */
enum err num_from_double(double v, uint8_t dec, struct num *out) MUST_USE;

double num_to_double(struct num v);

/* num_hex is the value of a hexadecimal digit of either case, or -1.
 * Thread: any. */
int num_hex(char c);

/* num_cmp orders two numbers by value: <0, 0, >0.  Thread: any. */
int num_cmp(struct num a, struct num b);

#endif
