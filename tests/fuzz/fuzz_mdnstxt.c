/* Whatever a TXT record holds, the hints taken from it make JIDs. */
#include "common/mem.h"
#include "protocol/jid.h"
#include "xmpp/find_txt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_users(const struct hint_users *u, const char *domain)
{
	must(u->n <= HINT_USERS);
	for (size_t i = 0; i < u->n; i++) {
		char *text = mem_printf("%s@%s", u->name[i], domain);
		struct jid jid;

		must(strlen(u->name[i]) < HINT_USER);
		must(jid_parse(text, &jid) == OK);
		must(strcmp(jid.local, u->name[i]) == 0);
		must(strcmp(jid.domain, domain) == 0);
		free(text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hints h;

	txt_read(data, size, &h);
	check_users(&h.registry, "example.org");
	check_users(&h.provisioning, "example.org");
	if (h.domain[0])
		must(!strpbrk(h.domain, "@/"));
	return 0;
}
