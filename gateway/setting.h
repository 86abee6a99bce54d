/* Writing one value to a device: what may be written, the write, and the line
 * in the log that says who did it.  Thread: loop. */
#ifndef GATEWAY_SETTING_H
#define GATEWAY_SETTING_H

#include "common/err.h"
#include "drivers/reading.h"
#include "gateway/node.h"

#include <stdbool.h>
#include <stdint.h>

struct gateway;
struct setting;

/* setting_check tells whether the template allows the value, and for that time
 * (0: it stays).
 * Errors: ERR_RANGE, why says which: "above the maximum of 60"; ERR_BUSY that
 * is not known yet; ERR_REFUSED the node is disabled. */
enum err setting_check(const struct node *n, const struct control *k,
    const struct value *to, int64_t pulse_ms, struct errbuf *why) MUST_USE;

/* setting_reach tells whether the device can be written at all now, as far as
 * is known.  Errors: ERR_IO its line is down, ERR_TIMEOUT it does not answer.
 */
enum err setting_reach(
    struct gateway *gw, const struct node *n, struct errbuf *eb) MUST_USE;

/* setting_old writes the last good value of what k sets; false: not known. */
bool setting_old(
    const struct node *n, const struct control *k, char out[VALUE_TEXT_SIZE]);

/* What became of a write; borrowed for the call. */
struct setting_end {
	enum err result;
	const char *text;     /* a sentence, when result is not OK */
	const char *old, *to; /* old: NULL when not known */
	const char *outcome;  /* "verified", or "written": not read back */
};
typedef void (*setting_done)(void *arg, const struct setting_end *end);

/* setting_write writes what setting_check has allowed, and logs it with who
 * did it when it has ended.  done is called once, never from within the call.
 * Returns NULL when the bus is too busy; eb says so.  It ends by itself. */
struct setting_what {
	const struct node *node;
	const struct control *control;
	const struct value *to;
	int64_t pulse_ms; /* then back to what it was; 0: it stays */
	const char *who;
};
struct setting *setting_write(struct gateway *gw, const struct setting_what *w,
    setting_done done, void *arg, struct errbuf *eb);

/* setting_drop: done is not called any more.  What is on its way to the device
 * cannot be called back: its outcome is logged all the same. */
void setting_drop(struct setting *s);

#endif
