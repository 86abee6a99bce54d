#include "config/config.h"

#include "common/mem.h"
#include "config/cfg_keys.h"
#include "config/load.h"
#include "config/secret.h"
#include "config/tagrule.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- tags --- */

struct tag_list {
	struct cfg_tag **v;
	size_t *n;
};

static void
add_tag(struct load *l, struct tag_list to, const char *key,
    const struct ini_section *s, const struct ini_item *i)
{
	struct place at = ini_place(s, i);
	bool num;
	const char *name = tagrule_split(key, &num);

	if (!tagrule_check(name, i->value, num, at, &l->notes))
		return;
	if (*to.n == CFG_TAGS_MAX) {
		note_error(&l->notes, at, "tag %s: there are more than %d",
		    name, CFG_TAGS_MAX);
		return;
	}
	*to.v = mem_resize(*to.v, *to.n + 1, sizeof(**to.v));
	(*to.v)[(*to.n)++] = (struct cfg_tag){ mem_strdup(name),
		mem_strdup(i->value), num, i->line, s->file };
}

/* field.NAME.OPTION, where NAME may hold dots. */
static void
add_change(struct load *l, struct cfg_node *n, const struct ini_section *s,
    const struct ini_item *i)
{
	const char *name = i->key + strlen("field.");
	const char *dot = strrchr(name, '.');

	if (!i->value[0])
		return;
	if (!dot || dot == name || !dot[1]) {
		note_error(&l->notes, ini_place(s, i),
		    "what a node changes is written as field.NAME.OPTION, not "
		    "%s",
		    i->key);
		return;
	}
	if (n->n_changes == CFG_CHANGES_MAX) {
		note_error(&l->notes, ini_place(s, i),
		    "there are more than %d changes of fields",
		    CFG_CHANGES_MAX);
		return;
	}
	n->changes =
	    mem_resize(n->changes, n->n_changes + 1, sizeof(*n->changes));
	n->changes[n->n_changes++] =
	    (struct cfg_change){ mem_strndup(name, (size_t)(dot - name)),
		    mem_strdup(dot + 1), mem_strdup(i->value), i->line,
		    s->file };
}

static void
fill_node_wild(
    struct load *l, struct cfg_node *node, const struct ini_section *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ini_item *item = &s->items[i];

		if (item->bad)
			continue;
		if (strncmp(item->key, "claim.", 6) == 0)
			add_tag(l,
			    (struct tag_list){ &node->claim, &node->n_claim },
			    item->key + 6, s, item);
		if (strncmp(item->key, "tag.", 4) == 0)
			add_tag(l,
			    (struct tag_list){ &node->tags, &node->n_tags },
			    item->key + 4, s, item);
		if (strncmp(item->key, "field.", 6) == 0)
			add_change(l, node, s, item);
	}
}

/* --- sections --- */

static bool
id_fits(struct load *l, const struct ini_section *s)
{
	if (!strpbrk(s->id, " \t/") && s->id[0])
		return true;
	note_error(&l->notes, ini_place(s, NULL),
	    "a name here is one word without '/'");
	l->ini.bad = true;
	return false;
}

static void
fill_bus(struct load *l, struct ini_section *s)
{
	const struct section *table = cfg_section("bus");
	struct cfg *c = l->c;
	struct cfg_bus *b = &c->buses[c->n_buses];

	if (!id_fits(l, s))
		return;
	if (c->n_buses == CFG_BUSES_MAX)
		note_error(&l->notes, ini_place(s, NULL),
		    "there are more than %d buses", CFG_BUSES_MAX);
	b->name = mem_strdup(s->id);
	b->line = s->line;
	b->file = s->file;
	keys_init(table, b);
	keys_fill(&cfg_schema, table, s, b, l->secrets, &l->notes);
	l->bus_at[c->n_buses++] = s;
}

static void
fill_node(struct load *l, struct ini_section *s)
{
	const struct section *table = cfg_section("node");
	struct cfg *c = l->c;
	struct cfg_node *n = &c->nodes[c->n_nodes];

	if (!id_fits(l, s))
		return;
	if (c->n_nodes == CFG_NODES_MAX)
		note_error(&l->notes, ini_place(s, NULL),
		    "there are more than %d nodes", CFG_NODES_MAX);
	n->name_id = mem_strdup(s->id);
	keys_init(table, n);
	keys_fill(&cfg_schema, table, s, n, l->secrets, &l->notes);
	fill_node_wild(l, n, s);
	if (!n->cache)
		n->cache = mem_strdup("");
	if (!n->name)
		n->name = mem_strdup(s->id);
	l->node_at[c->n_nodes++] = s;
}

static void
fill_tags(struct load *l, const struct ini_section *s)
{
	struct tag_list to = { &l->c->tags, &l->c->n_tags };

	for (size_t i = 0; i < s->n; i++)
		if (!s->items[i].bad)
			add_tag(l, to, s->items[i].key, s, &s->items[i]);
}

/* An account that is to be created may have a password that is to be made. */
static void
fill_xmpp(struct load *l, const struct section *table, struct ini_section *s)
{
	struct ini_item *reg = ini_find(s, "register");
	struct ini_item *password = ini_find(s, "password");
	const char *name = password ? secret_name(password->value) : NULL;
	struct cfg_xmpp *x = &l->c->xmpp;

	if (l->secrets != SECRETS_FORM && name && reg && !x->new_secret &&
	    strcmp(reg->value, "yes") == 0)
		x->new_secret = secret_place(name, s->base);
	if (x->new_secret && password)
		password->bad = true; /* there is nothing to be read */
	keys_fill(&cfg_schema, table, s, x, l->secrets, &l->notes);
}

static void
fill_section(struct load *l, const struct section *table, struct ini_section *s)
{
	if (strcmp(table->name, "bus") == 0)
		fill_bus(l, s);
	else if (strcmp(table->name, "node") == 0)
		fill_node(l, s);
	else if (strcmp(table->name, "tags") == 0)
		fill_tags(l, s);
	else if (strcmp(table->name, "xmpp") == 0)
		fill_xmpp(l, table, s);
	else
		keys_fill(&cfg_schema, table, s, (char *)l->c + table->at,
		    l->secrets, &l->notes);
}

static size_t
count_sections(const struct ini *ini, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < ini->n; i++)
		n += strcmp(ini->sections[i].kind, kind) == 0;
	return n;
}

static void
fill_all(struct load *l)
{
	struct cfg *c = l->c;
	size_t buses = count_sections(&l->ini, "bus") + 1;
	size_t nodes = count_sections(&l->ini, "node") + 1;
	const struct section **found =
	    mem_array(l->ini.n + 1, sizeof(const struct section *));

	c->buses = mem_array(buses, sizeof(*c->buses));
	c->nodes = mem_array(nodes, sizeof(*c->nodes));
	l->bus_at = mem_array(buses, sizeof(struct ini_section *));
	l->node_at = mem_array(nodes, sizeof(struct ini_section *));
	for (size_t i = 0; i < cfg_schema.n; i++)
		if (!cfg_schema.sections[i].named)
			keys_init(&cfg_schema.sections[i],
			    (char *)c + cfg_schema.sections[i].at);
	keys_match(&cfg_schema, &l->ini, found, &l->notes);
	for (size_t i = 0; i < l->ini.n; i++)
		if (found[i])
			fill_section(l, found[i], &l->ini.sections[i]);
	free(found);
}

/* --- files --- */

static const char *
add_file(struct cfg *c, char *path)
{
	c->files = mem_resize(c->files, c->n_files + 1, sizeof(char *));
	c->files[c->n_files++] = path;
	return path;
}

bool
cfg_is_part(const char *name)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || *p == '_' || *p == '-')
		p++;
	return p > name && strcmp(p, ".conf") == 0;
}

static int
is_part(const struct dirent *d)
{
	return cfg_is_part(d->d_name);
}

/* In byte order: no program of ours sets a locale that sorts otherwise. */
static enum err
read_parts(struct load *l, const char *dir)
{
	struct dirent **v;
	int n = scandir(dir, &v, is_part, alphasort);
	enum err e = OK;

	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		note_errno(&l->notes, (struct place){ dir, 0, NULL },
		    "cannot be read");
		return ERR_IO;
	}
	for (int i = 0; i < n; i++) {
		const char *path =
		    add_file(l->c, mem_printf("%s/%s", dir, v[i]->d_name));
		enum err got = ini_read_file(&l->ini, path, &l->notes);

		e = e == OK ? got : e;
		free(v[i]);
	}
	if (n >= 0)
		free(v);
	return e;
}

static enum err
read_files(struct load *l)
{
	struct cfg *c = l->c;
	const char *main_file = add_file(c, mem_strdup(c->path));
	char *copy = mem_strdup(c->path);
	char *dir = mem_printf("%s/conf.d", dirname(copy));
	enum err e = ERR_IO;

	if (access(main_file, F_OK) != 0 && errno == ENOENT)
		note_error(&l->notes, (struct place){ main_file, 0, NULL },
		    "is not there (is the name right?  sudo thingbridge setup "
		    "makes one)");
	else
		e = ini_read_file(&l->ini, main_file, &l->notes);
	if (e == OK)
		e = read_parts(l, dir);
	free(dir);
	free(copy);
	return e;
}

static void
load_init(struct load *l, const char *path, enum key_secrets secrets,
    struct buf *notes)
{
	*l = (struct load){ .secrets = secrets, .notes = { .out = notes } };
	l->c = mem_zalloc(sizeof(*l->c));
	l->c->path = mem_strdup(path);
}

/* Checks what was read, if it could be read, and ends the load. */
static enum err
load_finish(struct load *l, enum err e, struct cfg **out)
{
	if (e == OK) {
		ini_repeats(&l->ini, &l->notes);
		fill_all(l);
		load_check(l);
		e = l->notes.errors ? ERR_CONFIG : OK;
	}
	ini_fini(&l->ini);
	tmpl_index_fini(&l->index);
	for (size_t i = 0; i < l->n_broken; i++)
		free(l->broken[i]);
	free(l->broken);
	free(l->bus_at);
	free(l->node_at);
	*out = e == OK ? l->c : NULL;
	if (e != OK)
		cfg_free(l->c);
	return e;
}

enum err
cfg_load(const char *path, bool secrets, struct cfg **out, struct buf *notes)
{
	struct load l;

	load_init(&l, path, secrets ? SECRETS_READ : SECRETS_LOOK, notes);
	return load_finish(&l, read_files(&l), out);
}

enum err
cfg_load_text(const char *path, const char *data, size_t len, struct cfg **out,
    struct buf *notes)
{
	struct load l;

	load_init(&l, path, SECRETS_FORM, notes);
	ini_read(&l.ini, add_file(l.c, mem_strdup(path)), data, len, &l.notes);
	return load_finish(&l, OK, out);
}

static void
free_tags(struct cfg_tag *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].value);
	}
	free(v);
}

static void
free_changes(struct cfg_change *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].field);
		free(v[i].option);
		free(v[i].value);
	}
	free(v);
}

void
cfg_free(struct cfg *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < cfg_schema.n; i++)
		if (!cfg_schema.sections[i].named)
			keys_fini(&cfg_schema.sections[i],
			    (char *)c + cfg_schema.sections[i].at);
	for (size_t i = 0; i < c->n_buses; i++) {
		keys_fini(cfg_section("bus"), &c->buses[i]);
		free(c->buses[i].name);
	}
	for (size_t i = 0; i < c->n_nodes; i++) {
		struct cfg_node *n = &c->nodes[i];

		keys_fini(cfg_section("node"), n);
		free(n->name_id);
		free_tags(n->claim, n->n_claim);
		free_tags(n->tags, n->n_tags);
		free_changes(n->changes, n->n_changes);
	}
	free_tags(c->tags, c->n_tags);
	for (size_t i = 0; i < c->n_templates; i++)
		tmpl_free(c->templates[i]);
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	free(c->xmpp.new_secret);
	free(c->templates);
	free(c->buses);
	free(c->nodes);
	free(c->files);
	free(c->path);
	free(c);
}
