#include "cli/amend.h"
#include "cli/say.h"
#include "cli/setup.h"
#include "common/mem.h"
#include "config/config.h"
#include "config/edit.h"
#include "config/save.h"

#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "; Written by thingbridge setup"
#define OWN_PART "conf.d/10-setup.conf"

/* What is there. */

static int
is_part(const struct dirent *d)
{
	return cfg_is_part(d->d_name);
}

static void
add_file(struct setup *s, char *path)
{
	struct buf unseen = { 0 };
	struct notes notes = { .out = &unseen };

	s->files = mem_resize(s->files, s->n_files + 1, sizeof(*s->files));
	s->files[s->n_files++] = path;
	if (access(path, F_OK) != 0)
		notes.errors = 1; /* it is to be written yet */
	else if (ini_read_file(&s->ini, path, &notes) != OK)
		say("%s", unseen.data);
	buf_fini(&unseen);
}

static void
look_at_parts(struct setup *s, const char *folder)
{
	struct dirent **v;
	int n = scandir(folder, &v, is_part, alphasort);

	for (int i = 0; i < n; i++) {
		add_file(s, mem_printf("%s/%s", folder, v[i]->d_name));
		free(v[i]);
	}
	if (n >= 0)
		free(v);
}

/* The main file is setup's as long as nobody else wrote more than comments. */
static int
choose_part(struct setup *s)
{
	struct buf text = { 0 };
	struct errbuf eb;
	char *copy = mem_strdup(s->conf);
	bool there, own;
	enum err e = save_read(s->conf, &text, &there, &eb);

	own = !text.data || !edit_any(&text) || strstr(text.data, MARK);
	free(s->part);
	s->part = mem_strdup(own ? basename(copy) : OWN_PART);
	free(copy);
	buf_fini(&text);
	return e == OK ? EXIT_OK : say_exit(err_exit(e), "%s", eb.text);
}

static void
forget(struct setup *s)
{
	ini_fini(&s->ini);
	for (size_t i = 0; i < s->n_files; i++)
		free(s->files[i]);
	free(s->files);
	s->files = NULL;
	s->n_files = 0;
}

int
setup_look(struct setup *s)
{
	char *copy = mem_strdup(s->conf);
	char *folder = mem_printf("%s/conf.d", dirname(copy));

	forget(s);
	add_file(s, mem_strdup(s->conf));
	look_at_parts(s, folder);
	free(folder);
	free(copy);
	return choose_part(s);
}

void
setup_fini(struct setup *s)
{
	forget(s);
	ask_close(&s->asker);
	free(s->conf);
	free(s->part);
}

static const struct ini_section *
find_section(const struct setup *s, const char *name)
{
	for (size_t i = 0; i < s->ini.n; i++) {
		const struct ini_section *x = &s->ini.sections[i];

		if (strcmp(x->name, name) == 0 || strcmp(x->kind, name) == 0)
			return x;
	}
	return NULL;
}

const char *
setup_value(const struct setup *s, const char *section, const char *key)
{
	const struct ini_section *x = find_section(s, section);
	const struct ini_item *item = ini_find(x, key);

	if (strcmp(key, "") == 0)
		return x ? (x->id ? x->id : "") : NULL;
	return item ? item->value : NULL;
}

/* Changing it. */

static int
set_all(struct amend *a, const char *section, const struct setup_key *keys,
    size_t n)
{
	if (!a->now.data || !strstr(a->now.data, MARK))
		edit_append(&a->now,
		    MARK ", which changes what stands below, and nothing "
			 "else.\n");
	for (size_t i = 0; i < n; i++) {
		if (keys[i].value &&
		    !edit_set(&a->now, section, keys[i].key, keys[i].value))
			return say_exit(EXIT_USAGE,
			    "%s cannot stand in a configuration file",
			    keys[i].key);
	}
	return EXIT_OK;
}

/* A section of somebody else is his. */
static int
say_not_ours(const struct ini_section *x, const char *path,
    const struct setup_key *keys, size_t n)
{
	say("[%s] stands in %s, line %d, written by hand; so do write there, "
	    "in place of what may be there already:",
	    x->name, path, x->line);
	for (size_t i = 0; i < n; i++)
		if (keys[i].value)
			fprintf(stderr, "    %s = %s\n", keys[i].key,
			    keys[i].value);
	return EXIT_CONFIG;
}

int
setup_set(struct setup *s, const char *section, const struct setup_key *keys,
    size_t n, bool reload)
{
	const struct ini_section *x = find_section(s, section);
	struct amend a;
	int code = amend_begin(mem_strdup(s->conf), s->part, &a);

	if (code == EXIT_OK && x && !edit_has(&a.now, section))
		code = say_not_ours(x, x->file, keys, n);
	if (code == EXIT_OK)
		code = set_all(&a, section, keys, n);
	if (code == EXIT_OK)
		code = reload ? amend_take(s->c, &a) : amend_write(&a);
	amend_fini(&a);
	return code == EXIT_OK ? setup_look(s) : code;
}
