/* words: the things that were claimed, for the shell's completion. */
#include "cli/own.h"

#include "cli/out.h"
#include "cli/owned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
own_words(const struct call *c, const char *what)
{
	char *account = own_account_file(c), *file = owned_path(account);
	struct errbuf unsaid = { "" };
	json_t *things, *row;
	size_t i;

	if (strcmp(what, "THING") == 0 &&
	    owned_load(file, &things, &unsaid) == OK) {
		json_array_foreach(json_object_get(things, "things"), i, row)
		    puts(out_string(row, "node"));
		json_decref(things);
	}
	free(file);
	free(account);
}
