#include "config/template.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/ini.h"

#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_TEMPLATES "/etc/thingbridge/templates"
#define OWN_TEMPLATES TB_DATADIR "/templates"
#define PACKAGE_TEMPLATES "/usr/share/thingbridge/templates"

static int
is_template(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 4 &&
	    strcmp(d->d_name + n - 4, ".ini") == 0;
}

/* The id that the file says, owned, or NULL.  What is wrong with the rest of it
 * matters only when it is used. */
static char *
read_id(const char *path)
{
	struct buf unseen = { 0 };
	struct notes notes = { .out = &unseen };
	struct ini ini = { 0 };
	char *id = NULL;

	if (ini_read_file(&ini, path, &notes) == OK)
		for (size_t i = 0; i < ini.n && !id; i++) {
			const struct ini_item *item =
			    strcmp(ini.sections[i].name, "template") == 0
			    ? ini_find(&ini.sections[i], "id")
			    : NULL;

			id = mem_strdup(item ? item->value : NULL);
		}
	ini_fini(&ini);
	buf_fini(&unseen);
	return id;
}

/* hide notes path with the entry of that id, if there is one.  One folder may
 * be reached by two ways. */
static bool
hide(struct tmpl_index *ix, const char *id, const char *path)
{
	for (size_t i = 0; i < ix->n; i++) {
		struct tmpl_entry *e = &ix->v[i];

		if (strcmp(e->id, id) != 0)
			continue;
		if (!e->hides && strcmp(e->path, path) != 0)
			e->hides = mem_strdup(path);
		return true;
	}
	return false;
}

static void
add_file(struct tmpl_index *ix, const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);
	char *id = read_id(path);

	if (!id || hide(ix, id, path)) {
		free(id);
		free(path);
		return;
	}
	ix->v = mem_grow(ix->v, ix->n, &ix->cap, sizeof(*ix->v));
	ix->v[ix->n++] = (struct tmpl_entry){ id, path, NULL };
}

static void
add_dir(struct tmpl_index *ix, const char *dir)
{
	struct dirent **v;
	int n = scandir(dir, &v, is_template, alphasort);

	ix->dirs[ix->n_dirs++] = mem_strdup(dir);
	for (int i = 0; i < n; i++) {
		add_file(ix, dir, v[i]->d_name);
		free(v[i]);
	}
	if (n >= 0)
		free(v);
}

void
tmpl_index_build(struct tmpl_index *ix, const char *conf)
{
	/* Nothing of ours ever changes the environment. */
	const char *first =
	    getenv("THINGBRIDGE_TEMPLATES"); /* NOLINT(concurrency-mt-unsafe) */

	if (first && first[0])
		add_dir(ix, first);
	if (conf) {
		char *copy = mem_strdup(conf);
		char *beside = mem_printf("%s/templates", dirname(copy));

		add_dir(ix, beside);
		free(beside);
		free(copy);
	}
	add_dir(ix, SYSTEM_TEMPLATES);
	add_dir(ix, OWN_TEMPLATES);
	if (strcmp(OWN_TEMPLATES, PACKAGE_TEMPLATES) != 0)
		add_dir(ix, PACKAGE_TEMPLATES);
}

void
tmpl_index_fini(struct tmpl_index *ix)
{
	for (size_t i = 0; i < ix->n; i++) {
		free(ix->v[i].id);
		free(ix->v[i].path);
		free(ix->v[i].hides);
	}
	for (size_t i = 0; i < ix->n_dirs; i++)
		free(ix->dirs[i]);
	free(ix->v);
	memset(ix, 0, sizeof(*ix));
}

const char *
tmpl_index_path(const struct tmpl_index *ix, const char *id)
{
	for (size_t i = 0; i < ix->n; i++)
		if (strcmp(ix->v[i].id, id) == 0)
			return ix->v[i].path;
	return NULL;
}
