#include "drivers/line/ports.h"

#include "common/buf.h"
#include "common/mem.h"
#include "drivers/line/holder.h"

#include <dirent.h>
#include <libserialport.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LATENCY_GOOD = 1 /* ms */ };

static const char *
name_of(const struct port_info *p)
{
	const char *slash = strrchr(p->path, '/');

	return slash ? slash + 1 : p->path;
}

/* The link in dir that leads to the port, as a path of the machine. */
static char *
link_to(const struct port_info *p, const char *root, const char *dir)
{
	char path[PATH_MAX], want[PATH_MAX], got[PATH_MAX];
	struct dirent *d;
	char *found = NULL;
	DIR *links;

	snprintf(path, sizeof(path), "%s%s", root, p->path);
	snprintf(got, sizeof(got), "%s%s", root, dir);
	links = realpath(path, want) ? opendir(got) : NULL;
	if (!links)
		return NULL;
	while (!found && (d = readdir(links))) {
		snprintf(path, sizeof(path), "%s%s/%s", root, dir, d->d_name);
		if (d->d_name[0] != '.' && realpath(path, got) &&
		    strcmp(got, want) == 0)
			found = mem_printf("%s/%s", dir, d->d_name);
	}
	closedir(links);
	return found;
}

static char *
sys_path(const struct port_info *p, const char *root, const char *file)
{
	return mem_printf(
	    "%s/sys/class/tty/%s/device/%s", root, name_of(p), file);
}

static char *
driver_of(const struct port_info *p, const char *root)
{
	char *link = sys_path(p, root, "driver"), target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	const char *slash;

	free(link);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return mem_strdup(slash ? slash + 1 : target);
}

/* How long the adapter holds bytes back, in ms; 0 when it does not say. */
static int
latency_of(const struct port_info *p, const char *root)
{
	char *path = sys_path(p, root, "latency_timer");
	FILE *f = fopen(path, "re");
	char line[16] = "";

	free(path);
	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return (int)strtol(line, NULL, 10);
}

/* Whether the kernel writes its messages there. */
static bool
is_console(const struct port_info *p, const char *root)
{
	char *path = mem_printf("%s/sys/class/tty/console/active", root);
	FILE *f = fopen(path, "re");
	char line[256] = "", *save = NULL;
	bool found = false;

	free(path);
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	for (char *word = strtok_r(line, " \n", &save); word && !found;
	     word = strtok_r(NULL, " \n", &save))
		found = strcmp(word, name_of(p)) == 0;
	return found;
}

/* Cheap adapters have no number, or all the same. */
static bool
is_unique(const char *serial)
{
	return serial && strspn(serial, "0") != strlen(serial) &&
	    strcmp(serial, "0001") != 0;
}

static void
say(struct buf *b, const char *text)
{
	if (b->len)
		buf_puts(b, "; ");
	buf_puts(b, text);
}

static char *
hint_of(const struct port_info *p, const char *root)
{
	int latency = latency_of(p, root);
	struct buf b = { 0 };

	if (is_console(p, root))
		say(&b,
		    "a console: take console=... off the kernel's command "
		    "line and disable its getty");
	if (!p->access)
		say(&b,
		    "no permission: add this service's user to the port's "
		    "group");
	if (p->ids && !is_unique(p->serial))
		say(&b,
		    "no serial number of its own: its by-id name may mean "
		    "another adapter, use the by-path one, which follows the "
		    "USB socket");
	if (latency > LATENCY_GOOD) {
		say(&b, "");
		buf_printf(&b,
		    "it holds answers back for %d ms: set its latency_timer "
		    "to 1 by a udev rule",
		    latency);
	}
	return b.len ? buf_take(&b) : NULL;
}

void
ports_describe(struct port_info *p, const char *root)
{
	char *path = mem_printf("%s%s", root, p->path);
	char who[HOLDER_NAME];
	pid_t pid = holder_find(path);

	p->by_id = link_to(p, root, "/dev/serial/by-id");
	p->by_path = link_to(p, root, "/dev/serial/by-path");
	p->driver = driver_of(p, root);
	p->access = access(path, R_OK | W_OK) == 0;
	p->ours = pid == getpid();
	if (pid > 0) {
		holder_name(pid, who);
		p->holder = mem_strdup(who);
	}
	p->hint = hint_of(p, root);
	free(path);
}

static void
identify(struct port_info *p, const struct sp_port *port)
{
	const char *what = sp_get_port_usb_product(port);
	int vendor, product;

	p->path = mem_strdup(sp_get_port_name(port));
	p->adapter = mem_strdup(what ? what : sp_get_port_description(port));
	p->serial = mem_strdup(sp_get_port_usb_serial(port));
	if (sp_get_port_usb_vid_pid(port, &vendor, &product) == SP_OK)
		p->ids = mem_printf(
		    "%04x:%04x", (unsigned)vendor, (unsigned)product);
}

/* ttyUSB2 before ttyUSB10 */
static int
compare(const void *a, const void *b)
{
	const struct port_info *x = a, *y = b;
	size_t m = strlen(x->path), n = strlen(y->path);

	if (m != n && strncmp(name_of(x), name_of(y), 4) == 0)
		return m < n ? -1 : 1;
	return strcmp(x->path, y->path);
}

struct port_info *
ports_list(size_t *n)
{
	struct sp_port **ports = NULL;
	struct port_info *v;
	size_t count = 0;

	*n = 0;
	if (sp_list_ports(&ports) != SP_OK || !ports)
		return NULL;
	while (ports[count])
		count++;
	v = count ? mem_array(count, sizeof(*v)) : NULL;
	for (size_t i = 0; i < count; i++) {
		identify(&v[i], ports[i]);
		ports_describe(&v[i], "");
	}
	sp_free_port_list(ports);
	if (v)
		qsort(v, count, sizeof(*v), compare);
	*n = count;
	return v;
}

void
ports_free(struct port_info *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct port_info *p = &v[i];

		free(p->path);
		free(p->by_id);
		free(p->by_path);
		free(p->adapter);
		free(p->ids);
		free(p->serial);
		free(p->driver);
		free(p->holder);
		free(p->hint);
	}
	free(v);
}

bool
ports_same(const char *a, const char *b)
{
	struct stat x, y;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISCHR(x.st_mode) &&
	    S_ISCHR(y.st_mode) && x.st_rdev == y.st_rdev;
}
