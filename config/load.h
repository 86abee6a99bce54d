/* Between config.c, which reads, and check.c, which looks at the whole. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/config.h"
#include "config/ini.h"
#include "config/note.h"

struct load {
	struct cfg *c;
	struct ini ini;
	struct notes notes;
	bool secrets;
	/* where c->buses[i] and c->nodes[i] stand */
	struct ini_section **bus_at, **node_at;
	struct tmpl_index index;
	char **broken; /* ids of templates that have errors */
	size_t n_broken;
};

/* load_check notes what is wrong between keys and sections, loads the templates
 * that nodes name, and sets what follows from them: node.tmpl and .on, unit
 * addresses, the serial mode of each bus, the registry's JID. */
void load_check(struct load *l);

#endif
