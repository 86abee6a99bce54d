/* Who is at an address of a bus: a few cheap requests until one is answered,
 * then what the device says of itself, then what the templates say about how to
 * tell their devices.  Thread: loop. */
#ifndef GATEWAY_INQUIRY_H
#define GATEWAY_INQUIRY_H

#include "config/config.h"
#include "gateway/guess.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gateway;
struct inquiry;

enum presence {
	INQUIRY_NOBODY,  /* silence */
	INQUIRY_ANSWERS, /* values, or an exception */
	INQUIRY_GARBLED, /* something came once that was no answer */
	INQUIRY_TWO,     /* it keeps coming: mostly two devices */
	INQUIRY_UNASKED, /* there is nothing to ask it */
	INQUIRY_DOWN,    /* the line is not up */
};

enum { INQUIRY_LOOKS = 8, INQUIRY_MODELS = 32, INQUIRY_NAME = 129 };

struct findings {
	enum presence presence;
	uint8_t exception; /* the answer, when no value was */
	char maker[INQUIRY_NAME], product[INQUIRY_NAME];
	char certain[INQUIRY_NAME + 64]; /* why the first look is sure; "" */
	const struct tmpl *looks[INQUIRY_LOOKS]; /* best first; borrowed */
	size_t n_looks;
	uint16_t sunspec[INQUIRY_MODELS];
	size_t n_sunspec;
	const char *why; /* INQUIRY_DOWN: static text, or NULL */
};

struct inquiry_of {
	const char *bus; /* borrowed, for as long as the inquiry */
	int type;        /* enum cfg_bus_type */
	uint8_t address;
	struct serial_mode serial; /* baud 0: the line's */
	int64_t timeout_ms;        /* 0: 300 ms; 1 s on TCP */
	bool behind;               /* the polls go first */
	const struct tmpl *known;  /* one of guesses, or NULL: who it is, is not
				      asked */
	const struct guesses *guesses;
};

/* inquiry_begin calls done(arg, found) once, later; found and the inquiry are
 * gone after that.
 * Errors: ERR_BUSY, ERR_NOTFOUND: the bus cannot be asked now; ERR_UNSUP there
 * is nothing to ask.
 * Owns: *out is owned until done. */
enum err inquiry_begin(struct gateway *gw, const struct inquiry_of *of,
    void (*done)(void *arg, const struct findings *found), void *arg,
    struct inquiry **out) MUST_USE;

/* inquiry_free ends one that is not done.  NULL is allowed. */
void inquiry_free(struct inquiry *q);

#endif
