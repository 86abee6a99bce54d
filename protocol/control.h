/* XEP-0325 stanzas, for the device and for who controls it. */
#ifndef PROTOCOL_CONTROL_H
#define PROTOCOL_CONTROL_H

#include "common/err.h"
#include "protocol/form.h"
#include "protocol/node_ref.h"
#include "protocol/sensor_data.h"

#include <stddef.h>
#include <strophe.h>

#define CONTROL_NS "urn:xmpp:iot:control"

enum ctl_type {
	CTL_BOOLEAN, /* `bool` is read as well, for older programs */
	CTL_COLOR,
	CTL_DATE,
	CTL_DATETIME,
	CTL_DOUBLE,
	CTL_DURATION,
	CTL_INT,
	CTL_LONG,
	CTL_STRING,
	CTL_TIME,
	CTL_FORM, /* of a submitted form: the parameter's own type is meant */
	CTL_TYPES = CTL_FORM
};
const char *ctl_type_name(enum ctl_type t);

enum { CTL_PARAMS_MAX = 1000, CTL_VALUE_MAX = 1024 };

struct ctl_param {
	enum ctl_type type;
	const char *name, *value;
};

/* A set, or the question for a form.  Texts are borrowed from the element,
 * those of a form from `form`. */
struct ctl_set {
	struct tokens tokens;
	struct node_refs nodes; /* none: the device as a whole */
	struct ctl_param *v;    /* in document order */
	size_t n, cap;
	struct form form; /* what was submitted */
};

/* ctl_set_parse reads <set/>; ctl_form_parse <getForm/>.  Call ctl_set_fini,
 * also after an error.
 * Errors: ERR_PROTO a parameter without name or value, of no known type, with
 * several values, none at all, two of one name, parameters and a form;
 * ERR_RANGE too many or too long. */
enum err ctl_set_parse(
    xmpp_stanza_t *el, struct ctl_set *out, struct errbuf *eb) MUST_USE;
enum err ctl_form_parse(
    xmpp_stanza_t *el, struct ctl_set *out, struct errbuf *eb) MUST_USE;
void ctl_set_fini(struct ctl_set *s);

xmpp_stanza_t *ctl_set_build(xmpp_ctx_t *ctx, const struct ctl_set *s);
xmpp_stanza_t *ctl_form_build(xmpp_ctx_t *ctx, const struct ctl_set *s);

/* ctl_done makes <setResponse/>: nodes and parameters only when they are fewer
 * than what was asked.  ctl_done_parse reads it. */
xmpp_stanza_t *ctl_done(
    xmpp_ctx_t *ctx, const struct node_refs *nodes, const struct names *params);
enum err ctl_done_parse(xmpp_stanza_t *el, struct node_refs *nodes,
    struct names *params, struct errbuf *eb) MUST_USE;

/* ctl_param_error makes <paramError/>, which stands in the stanza's <error/>;
 * ctl_find_param_error finds it in an error stanza: its parameter (borrowed)
 * and text (owned), or NULL. */
xmpp_stanza_t *ctl_param_error(
    xmpp_ctx_t *ctx, const char *param, const char *text);
const char *ctl_find_param_error(xmpp_stanza_t *iq, char **text);

#endif
