/* Inside the verb adopt: adopt.c chooses the node's id and looks at the device,
 * bridge_adopt.c has its course. */
#ifndef CLI_ADOPT_H
#define CLI_ADOPT_H

#include "cli/amend.h"
#include "config/config.h"
#include "config/save.h"

enum {
	ADOPT_NAME,
	ADOPT_ROOM,
	ADOPT_ID,
	ADOPT_TEMPLATE,
	ADOPT_SN,
	ADOPT_WRITE,
	ADOPT_REMOVE,
	ADOPT_YES,
};

/* Strings are its own. */
struct adopt {
	char *bus, *template, *serial; /* serial: at which it answered, or "" */
	int64_t address;
	struct amend amend;
	struct cfg *cfg; /* as it was before */
	struct tmpl *tmpl;
	char *id;
	char *read_sn; /* what the template reads, or NULL */
	char *sn;      /* what is to be written, or NULL */
};

/* adopt_place checks that bus and address are free and fit the template, and
 * chooses the node's id; adopt_look reads the device, shows that, and finds its
 * serial number.  Errors: return the exit code, which was said. */
int adopt_place(const struct call *c, struct adopt *a);
int adopt_look(const struct call *c, struct adopt *a);

bool adopt_has_address(const struct adopt *a);

void adopt_fini(struct adopt *a);

#endif
