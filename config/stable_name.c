#include "config/stable_name.h"

#include "common/buf.h"
#include "common/mem.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = { "by-id", "by-path" };

static int
is_link(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static char *
link_to(const char *folder, const char *device)
{
	struct dirent **v;
	int n = scandir(folder, &v, is_link, alphasort);
	char *found = NULL;

	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", folder, v[i]->d_name);
		char *real = realpath(path, NULL);

		if (!found && real && strcmp(real, device) == 0)
			found = mem_strdup(path);
		free(real);
		free(path);
		free(v[i]);
	}
	if (n >= 0)
		free(v);
	return found;
}

char *
stable_name(const char *dir, const char *port)
{
	char *device = realpath(port, NULL), *found = NULL;

	for (size_t i = 0; device && !found && i < 2; i++) {
		char *folder = mem_printf("%s/%s", dir, kinds[i]);

		found = link_to(folder, device);
		free(folder);
	}
	free(device);
	return found;
}

static void
add_links(const char *folder, struct buf *out)
{
	struct dirent **v;
	int n = scandir(folder, &v, is_link, alphasort);

	for (int i = 0; i < n; i++) {
		buf_printf(
		    out, "%s%s/%s", out->len ? ", " : "", folder, v[i]->d_name);
		free(v[i]);
	}
	if (n >= 0)
		free(v);
}

char *
stable_names(const char *dir)
{
	struct buf names = { 0 };

	for (size_t i = 0; names.len == 0 && i < 2; i++) {
		char *folder = mem_printf("%s/%s", dir, kinds[i]);

		add_links(folder, &names);
		free(folder);
	}
	return names.len ? buf_take(&names) : NULL;
}
