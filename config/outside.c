/* What the configuration names outside of itself, and the daemon would fail at:
 * told before it is started. */
#include "config/load.h"

#include "common/mem.h"
#include "config/stable_name.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool
looks(const struct load *l)
{
	return l->secrets == SECRETS_LOOK;
}

static struct place
place_of(struct load *l, const char *section, const char *key)
{
	const struct ini_section *s = load_section(l, section);

	if (!s)
		return (struct place){ l->ini.file, 0, section };
	return ini_place(s, ini_find(s, key));
}

/* Who checks may be another user than the daemon's. */
static void
check_ca_file(struct load *l)
{
	const char *path = l->c->xmpp.ca_file;
	struct place at = place_of(l, "xmpp", "ca_file");
	char *what;

	if (!path || access(path, R_OK) == 0)
		return;
	if (errno == EACCES && looks(l)) {
		note_warning(&l->notes, at,
		    "this user may not read the certificate file %s", path);
		return;
	}
	what = mem_printf("the certificate file %s cannot be read", path);
	note_errno(&l->notes, at, what);
	free(what);
}

static void
check_state(struct load *l)
{
	struct ini_item *given = load_good(load_section(l, "gateway"), "state");
	struct place at = place_of(l, "gateway", "state");
	char *copy = mem_strdup(l->c->gateway.state);
	const char *dir = dirname(copy);
	struct stat st;

	/* The folder of the default is made with the service. */
	if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
		note_error(&l->notes, at, "%s is no folder", dir);
	else if (given && looks(l) && stat(dir, &st) != 0 && errno == ENOENT)
		note_warning(&l->notes, at,
		    "the folder %s is not there (make it, or the daemon cannot "
		    "start)",
		    dir);
	free(copy);
}

static void
check_control(struct load *l)
{
	if (strlen(l->c->gateway.control) >=
	    sizeof(((struct sockaddr_un *)NULL)->sun_path))
		note_error(&l->notes, place_of(l, "gateway", "control"),
		    "the path is longer than a socket's may be (107 bytes)");
}

/* Whoever makes an account of that name first would be the registry. */
static void
check_user(struct load *l, const char *section)
{
	const struct ini_item *user =
	    load_good(load_section(l, section), "user");

	if (user)
		note_warning(&l->notes, place_of(l, section, "user"),
		    "user trusts whoever has the account \"%s\" on the "
		    "server: see that it is yours, or give the jid",
		    user->value);
}

static void
check_trust(struct load *l, const char *section, const char *key, bool on)
{
	if (on)
		note_warning(&l->notes, place_of(l, section, key),
		    "%s trusts an account for its name alone, and anybody may "
		    "have made it: see that it is yours, or give the jid",
		    key);
}

static void
port_missing(const struct cfg_bus *b, struct place at, struct notes *notes)
{
	char *there = stable_names(STABLE_NAMES);

	note_warning(notes, at,
	    "the port %s is not there: is the adapter plugged in, and is that "
	    "its name?  %s%s",
	    b->port, there ? "There is: " : "No other adapter is plugged in",
	    there ? there : "");
	free(there);
}

void
cfg_check_ports(const struct cfg *c, struct buf *out)
{
	struct notes notes = { .out = out };

	for (size_t i = 0; i < c->n_buses; i++) {
		const struct cfg_bus *b = &c->buses[i];
		char *section = mem_printf("bus %s", b->name);
		struct place at = { b->file, b->line, section };
		struct stat st;

		if (b->port && stat(b->port, &st) == 0 && !S_ISCHR(st.st_mode))
			note_warning(
			    &notes, at, "%s is no serial port", b->port);
		else if (b->port && stat(b->port, &st) != 0 &&
		    (errno == ENOENT || errno == ENOTDIR))
			port_missing(b, at, &notes);
		free(section);
	}
}

void
load_check_outside(struct load *l)
{
	check_user(l, "registry");
	check_user(l, "provisioning");
	check_trust(l, "registry", "announced", l->c->registry.announced);
	check_trust(l, "registry", "predefined", l->c->registry.predefined);
	check_trust(
	    l, "provisioning", "announced", l->c->provisioning.announced);
	check_trust(
	    l, "provisioning", "predefined", l->c->provisioning.predefined);
	check_ca_file(l);
	check_state(l);
	check_control(l);
}
