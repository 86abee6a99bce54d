/* XML Schema types as text, locale-independent, and as stanza attributes. */
#ifndef PROTOCOL_XMLTYPE_H
#define PROTOCOL_XMLTYPE_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <strophe.h>

/* xs:boolean: true false 1 0.  Errors: ERR_PROTO.  Thread: any. */
enum err xml_bool(const char *text, bool *out) MUST_USE;

/* xs:double without NaN: blanks around it, sign, exponent, INF, -INF; no hex,
 * no "inf", no comma.  -0 is read as 0.  Errors: ERR_PROTO.  Thread: any. */
enum err xml_double(const char *text, double *out) MUST_USE;

enum { XML_DOUBLE_SIZE = 32 };
/* xml_double_text writes one text for each v, which reads back as v: as few
 * digits as that takes, from 15 on. */
void xml_double_text(double v, char out[XML_DOUBLE_SIZE]);

/* xs:int.  Errors: ERR_PROTO not a number, ERR_RANGE beyond 32 bits. */
enum err xml_int(const char *text, int32_t *out) MUST_USE;

/* Attributes of el.  Errors: ERR_NOTFOUND absent (*out untouched), else as
 * above.  Thread: loop. */
enum err attr_bool(xmpp_stanza_t *el, const char *name, bool *out) MUST_USE;
enum err attr_int(xmpp_stanza_t *el, const char *name, int32_t *out) MUST_USE;
/* attr_text returns the attribute, or "" when it is absent; borrowed. */
const char *attr_text(xmpp_stanza_t *el, const char *name);

#endif
