/* Data forms (XEP-0004), with validation (XEP-0122), as a device's parameters
 * and a node's commands use them. */
#ifndef PROTOCOL_FORM_H
#define PROTOCOL_FORM_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <strophe.h>

#define FORM_NS "jabber:x:data"
#define VALIDATE_NS "http://jabber.org/protocol/xdata-validate"
#define DYNAMIC_NS "urn:xmpp:xdata:dynamic"

enum {
	FORM_FIELDS_MAX = 1000,
	FORM_OPTIONS_MAX = 1000,
	FORM_VALUES_MAX = 1000
};

struct form_option {
	const char *label, *value; /* label may be NULL */
};

/* NULL where a part is not there. */
struct form_field {
	const char *var, *type, *label, *desc, *value;
	const char *datatype, *min, *max; /* "xs:int" and its range, as text */
	const char *group;                /* XEP-0325 parameterGroup */
	const char *const *more; /* values beyond the first, of text-multi */
	size_t n_more;
	const struct form_option *options;
	size_t n_options;
	bool not_same; /* <notSame/>: the device may refuse what it was offered
			*/
};

/* A form that was read: all of it owned. */
struct form {
	const char *type, *title;
	struct form_field *v;
	size_t n, cap;
	void **owned; /* what all of it points to */
	size_t n_owned, cap_owned;
};

/* form_new makes <x type=.../>; title may be NULL.  form_put adds a field with
 * the parts that are there.  Returns owned. */
xmpp_stanza_t *form_new(xmpp_ctx_t *ctx, const char *type, const char *title);
void form_put(xmpp_ctx_t *ctx, xmpp_stanza_t *x, const struct form_field *f);
/* form_submit adds what a submitted form needs: var and value. */
void form_submit(
    xmpp_ctx_t *ctx, xmpp_stanza_t *x, const char *var, const char *value);
/* form_row adds <reported/> or an <item/> of a table (XEP-0004 3.4), to be
 * filled as x is.  Borrowed. */
xmpp_stanza_t *form_row(xmpp_ctx_t *ctx, xmpp_stanza_t *x, const char *name);

/* form_parse reads <x/>, form_parse_row an <item/>.  Call form_fini, also after
 * an error.
 * Errors: ERR_UNSUP no form; ERR_RANGE too many fields, options or values;
 * ERR_PROTO two fields of one name. */
enum err form_parse(
    xmpp_stanza_t *x, struct form *out, struct errbuf *eb) MUST_USE;
enum err form_parse_row(
    xmpp_stanza_t *item, struct form *out, struct errbuf *eb) MUST_USE;
void form_fini(struct form *f);

/* form_field returns a field, form_value its first value; or NULL. */
const struct form_field *form_field(const struct form *f, const char *var);
const char *form_value(const struct form *f, const char *var);

#endif
