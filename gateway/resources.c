#include "gateway/resources.h"

#include "common/log.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

enum {
	FILES_OWN = 256, /* clients, state file, XMPP, templates */
	FILES_A_BUS = 4,
	ARENAS = 1,
};

static void
claim_files(size_t buses)
{
	rlim_t need = FILES_OWN + (rlim_t)buses * FILES_A_BUS;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) != 0)
		log_warn("gateway", "the limit of open files stays: %s",
		    strerror(errno));
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < need)
		log_warn("gateway",
		    "only %llu files may be open, and %zu buses may need %llu: "
		    "some will not connect; set LimitNOFILE=%llu (systemctl "
		    "edit thingbridged) and restart",
		    (unsigned long long)lim.rlim_cur, buses,
		    (unsigned long long)need,
		    (unsigned long long)(need > 8192 ? need : 8192));
}

void
resources_claim(size_t buses)
{
	/* An arena for each thread would cost more than what it holds; and what
	 * a bus allocates, the loop frees. */
	mallopt(M_ARENA_MAX, ARENAS);
	claim_files(buses);
}

void
resources_trim(void)
{
	malloc_trim(0);
}
