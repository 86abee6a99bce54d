/* xs:dateTime as text. */
#ifndef PROTOCOL_XMLTIME_H
#define PROTOCOL_XMLTIME_H

#include "common/err.h"

#include <stdint.h>

/* xml_datetime reads YYYY-MM-DDThh:mm:ss[.fraction][Z|+hh:mm|-hh:mm] of the
 * years 1970 to 9999, blanks around it allowed; without a zone it is the local
 * time of this machine (XEP-0323 3.1).  Digits beyond milliseconds are dropped.
 * What clock_format writes is read as it was.
 * Errors: ERR_PROTO, *out untouched.  Thread: any. */
enum err xml_datetime(const char *text, int64_t *utc_ms) MUST_USE;

#endif
