/* Inside the verb setup: bridge_setup.c has the table of steps; setup_site.c
 * what is there and how it is changed; setup_account.c is about the account and
 * the registry, setup_plant.c about a bus, the first node and its sticker;
 * setup_daemon.c brings the daemon online. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/ask.h"
#include "cli/bridge.h"

struct setup {
	const struct call *c;
	struct asker asker;
	char *conf;     /* the main file */
	char *part;     /* the file that setup writes, itself or beside it */
	struct ini ini; /* all files as they are */
	char **files;
	size_t n_files;
	bool restart; /* something changed that is read at the start only */
};

/* setup_look reads the files again. */
int setup_look(struct setup *s);
void setup_fini(struct setup *s);

/* setup_value is the value of a key, or NULL; section may be of a kind. */
const char *setup_value(
    const struct setup *s, const char *section, const char *key);

/* setup_set writes keys into setup's own file, and checks the whole; with
 * reload the daemon reads it.  What stands in other files is not touched.
 * Errors: returns the exit code, which was said. */
struct setup_key {
	const char *key, *value; /* value NULL: left out */
};
int setup_set(struct setup *s, const char *section,
    const struct setup_key *keys, size_t n, bool reload);

/* setup_change asks again for what did not work: account, password, host,
 * ca_file or registry. */
int setup_change(struct setup *s, const char *what);

/* setup_left says how to go on, later. */
int setup_left(void);

/* The steps: what there is already, owned, or NULL when it is to be done; and
 * doing it, which returns the exit code, and has said what it is. */
char *setup_account(struct setup *s);
int setup_ask_account(struct setup *s);
char *setup_password(struct setup *s);
int setup_ask_password(struct setup *s);
char *setup_registry(struct setup *s);
int setup_ask_registry(struct setup *s);

char *setup_online(struct setup *s);
int setup_bring_online(struct setup *s);

char *setup_bus(struct setup *s);
int setup_ask_bus(struct setup *s);
char *setup_node(struct setup *s);
int setup_ask_node(struct setup *s);
char *setup_sticker(struct setup *s);
int setup_ask_sticker(struct setup *s);

#endif
