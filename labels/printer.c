#include "labels/printer.h"

#include "common/buf.h"
#include "common/mem.h"
#include "config/edit.h"
#include "config/ini.h"
#include "config/save.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool
aim_offset(const char *s, struct aim *out)
{
	const double max = 20; /* mm */
	struct pair *p = &out->offset;

	out->has_offset = pair_parse(s, ',', p) && p->x >= -max &&
	    p->x <= max && p->y >= -max && p->y <= max;
	return out->has_offset;
}

bool
aim_scale(const char *s, struct aim *out)
{
	const double min = 90, max = 110; /* percent */
	struct pair *p = &out->scale;

	out->has_scale = pair_parse(s, ',', p) && p->x >= min && p->x <= max &&
	    p->y >= min && p->y <= max;
	return out->has_scale;
}

bool
printer_name(const char *name)
{
	enum { MAX = 40 };
	size_t n = strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.");

	return n > 0 && n <= MAX && name[n] == '\0';
}

/* The folder, made when there is none.  Returns owned. */
static char *
folder(void)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): one thread */
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	/* NOLINTEND(concurrency-mt-unsafe) */
	char *base = config && *config
	    ? mem_strdup(config)
	    : mem_printf("%s/.config", home ? home : ""),
	     *dir;

	(void)mkdir(base, S_IRWXU);
	dir = mem_printf("%s/thingbridge", base);
	(void)mkdir(dir, S_IRWXU);
	free(base);
	return dir;
}

/* recall takes what the section has; a value that is wrong is an error. */
static enum err
recall(const struct ini_section *s, struct aim *aim, struct errbuf *eb)
{
	const struct ini_item *offset = ini_find(s, "offset");
	const struct ini_item *scale = ini_find(s, "scale");

	if (offset && !aim->has_offset && !aim_offset(offset->value, aim))
		return errbuf_set(eb, ERR_CONFIG,
		    "%s:%d: offset is two numbers from -20 to 20 with a comma",
		    s->file, offset->line);
	if (scale && !aim->has_scale && !aim_scale(scale->value, aim))
		return errbuf_set(eb, ERR_CONFIG,
		    "%s:%d: scale is two numbers from 90 to 110 with a comma",
		    s->file, scale->line);
	return OK;
}

static enum err
recall_all(const char *path, const struct buf *text, const char *section,
    struct aim *aim, struct errbuf *eb)
{
	struct ini ini = { 0 };
	struct buf said = { 0 };
	struct notes notes = { .out = &said };
	enum err e = OK;

	ini_read(&ini, path, text->data ? text->data : "", text->len, &notes);
	if (notes.errors)
		e = errbuf_set(eb, ERR_CONFIG, "%.*s",
		    (int)strcspn(said.data, "\n"), said.data);
	for (size_t i = 0; i < ini.n && e == OK; i++)
		if (strcmp(ini.sections[i].name, section) == 0)
			e = recall(&ini.sections[i], aim, eb);
	ini_fini(&ini);
	buf_fini(&said);
	return e;
}

static bool
set_pair(struct buf *text, const char *section, const char *key, struct pair p)
{
	char *value = mem_printf("%.10g,%.10g", p.x, p.y);
	bool ok = edit_set(text, section, key, value);

	free(value);
	return ok;
}

static enum err
remember(const char *path, struct buf *text, const char *section,
    const struct aim *given, struct errbuf *eb)
{
	if (!given->has_offset && !given->has_scale)
		return OK;
	if ((given->has_offset &&
		!set_pair(text, section, "offset", given->offset)) ||
	    (given->has_scale &&
		!set_pair(text, section, "scale", given->scale)))
		return errbuf_set(eb, ERR_RANGE, "%s cannot hold that", path);
	return save_write(path, text, S_IRUSR | S_IWUSR, eb);
}

enum err
printer_aim(const char *name, struct aim *aim, struct errbuf *eb)
{
	char *dir = folder(), *path = mem_printf("%s/printers.ini", dir);
	char *section = mem_printf("printer %s", name);
	struct aim given = *aim;
	struct buf text = { 0 };
	bool there;
	enum err e = save_read(path, &text, &there, eb);

	if (e == OK)
		e = recall_all(path, &text, section, aim, eb);
	if (e == OK)
		e = remember(path, &text, section, &given, eb);
	buf_fini(&text);
	free(section);
	free(path);
	free(dir);
	return e;
}
