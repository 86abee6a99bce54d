/* The sections of a template, for its manual page. */
#ifndef CONFIG_TMPL_KEYS_H
#define CONFIG_TMPL_KEYS_H

#include "config/keys.h"

extern const struct section tmpl_sections[];
extern const size_t tmpl_n_sections;

#endif
