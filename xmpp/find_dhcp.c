#include "xmpp/find_dhcp.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 64 };

static const char *const places[] = {
	"/run/thingbridge-dhcp/*",
	"/run/systemd/netif/leases/*",
	"/var/lib/dhcp/*.leases",
	"/var/lib/NetworkManager/*.lease",
	"/var/lib/dhcpcd/*.lease",
	"/var/lib/dhcpcd5/*.lease",
	NULL,
};

struct file {
	char *path;
	struct timespec changed;
};

struct files {
	struct file v[FILES_MAX];
	size_t n;
	unsigned closed;
};

static void
add_file(struct files *f, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		f->closed += errno == EACCES;
		return;
	}
	if (!S_ISREG(st.st_mode) || f->n == FILES_MAX)
		return;
	f->v[f->n].path = mem_strdup(path);
	f->v[f->n++].changed = st.st_mtim;
}

static void
add_pattern(struct files *f, const char *pattern)
{
	glob_t g;
	int e = glob(pattern, GLOB_ERR, NULL, &g);

	f->closed += e == GLOB_ABORTED && errno == EACCES;
	for (size_t i = 0; e == 0 && i < g.gl_pathc; i++)
		add_file(f, g.gl_pathv[i]);
	globfree(&g);
}

static int
newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct file *)a)->changed;
	const struct timespec *y = &((const struct file *)b)->changed;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static void
read_file(struct files *f, const char *path, struct lease *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *data;
	ssize_t n;
	size_t len = 0;

	if (fd < 0) {
		f->closed += errno == EACCES;
		return;
	}
	data = mem_zalloc(LEASE_FILE_MAX);
	do {
		n = read(fd, data + len, LEASE_FILE_MAX - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	lease_read(data, len, out);
	free(data);
}

void
dhcp_names(const char *from, struct lease *out, unsigned *closed)
{
	struct files f = { .n = 0 };
	struct stat st;
	char *all;

	if (!from || !*from) {
		for (size_t i = 0; places[i]; i++)
			add_pattern(&f, places[i]);
	} else if (stat(from, &st) == 0 && S_ISDIR(st.st_mode)) {
		all = mem_printf("%s/*", from);
		add_pattern(&f, all);
		free(all);
	} else {
		add_file(&f, from);
	}
	qsort(f.v, f.n, sizeof(f.v[0]), newest_first);
	for (size_t i = 0; i < f.n; i++) {
		read_file(&f, f.v[i].path, out);
		free(f.v[i].path);
	}
	*closed = f.closed;
}
