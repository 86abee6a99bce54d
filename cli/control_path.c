#include "cli/control_path.h"

#include "common/mem.h"
#include "config/config.h"
#include "config/ini.h"

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is wrong in a part is thingbridge check's to say, so a part that cannot
 * be read counts for nothing here. */
static void
read_parts(struct ini *ini, const glob_t *parts, struct notes *unseen)
{
	for (size_t i = 0; i < parts->gl_pathc; i++) {
		const char *path = parts->gl_pathv[i];

		if (!cfg_is_part(strrchr(path, '/') + 1) ||
		    ini_read_file(ini, path, unseen) != OK)
			continue;
	}
}

static const char *
find(const struct ini *ini)
{
	for (size_t i = 0; i < ini->n; i++) {
		const struct ini_item *item =
		    strcmp(ini->sections[i].name, "gateway") == 0
		    ? ini_find(&ini->sections[i], "control")
		    : NULL;

		if (item && item->value[0])
			return item->value;
	}
	return CONTROL_PATH_DEFAULT;
}

enum err
control_path(const char *conf, char **out, struct errbuf *eb)
{
	struct buf text = { 0 };
	struct notes unseen = { .out = &text };
	struct ini ini = { 0 };
	char *copy = mem_strdup(conf);
	char *pattern = mem_printf("%s/conf.d/*.conf", dirname(copy));
	glob_t parts = { .gl_pathc = 0 };
	enum err e = OK;

	*out = NULL;
	if (access(conf, R_OK) != 0) {
		errbuf_errno(eb, "cannot read %s%s", conf,
		    errno == EACCES ? " (repeat with sudo)" : "");
		e = ERR_CONFIG;
	} else if (ini_read_file(&ini, conf, &unseen) != OK) {
		e = errbuf_set(eb, ERR_CONFIG, "%s is no configuration", conf);
	} else {
		if (glob(pattern, 0, NULL, &parts) == 0)
			read_parts(&ini, &parts, &unseen);
		*out = mem_strdup(find(&ini));
	}
	ini_fini(&ini);
	globfree(&parts);
	buf_fini(&text);
	free(pattern);
	free(copy);
	return e;
}
