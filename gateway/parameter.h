/* What can be set of a device, as XEP-0325 has it: parameters with a type, a
 * value as text, and a field in a form.  A control that may be set for a time
 * has a second parameter, "NAME, pulse": how long, 0 for as it stays.
 * Pure.  Thread: any. */
#ifndef GATEWAY_PARAMETER_H
#define GATEWAY_PARAMETER_H

#include "config/template.h"
#include "drivers/reading.h"
#include "protocol/control.h"

#include <stdbool.h>

/* param_type is boolean, string (words too), int, long or double. */
enum ctl_type param_type(const struct control *k);

/* param_value reads a value of the type that was given for a control:
 * boolean counts as 0 and 1, and a number as another type of number when it is
 * the same number.  What the control allows is for setting_check.
 * Errors: ERR_UNSUP that type cannot be meant, ERR_PROTO it is not of that
 * type, ERR_RANGE it is too long or does not fit; why says which. */
enum err param_value(const struct control *k, enum ctl_type given,
    const char *text, struct value *out, struct errbuf *why) MUST_USE;

/* param_allowed writes what the control's values can be, "6 to 16 in steps of
 * 0.1", or "". */
enum { PARAM_ALLOWED = 160 };
void param_allowed(const struct control *k, char out[PARAM_ALLOWED]);

/* param_alike: the same name, type, unit and values allowed. */
bool param_alike(const struct control *a, const struct control *b);

/* param_pulse returns how long the name of a control is if name is that of its
 * pulse, else 0. */
size_t param_pulse(const char *name);

/* param_form adds the fields of a control to a form; now is its value, or NULL
 * when that is not known. */
void param_form(xmpp_ctx_t *ctx, xmpp_stanza_t *x, const struct control *k,
    const char *now);

/* xs:duration of days and less, PT1M30.5S; a day has 24 h.
 * Errors: ERR_PROTO not a duration; ERR_RANGE below 0, years, months, longer
 * than 10000 days. */
enum err param_duration(const char *text, int64_t *ms) MUST_USE;
enum { PARAM_DURATION = 32 };
void param_duration_text(int64_t ms, char out[PARAM_DURATION]);

#endif
