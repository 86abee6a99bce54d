/* From nothing to the first node, a step after the other: each looks at what is
 * there, and asks only for what is missing. */
#include "cli/amend.h"
#include "cli/say.h"
#include "cli/setup.h"
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPT_ANSWERS };

const struct opt bridge_setup_opts[] = {
	[OPT_ANSWERS] = { "answers", 0, "FILE",
	    "do not ask: lines NAME = VALUE below [answers]" },
	{ NULL, 0, NULL, NULL },
};

struct step {
	const char *name;
	char *(*there)(struct setup *s);
	int (*run)(struct setup *s);
};

static const struct step steps[] = {
	{ "account", setup_account, setup_ask_account },
	{ "password", setup_password, setup_ask_password },
	{ "registry", setup_registry, setup_ask_registry },
	{ "server", setup_online, setup_bring_online },
	{ "bus", setup_bus, setup_ask_bus },
	{ "node", setup_node, setup_ask_node },
	{ "sticker", setup_sticker, setup_ask_sticker },
};

int
setup_left(void)
{
	return say_exit(EXIT_PARTLY,
	    "left here; what was done is kept, and thingbridge setup goes on "
	    "with the rest");
}

/* Said before anything is asked. */
static int
may_write(const struct setup *s)
{
	struct amend a;
	int code = amend_begin(mem_strdup(s->conf), s->part, &a);

	amend_fini(&a);
	return code;
}

static int
take_step(struct setup *s, const struct step *step)
{
	char *there = step->there(s);
	int code = EXIT_OK;

	if (!there) {
		code = step->run(s);
		if (code == EXIT_OK)
			code = setup_look(s);
		there = code == EXIT_OK ? step->there(s) : NULL;
	}
	if (there)
		fprintf(stderr, "  %-9s %s\n", step->name, there);
	free(there);
	return code;
}

int
bridge_setup(const struct call *c)
{
	struct setup s = { .c = c, .conf = mem_strdup(bridge_conf(c)) };
	int code = ask_open(&s.asker, c->opt[OPT_ANSWERS]);

	if (code == EXIT_OK)
		code = setup_look(&s);
	if (code == EXIT_OK)
		code = may_write(&s);
	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && code == EXIT_OK; i++)
		code = take_step(&s, &steps[i]);
	if (code == EXIT_OK)
		say("this gateway works.  Next: thingbridge status; and for "
		    "each further device: thingbridge scan BUS, thingbridge "
		    "adopt");
	setup_fini(&s);
	return code;
}
