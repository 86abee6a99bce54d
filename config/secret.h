/* Secrets: files of their own, readable by the owner alone. */
#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include "config/note.h"

#include <stdbool.h>

#define SECRET_PREFIX "@secret:"
enum { SECRET_MAX = 4096 };

/* secret_name returns NAME of "@secret:NAME", or NULL when text is not that.
 * NAME is letters, digits, '.', '_' and '-', and starts with no dot. */
const char *secret_name(const char *text);

/* secret_place returns where a secret that is nowhere yet would be kept
 * (owned): $STATE_DIRECTORY/secrets/NAME, else secrets/NAME beside base; NULL
 * when there is one.  secret_make keeps a new random one there, mode 600, and
 * returns it (owned, freed by mem_free_secret), or NULL with the reason. */
char *secret_place(const char *name, const char *base);
char *secret_make(const char *path, struct errbuf *eb);

/* secret_read returns the secret (owned, freed by mem_free_secret), or NULL
 * with a note at the place.  Looked for in $CREDENTIALS_DIRECTORY/secrets_NAME
 * and $CREDENTIALS_DIRECTORY/NAME, $STATE_DIRECTORY/secrets/NAME,
 * /etc/thingbridge/secrets/NAME, and secrets/NAME beside the file base. */
char *secret_read(
    const char *name, const char *base, struct place at, struct notes *notes);

/* secret_look checks the same as far as this user may, keeps nothing, and
 * returns whether nothing is wrong; what cannot be looked at is a warning. */
bool secret_look(
    const char *name, const char *base, struct place at, struct notes *notes);

#endif
