/* Between config.c, which reads, and the check files, which look at the whole.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/config.h"
#include "config/ini.h"
#include "config/keys.h"
#include "config/note.h"

enum { NO_ADDRESS = -1 }; /* of a node, when there is a note about it */

struct load {
	struct cfg *c;
	struct ini ini;
	struct notes notes;
	enum key_secrets secrets; /* FORM: nothing outside is looked at */
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

/* Its parts, in this order. */
void load_check_buses(struct load *l);
void load_check_nodes(struct load *l);
void load_check_units(struct load *l);
void load_check_tags(struct load *l);
void load_take_serial(struct load *l);
void load_check_outside(struct load *l);

/* load_section returns the section of that name, or NULL. */
struct ini_section *load_section(struct load *l, const char *name);

/* load_good returns the item when it was given, is not empty, and nobody
 * complained about it; s may be NULL. */
struct ini_item *load_good(const struct ini_section *s, const char *key);

/* load_template returns the template of the id, loaded once, or NULL after a
 * note, now or before. */
const struct tmpl *load_template(
    struct load *l, const char *id, struct place at);

/* load_changed returns the node's template with its changes, or NULL after a
 * note. */
const struct tmpl *load_changed(
    struct load *l, const struct cfg_node *n, const struct ini_section *s);

void load_check_node_tags(
    struct load *l, const struct cfg_node *n, const struct ini_section *s);

#endif
