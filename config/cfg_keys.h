/* The keys of the gateway's configuration. */
#ifndef CONFIG_CFG_KEYS_H
#define CONFIG_CFG_KEYS_H

#include "config/keys.h"

extern const struct schema cfg_schema; /* .at is in struct cfg */

/* cfg_section returns the section of that name, which must be there. */
const struct section *cfg_section(const char *name);

#endif
