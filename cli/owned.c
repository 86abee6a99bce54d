#include "cli/owned.h"

#include "common/clock.h"
#include "common/disk.h"
#include "common/mem.h"
#include "protocol/jid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

char *
owned_path(const char *account)
{
	return mem_printf("%s.things.json", account);
}

static const char *
text(const json_t *o, const char *member)
{
	const char *s = json_string_value(json_object_get(o, member));

	return s ? s : "";
}

static json_t *
list_of(const json_t *things)
{
	return json_object_get(things, "things");
}

enum err
owned_load(const char *path, json_t **out, struct errbuf *eb)
{
	json_error_t je;
	FILE *f = fopen(path, "re");

	*out = NULL;
	if (!f && errno == ENOENT) {
		*out = json_pack("{s:i, s:[]}", "schema", 1, "things");
		return OK;
	}
	if (!f)
		return errbuf_errno(eb, "cannot read %s", path);
	*out = json_loadf(f, 0, &je);
	fclose(f);
	if (json_is_array(list_of(*out)))
		return OK;
	json_decref(*out);
	*out = NULL;
	return errbuf_set(eb, ERR_CONFIG,
	    "%s is not a list of things (line %d); move it away to begin anew",
	    path, je.line);
}

/* Takes the lock of the list, which stands on the file that will replace it:
 * whoever waited for one that has become the list itself tries again. */
static enum err
take_lock(struct owned_edit *ed)
{
	struct stat held, there;

	for (;;) {
		ed->fd = open(
		    ed->tmp, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
		if (ed->fd < 0)
			return ERR_IO;
		if (flock(ed->fd, LOCK_EX) != 0 || fstat(ed->fd, &held) != 0) {
			close(ed->fd);
			return ERR_IO;
		}
		if (stat(ed->tmp, &there) == 0 && there.st_ino == held.st_ino &&
		    there.st_dev == held.st_dev)
			return OK;
		close(ed->fd);
	}
}

static void
leave(struct owned_edit *ed)
{
	if (ed->fd >= 0)
		close(ed->fd);
	free(ed->path);
	free(ed->tmp);
	json_decref(ed->things);
}

enum err
owned_begin(const char *path, struct owned_edit *ed, struct errbuf *eb)
{
	enum err e;

	*ed = (struct owned_edit){ .path = mem_strdup(path),
		.tmp = mem_printf("%s.new", path) };
	if (take_lock(ed) != OK) {
		e = errbuf_errno(eb, "cannot write %s", path);
		ed->fd = -1;
		leave(ed);
		return e;
	}
	e = owned_load(path, &ed->things, eb);
	if (e == OK)
		return OK;
	unlink(ed->tmp);
	leave(ed);
	return e;
}

/* Down to the disk, in a file that nobody else can read. */
static bool
write_new(const struct owned_edit *ed)
{
	return fchmod(ed->fd, S_IRUSR | S_IWUSR) == 0 &&
	    ftruncate(ed->fd, 0) == 0 &&
	    json_dumpfd(ed->things, ed->fd, JSON_INDENT(1)) == 0 &&
	    disk_write(ed->fd, "\n", 1) &&
	    disk_place(ed->fd, ed->tmp, ed->path);
}

enum err
owned_end(struct owned_edit *ed, bool save, struct errbuf *eb)
{
	enum err e = OK;

	if (save && !write_new(ed))
		e = errbuf_errno(eb, "cannot write %s", ed->path);
	if (!save || e != OK)
		unlink(ed->tmp);
	leave(ed);
	return e;
}

static bool
is(const json_t *entry, const struct thing_name *name)
{
	return strcmp(text(entry, "jid"), name->jid) == 0 &&
	    strcmp(text(entry, "node"), name->node.node) == 0 &&
	    strcmp(text(entry, "source"), name->node.source) == 0 &&
	    strcmp(text(entry, "cache"), name->node.cache) == 0;
}

json_t *
owned_find(const json_t *things, const struct thing_name *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list_of(things), i, entry)
	{
		if (is(entry, name))
			return entry;
	}
	return NULL;
}

bool
owned_drop(json_t *things, const struct thing_name *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list_of(things), i, entry)
	{
		if (is(entry, name))
			return json_array_remove(list_of(things), i) == 0;
	}
	return false;
}

json_t *
owned_tags(const struct tags *tags)
{
	json_t *o = json_object();

	for (size_t i = 0; i < tags->n; i++) {
		const struct tag *t = &tags->v[i];
		char *name;

		if (strcmp(t->name, "KEY") == 0)
			continue;
		name = mem_printf("%s%s", t->num ? "#" : "", t->name);
		json_object_set_new(o, name, json_string(t->value));
		free(name);
	}
	return o;
}

json_t *
owned_same(const json_t *things, const struct tags *tags, const char *registry)
{
	json_t *want = owned_tags(tags), *entry, *found = NULL;
	size_t i;

	json_array_foreach(list_of(things), i, entry)
	{
		if (strcmp(text(entry, "registry"), registry) == 0 &&
		    json_equal(json_object_get(entry, "tags"), want)) {
			found = entry;
			break;
		}
	}
	json_decref(want);
	return found;
}

void
owned_put(json_t *things, const struct thing_name *name,
    const struct tags *tags, bool is_public, const char *registry, int64_t when)
{
	char at[CLOCK_TEXT];

	clock_format(when, at);
	owned_drop(things, name);
	json_array_append_new(list_of(things),
	    json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o}", "jid",
		name->jid, "node", name->node.node, "source", name->node.source,
		"cache", name->node.cache, "public", is_public, "registry",
		registry, "when", at, "tags", owned_tags(tags)));
}

/* The only entry with these two; jid NULL: any.  *n counts them. */
static const json_t *
only(const json_t *things, const char *jid, const char *node, size_t *n)
{
	const json_t *entry, *found = NULL;
	size_t i;

	*n = 0;
	json_array_foreach(list_of(things), i, entry)
	{
		if (strcmp(text(entry, "node"), node) != 0 ||
		    (jid && strcmp(text(entry, "jid"), jid) != 0))
			continue;
		found = entry;
		++*n;
	}
	return found;
}

static void
name_of(const json_t *entry, struct thing_name *out)
{
	out->jid = text(entry, "jid");
	out->node.node = text(entry, "node");
	out->node.source = text(entry, "source");
	out->node.cache = text(entry, "cache");
}

static enum err
resolve_node(const json_t *things, const char *node, struct thing_name *out,
    struct errbuf *eb)
{
	size_t n;
	const json_t *entry = only(things, NULL, node, &n);

	if (n > 1)
		return errbuf_set(eb, ERR_RANGE,
		    "%zu of your things have the node \"%s\": give JID NODE, "
		    "or JID NODE SOURCE",
		    n, node);
	if (n == 0)
		return errbuf_set(eb, ERR_NOTFOUND,
		    "none of your things has the node \"%s\" (thingowner "
		    "things); for another give JID NODE",
		    node);
	name_of(entry, out);
	return OK;
}

enum err
owned_resolve(const json_t *things, int argc, char *const *argv,
    struct thing_name *out, struct errbuf *eb)
{
	const json_t *entry;
	char bare[JID_SIZE];
	size_t n;

	*out = (struct thing_name){
		.jid = argv[0],
		.node = {
			.node = argc > 1 ? argv[1] : "",
			.source = argc > 2 ? argv[2] : "",
			.cache = argc > 3 ? argv[3] : "",
		},
	};
	only(things, argv[0], "", &n); /* a component's JID has no @ */
	if (argc == 1 && n == 0 && !strchr(argv[0], '@'))
		return resolve_node(things, argv[0], out, eb);
	if (argc > 4 || jid_bare(argv[0], bare) != OK)
		return errbuf_set(eb, ERR_RANGE,
		    "\"%s\" is not a JID; a thing is JID, JID NODE, JID NODE "
		    "SOURCE [CACHE], or a NODE of \"thingowner things\"",
		    argv[0]);
	entry = argc == 2 ? only(things, argv[0], argv[1], &n) : NULL;
	if (entry && n == 1)
		name_of(entry, out);
	if (entry && n > 1)
		return errbuf_set(eb, ERR_RANGE,
		    "%zu of your things have the node \"%s\" at %s: give JID "
		    "NODE SOURCE [CACHE]",
		    n, argv[1], argv[0]);
	return OK;
}
