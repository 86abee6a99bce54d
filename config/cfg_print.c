/* The configuration as text. */
#include "config/cfg_keys.h"
#include "config/config.h"

static void
print_tags(const struct cfg_tag *v, size_t n, const char *prefix, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s%s = %s\n", prefix, v[i].num ? "#" : "",
		    v[i].name, v[i].value);
}

static void
print_bus(const struct cfg_bus *b, FILE *out)
{
	fprintf(out, "\n[bus %s]\n", b->name);
	keys_print(cfg_section("bus"), b, out);
	if (b->type != BUS_MODBUS_TCP)
		fprintf(out, "; the line is %d %d%c%d\n", b->serial.baud,
		    b->serial.bits, b->serial.parity, b->serial.stop);
}

static void
print_node(const struct cfg_node *n, FILE *out)
{
	fprintf(out, "\n[node %s]\n", n->name_id);
	keys_print(cfg_section("node"), n, out);
	print_tags(n->claim, n->n_claim, "claim.", out);
	print_tags(n->tags, n->n_tags, "tag.", out);
	for (size_t i = 0; i < n->n_changes; i++)
		fprintf(out, "field.%s.%s = %s\n", n->changes[i].field,
		    n->changes[i].option, n->changes[i].value);
	fprintf(out, "; template from %s\n", n->tmpl->file);
}

void
cfg_print(const struct cfg *c, FILE *out)
{
	for (size_t i = 0; i < c->n_files; i++)
		fprintf(out, "; read: %s\n", c->files[i]);
	for (size_t i = 0; i < cfg_schema.n; i++) {
		if (!cfg_schema.sections[i].keys ||
		    cfg_schema.sections[i].named)
			continue;
		fprintf(out, "\n[%s]\n", cfg_schema.sections[i].name);
		keys_print(&cfg_schema.sections[i],
		    (const char *)c + cfg_schema.sections[i].at, out);
	}
	if (c->n_tags) {
		fputs("\n[tags]\n", out);
		print_tags(c->tags, c->n_tags, "", out);
	}
	for (size_t i = 0; i < c->n_buses; i++)
		print_bus(&c->buses[i], out);
	for (size_t i = 0; i < c->n_nodes; i++)
		print_node(&c->nodes[i], out);
}

void
cfg_help(FILE *out)
{
	keys_help(cfg_schema.sections, cfg_schema.n, out);
}

void
cfg_mdoc(FILE *out)
{
	keys_mdoc(cfg_schema.sections, cfg_schema.n, out);
}
