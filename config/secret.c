#include "config/secret.h"

#include "common/disk.h"
#include "common/key.h"
#include "common/mem.h"
#include "common/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_SECRETS "/etc/thingbridge/secrets"

enum { N_PLACES = 5 };

struct candidates {
	char *path[N_PLACES]; /* NULL: does not apply */
	bool ours[N_PLACES];  /* our file, so its mode is our business */
};

const char *
secret_name(const char *text)
{
	const char *name;

	if (strncmp(text, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0)
		return NULL;
	name = text + strlen(SECRET_PREFIX);
	if (!name[0] || name[0] == '.')
		return NULL;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return NULL;
	return name;
}

static void
candidates_init(struct candidates *c, const char *name, const char *file)
{
	char *copy = mem_strdup(file);
	/* Nothing of ours ever changes the environment. */
	const char *dir =
	    getenv("CREDENTIALS_DIRECTORY"); /* NOLINT(concurrency-mt-unsafe) */
	const char *state =
	    getenv("STATE_DIRECTORY"); /* NOLINT(concurrency-mt-unsafe) */

	/* systemd gives credentials to the service's user by an ACL, whose mask
	 * shows as group permission: only our own files are checked for it. */
	*c = (struct candidates){ .ours = { false, false, true, true, true } };
	if (dir && dir[0]) {
		c->path[0] = mem_printf("%s/secrets_%s", dir, name);
		c->path[1] = mem_printf("%s/%s", dir, name);
	}
	if (state && state[0])
		c->path[2] = mem_printf(
		    "%.*s/secrets/%s", (int)strcspn(state, ":"), state, name);
	c->path[3] = mem_printf(SYSTEM_SECRETS "/%s", name);
	c->path[4] = mem_printf("%s/secrets/%s", dirname(copy), name);
	free(copy);
}

static void
candidates_fini(struct candidates *c)
{
	for (size_t i = 0; i < N_PLACES; i++)
		free(c->path[i]);
}

/* Half a secret is none. */
static bool
read_all(int fd, char *text, size_t *len)
{
	ssize_t n;

	*len = 0;
	do {
		n = read(fd, text + *len, SECRET_MAX + 1 - *len);
		if (n > 0)
			*len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

/* Takes the line's end off, and says what else is wrong. */
static const char *
secret_fault(char *text, size_t len)
{
	if (len > SECRET_MAX)
		return "is too long";
	if (memchr(text, '\0', len) || !utf8_valid(text, len))
		return "is not text";
	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len && text[len - 1] == '\r')
		text[--len] = '\0';
	if (len == 0)
		return "is empty";
	return strpbrk(text, "\r\n") ? "has more than one line" : NULL;
}

static char *
read_secret(int fd, const char *path, struct place at, struct notes *notes)
{
	char *text = mem_zalloc(SECRET_MAX + 2);
	const char *fault;
	size_t len;

	fault = read_all(fd, text, &len) ? secret_fault(text, len)
					 : "cannot be read to its end";
	if (!fault)
		return text;
	note_error(notes, at, "the secret in %s %s", path, fault);
	mem_free_secret(text);
	return NULL;
}

static void
others_can_read(const char *path, struct place at, struct notes *notes)
{
	note_error(
	    notes, at, "others can read the secret (run: chmod 600 %s)", path);
}

/* OK: *out is the secret, or NULL when it is no good and a note says so.
 * ERR_NOTFOUND: not here.  ERR_REFUSED: this user cannot tell. */
static enum err
try_path(const char *path, bool ours, struct place at, struct notes *notes,
    char **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ERR_NOTFOUND;
	if (fd < 0 && errno == EACCES)
		return ERR_REFUSED;
	if (fd < 0 || fstat(fd, &st) != 0)
		note_errno(notes, at, path);
	else if (!S_ISREG(st.st_mode))
		note_error(notes, at, "%s is not a file", path);
	else if (ours && (st.st_mode & (S_IRWXG | S_IRWXO)))
		others_can_read(path, at, notes);
	else
		*out = read_secret(fd, path, at, notes);
	if (fd >= 0)
		close(fd);
	return OK;
}

/* Goes through the candidates.  ERR_REFUSED: *closed is what this user may not
 * open, owned. */
static enum err
find_secret(const struct candidates *c, struct place at, struct notes *notes,
    char **out, const char **closed)
{
	enum err e = ERR_NOTFOUND;

	*closed = NULL;
	*out = NULL;
	for (size_t i = 0; i < N_PLACES && e != OK; i++) {
		if (!c->path[i])
			continue;
		e = try_path(c->path[i], c->ours[i], at, notes, out);
		if (e == ERR_REFUSED)
			*closed = c->path[i];
	}
	return e == OK ? OK : *closed ? ERR_REFUSED : ERR_NOTFOUND;
}

static void
not_there(const char *name, const struct candidates *c, struct place at,
    struct notes *notes)
{
	note_error(notes, at,
	    "there is no secret \"%s\" (put it into %s, mode 600)", name,
	    c->path[N_PLACES - 1]);
}

char *
secret_read(
    const char *name, const char *base, struct place at, struct notes *notes)
{
	struct candidates c;
	const char *closed;
	char *out;
	enum err e;

	candidates_init(&c, name, base);
	e = find_secret(&c, at, notes, &out, &closed);
	if (e == ERR_REFUSED)
		note_error(notes, at,
		    "this user may not read the secret \"%s\" (in %s; repeat "
		    "with sudo, or let this user read it)",
		    name, closed);
	else if (e != OK)
		not_there(name, &c, at, notes);
	candidates_fini(&c);
	return out;
}

/* What can be told of a file that this user may not open. */
static bool
look_closed(
    const char *name, const char *path, struct place at, struct notes *notes)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		note_warning(notes, at,
		    "this user may not look for the secret \"%s\" (in %s; "
		    "repeat with sudo)",
		    name, path);
		return true;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return true;
	others_can_read(path, at, notes);
	return false;
}

bool
secret_look(
    const char *name, const char *base, struct place at, struct notes *notes)
{
	struct candidates c;
	const char *closed;
	char *text;
	bool good;
	enum err e;

	candidates_init(&c, name, base);
	e = find_secret(&c, at, notes, &text, &closed);
	good = text != NULL;
	mem_free_secret(text);
	if (e == ERR_REFUSED)
		good = look_closed(name, closed, at, notes);
	else if (e != OK)
		not_there(name, &c, at, notes);
	candidates_fini(&c);
	return good;
}

char *
secret_place(const char *name, const char *base)
{
	struct candidates c;
	bool absent = true;
	struct stat st;
	char *out;

	candidates_init(&c, name, base);
	for (size_t i = 0; i < N_PLACES; i++)
		if (c.path[i] &&
		    (stat(c.path[i], &st) == 0 ||
			(errno != ENOENT && errno != ENOTDIR)))
			absent = false;
	out = mem_strdup(c.path[2] ? c.path[2] : c.path[N_PLACES - 1]);
	candidates_fini(&c);
	if (absent)
		return out;
	free(out);
	return NULL;
}

/* All of it or nothing: a half password would be a wrong one for ever. */
static bool
write_secret(const char *path, const char *text)
{
	char *fresh = mem_printf("%s.new", path);
	int fd = open(
	    fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && disk_write(fd, text, strlen(text)) &&
	    disk_write(fd, "\n", 1) && disk_place(fd, fresh, path);
	int why = errno;

	if (fd >= 0)
		close(fd);
	free(fresh);
	errno = why;
	return good;
}

char *
secret_make(const char *path, struct errbuf *eb)
{
	char text[KEY_SIZE], why[128] = "";
	char *copy = mem_strdup(path), *out = NULL;

	key_new(text);
	(void)mkdir(dirname(copy), 0700); /* the open tells what is wrong */
	if (write_secret(path, text)) {
		out = mem_strdup(text);
	} else {
		(void)strerror_r(errno, why, sizeof(why));
		errbuf_set(eb, ERR_IO,
		    "the new password cannot be kept in %s: %s", path, why);
	}
	explicit_bzero(text, sizeof(text));
	free(copy);
	return out;
}
