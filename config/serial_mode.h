/* Inside of config: the half of serial_mode_parse that templates write apart.
 */
#ifndef CONFIG_SERIAL_MODE_H
#define CONFIG_SERIAL_MODE_H

#include "common/err.h"
#include "config/template.h"

/* serial_mode_bits reads "8N1".  Errors: ERR_PROTO. */
enum err serial_mode_bits(const char *text, struct serial_mode *out) MUST_USE;

#endif
