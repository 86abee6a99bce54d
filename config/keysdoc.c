/* Puts the key tables into a manual page: copies standard input to standard
 * output, and writes anew what stands between the lines
 *     .\" keys NAME     and     .\" end keys
 * NAME is conf, registryd, account or template. */
#include "config/config.h"
#include "config/tmpl_keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BEGIN ".\\\" keys "
#define END ".\\\" end keys"

static void
template_mdoc(FILE *out)
{
	keys_mdoc(tmpl_sections, tmpl_n_sections, out);
}

static const struct {
	const char *name;
	void (*print)(FILE *);
} tables[] = {
	{ "conf", cfg_mdoc },
	{ "registryd", cfg_mdoc_registryd },
	{ "account", cfg_mdoc_account },
	{ "template", template_mdoc },
};

static bool
print_table(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		size_t n = strlen(tables[i].name);

		if (strncmp(name, tables[i].name, n) != 0 || name[n] != '\n')
			continue;
		tables[i].print(stdout);
		return true;
	}
	fprintf(stderr, "keysdoc: there is no table %s", name);
	return false;
}

int
main(void)
{
	char line[1024];
	bool inside = false, good = true;

	while (fgets(line, sizeof(line), stdin)) {
		if (strncmp(line, END, strlen(END)) == 0)
			inside = false;
		if (!inside)
			fputs(line, stdout);
		if (strncmp(line, BEGIN, strlen(BEGIN)) == 0) {
			inside = true;
			good &= print_table(line + strlen(BEGIN));
		}
	}
	return good && !inside && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
