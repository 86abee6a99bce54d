/* A line of the mDNS helper makes a whole server or none. */
#include "xmpp/find_mdns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mdns_found f = { .n = 0 };
	char *line = calloc(1, size + 1);

	must(line != NULL);
	memcpy(line, data, size);
	mdns_take(&f, line);
	must(f.n <= 1);
	must(memchr(f.why, '\0', sizeof(f.why)) != NULL);
	for (size_t i = 0; i < f.n; i++) {
		must(f.v[i].address.port != 0);
		must(f.v[i].hints.domain[0] != '\0');
		must(!strpbrk(f.v[i].address.text, " \r\n"));
	}
	free(line);
	return 0;
}
