#include "cli/checkup.h"

#include "common/mem.h"
#include "common/utf8.h"
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DAEMON_USER "_thingbridge"
#define PORTS_GROUP "dialout"

static const char *const result_names[] = { "ok", "warning", "error" };

void
checkup_add(json_t *list, const char *check, enum checkup_result result,
    const char *command, const char *fmt, ...)
{
	struct errbuf eb, clean;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(eb.text, sizeof(eb.text), fmt, ap);
	va_end(ap);
	/* JSON takes nothing else, and a finding must not be lost. */
	utf8_sanitize(eb.text, strlen(eb.text), clean.text, sizeof(clean.text));
	json_array_append_new(list,
	    json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "result",
		result_names[result], "text", clean.text, "command", command));
}

enum checkup_result
checkup_worst(const json_t *list)
{
	enum checkup_result worst = CHECKUP_OK;
	const json_t *f;
	size_t i;

	json_array_foreach(list, i, f)
	{
		const char *s = json_string_value(json_object_get(f, "result"));

		for (int r = (int)worst + 1; r <= CHECKUP_ERROR; r++)
			if (strcmp(s, result_names[r]) == 0)
				worst = (enum checkup_result)r;
	}
	return worst;
}

static bool
exists(const char *root, const char *path)
{
	char *full = mem_printf("%s%s", root, path);
	bool there = access(full, F_OK) == 0;

	free(full);
	return there;
}

/* The clock. */

enum { SECONDS_2025 = 1735689600 };

void
checkup_clock(json_t *list, const char *root, int64_t utc_ms, bool synchronized)
{
	bool rtc = exists(root, "/dev/rtc0");

	if (utc_ms / 1000 < SECONDS_2025)
		checkup_add(list, "clock", CHECKUP_ERROR,
		    "sudo timedatectl set-ntp true",
		    "the clock is not set: no reading has a time, and TLS "
		    "refuses every certificate");
	else if (!synchronized)
		checkup_add(list, "clock", CHECKUP_WARNING,
		    "sudo timedatectl set-ntp true",
		    "nothing sets the clock (no NTP)%s",
		    rtc ? ""
			: ", and this machine has none that goes on "
			  "without power");
	else
		checkup_add(list, "clock", CHECKUP_OK, NULL,
		    "the clock is set%s",
		    rtc ? ""
			: ", by the network alone: this machine has none "
			  "that goes on without power");
}

/* Serial ports. */

#define LATENCY_COMMAND \
	"zless /usr/share/doc/thingbridge/examples/60-thingbridge.rules"

static const char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static char *
release_command(const char *holder, const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (strstr(holder, "getty") || strstr(holder, "login"))
		return mem_printf(
		    "sudo systemctl disable --now serial-getty@%s", name);
	if (strstr(holder, "ModemManager"))
		return mem_strdup("sudo systemctl disable --now ModemManager");
	if (strstr(holder, "brltty")) /* takes CH340s for braille displays */
		return mem_strdup("sudo apt-get purge brltty");
	return mem_printf("sudo fuser -v %s", path);
}

static void
look_at_port(json_t *list, const json_t *port)
{
	const char *bus = text_of(port, "bus"), *path = text_of(port, "path"),
		   *holder = text_of(port, "holder"),
		   *hint = text_of(port, "hint");
	bool access = json_is_true(json_object_get(port, "access"));
	char *release;

	if (!*bus)
		return;
	if (*holder && !json_is_true(json_object_get(port, "ours"))) {
		release = release_command(holder, path);
		checkup_add(list, "port", CHECKUP_ERROR, release,
		    "bus %s: %s is held by %s", bus, path, holder);
		free(release);
	} else if (!access && strncmp(hint, "not there", 9) == 0)
		checkup_add(list, "port", CHECKUP_ERROR, "thingbridge ports",
		    "bus %s: %s is %s", bus, path, hint);
	else if (!access)
		checkup_add(list, "port", CHECKUP_ERROR,
		    "sudo adduser " DAEMON_USER " " PORTS_GROUP
		    " && sudo systemctl restart thingbridged",
		    "bus %s: the daemon may not open %s", bus, path);
	else if (*hint && strncmp(hint, "in use by", 9) != 0)
		checkup_add(list, "port", CHECKUP_WARNING,
		    strstr(hint, "latency_timer") ? LATENCY_COMMAND : NULL,
		    "bus %s: %s: %s", bus, path, hint);
	else
		checkup_add(
		    list, "port", CHECKUP_OK, NULL, "bus %s: %s", bus, path);
}

void
checkup_ports(json_t *list, const json_t *ports)
{
	const json_t *port;
	size_t i;

	json_array_foreach(ports, i, port) look_at_port(list, port);
}

/* Whether a process of that name runs. */
static bool
runs(const char *root, const char *name)
{
	char *folder = mem_printf("%s/proc", root);
	DIR *proc = opendir(folder);
	struct dirent *d;
	bool found = false;

	free(folder);
	while (proc && !found && (d = readdir(proc))) {
		char path[512], comm[32] = "";
		FILE *f;

		snprintf(
		    path, sizeof(path), "%s/proc/%s/comm", root, d->d_name);
		f = d->d_name[0] >= '1' && d->d_name[0] <= '9'
		    ? fopen(path, "re")
		    : NULL;
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		found = strcmp(comm, name) == 0;
		fclose(f);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Whether udev was told to keep ModemManager from it. */
static bool
is_kept_from(const char *root, const char *path)
{
	char file[256], line[256];
	struct stat st;
	FILE *f;
	bool kept = false;

	if (stat(path, &st) != 0)
		return true;
	snprintf(file, sizeof(file), "%s/run/udev/data/c%u:%u", root,
	    major(st.st_rdev), minor(st.st_rdev));
	f = fopen(file, "re");
	while (f && !kept && fgets(line, sizeof(line), f))
		kept = strncmp(line, "E:ID_MM_", 8) == 0 &&
		    strstr(line, "_IGNORE=1");
	if (f)
		fclose(f);
	return kept;
}

void
checkup_modem(json_t *list, const char *root, const json_t *ports)
{
	const json_t *port;
	size_t i;

	if (!runs(root, "ModemManager"))
		return;
	json_array_foreach(ports, i, port)
	{
		const char *path = text_of(port, "path");

		if (*text_of(port, "bus") && !is_kept_from(root, path))
			checkup_add(list, "modem", CHECKUP_WARNING,
			    "sudo systemctl disable --now ModemManager",
			    "ModemManager speaks to %s each time that it is "
			    "plugged in, as if it were a modem",
			    path);
	}
}

/* The daemon's user. */

/* Whether the line of a group file names user as a member. */
static bool
has_member(char *line, const char *user)
{
	char *members = strrchr(line, ':'), *save = NULL;

	for (char *m = strtok_r(members ? members + 1 : line, ",\n", &save); m;
	     m = strtok_r(NULL, ",\n", &save))
		if (strcmp(m, user) == 0)
			return true;
	return false;
}

/* Whether a file of /etc has a line of that name; member: who is in it. */
static bool
has_line(
    const char *root, const char *file, const char *name, const char *member)
{
	char *path = mem_printf("%s/etc/%s", root, file), *line = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0, len = strlen(name);
	bool found = false;

	while (f && !found && getline(&line, &size, f) > 0)
		found = strncmp(line, name, len) == 0 && line[len] == ':' &&
		    (!member || has_member(line, member));
	if (f)
		fclose(f);
	free(line);
	free(path);
	return found;
}

void
checkup_user(json_t *list, const char *root)
{
	if (!has_line(root, "passwd", DAEMON_USER, NULL))
		return; /* not installed as a package */
	if (has_line(root, "group", PORTS_GROUP, DAEMON_USER))
		checkup_add(list, "user", CHECKUP_OK, NULL,
		    "the user %s may use serial ports", DAEMON_USER);
	else
		checkup_add(list, "user", CHECKUP_ERROR,
		    "sudo adduser " DAEMON_USER " " PORTS_GROUP
		    " && sudo systemctl restart thingbridged",
		    "the user %s is not in the group %s, to which serial "
		    "ports belong",
		    DAEMON_USER, PORTS_GROUP);
}

/* Room. */

enum { ROOM_MB_LEAST = 16, ROOM_MB_GOOD = 256 };

void
checkup_disk(json_t *list, const char *state)
{
	char *copy = mem_strdup(state);
	const char *folder = dirname(copy);
	struct statvfs fs;
	unsigned long long mb;

	if (statvfs(folder, &fs) != 0) {
		int why = errno;
		char *make = mem_printf(
		    "sudo install -d -m 700 -o " DAEMON_USER " %s", folder);

		checkup_add(list, "disk", CHECKUP_ERROR,
		    why == ENOENT ? make : "sudo thingbridge doctor", "%s: %s",
		    folder, strerror(why));
		free(make);
		free(copy);
		return;
	}
	mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	if (fs.f_flag & ST_RDONLY)
		checkup_add(list, "disk", CHECKUP_ERROR,
		    "sudo dmesg | grep -i error",
		    "%s is on a file system that is read-only: a worn SD card "
		    "ends like that",
		    folder);
	else if (mb < ROOM_MB_GOOD || (fs.f_files && fs.f_favail < 1000))
		checkup_add(list, "disk",
		    mb < ROOM_MB_LEAST ? CHECKUP_ERROR : CHECKUP_WARNING,
		    "sudo journalctl --vacuum-size=50M && sudo apt-get clean",
		    "%s has %llu MB of room", folder, mb);
	else
		checkup_add(list, "disk", CHECKUP_OK, NULL,
		    "%s has %llu MB of room", folder, mb);
	free(copy);
}

/* The server's name. */

/* The name of a host, without its port.  Returns owned. */
static char *
host_name(const char *host)
{
	if (host[0] == '[')
		return mem_strndup(host + 1, strcspn(host + 1, "]"));
	return mem_strndup(host, strcspn(host, ":"));
}

void
checkup_name(json_t *list, const struct cfg *cfg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	const char *host = cfg->xmpp.host;
	char *name;
	int e;

	/* Without a host, DNS SRV records or this network tell it. */
	if (!host || !*host || strcmp(host, "mdns") == 0 ||
	    strcmp(host, "dhcp") == 0)
		return;
	name = host_name(host);
	e = getaddrinfo(name, NULL, &hints, &found);
	if (e != 0)
		checkup_add(list, "name", CHECKUP_ERROR, "resolvectl status",
		    "the XMPP server %s has no address here: %s; is the "
		    "network up, and is the name right?",
		    name, gai_strerror(e));
	else {
		freeaddrinfo(found);
		checkup_add(list, "name", CHECKUP_OK, NULL,
		    "the XMPP server %s has an address", name);
	}
	free(name);
}

/* The service. */

void
checkup_service(json_t *list, const char *root)
{
	static const char wanted[] = "/etc/systemd/system/multi-user.target"
				     ".wants/thingbridged.service";
	char *link = mem_printf("%s%s", root, wanted);
	struct stat st;

	if (!exists(root, "/run/systemd/system")) {
		free(link);
		return;
	}
	if (lstat(link, &st) == 0)
		checkup_add(list, "service", CHECKUP_OK, NULL,
		    "the service starts with the machine");
	else
		checkup_add(list, "service", CHECKUP_WARNING,
		    "sudo systemctl enable thingbridged",
		    "the service does not start by itself after a power cut");
	free(link);
}
