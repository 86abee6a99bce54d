/* What a lease names is a host name, and the same when it is read again. */
#include "xmpp/find_lease.h"

#include <stdint.h>
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
	struct lease l = { .n = 0 };

	lease_read((const char *)data, size, &l);
	must(l.n <= LEASE_NAMES);
	for (size_t i = 0; i < l.n; i++) {
		struct lease again = { .n = 0 };
		size_t len = strlen(l.name[i]);

		must(len > 0 && len < LEASE_NAME);
		must(!strpbrk(l.name[i], "/:$`'\"\\ \n\r\t"));
		lease_add(&again, l.name[i], len);
		must(again.n == 1 && strcmp(again.name[0], l.name[i]) == 0);
	}
	return 0;
}
