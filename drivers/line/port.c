#include "drivers/line/port.h"

#include "drivers/line/line.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { NAME = 64, HOLDER = 160, LOOKUP = 2048 };

/* The command of a process, for people. */
static void
holder_name(long pid, char out[HOLDER])
{
	char path[NAME], name[NAME] = "?";
	FILE *f;

	if (pid == (long)getpid()) {
		snprintf(out, HOLDER, "another bus of this gateway");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	snprintf(out, HOLDER, "%s (pid %ld)", name, pid);
}

/* Who holds a lock on the file: "1: FLOCK ADVISORY WRITE 123 00:06:91 0 EOF".
 */
static long
lock_holder(const struct stat *st)
{
	char line[256];
	long pid = 0;
	FILE *f = fopen("/proc/locks", "re");

	if (!f)
		return 0;
	while (pid == 0 && fgets(line, sizeof(line), f)) {
		char *save = NULL, *word = strtok_r(line, " ", &save), *id;
		unsigned long long inode;

		for (int i = 0; word && i < 4; i++)
			word = strtok_r(NULL, " ", &save);
		id = word ? strtok_r(NULL, " ", &save) : NULL;
		id = id ? strrchr(id, ':') : NULL;
		if (!id)
			continue;
		inode = strtoull(id + 1, NULL, 10);
		if (inode == (unsigned long long)st->st_ino)
			pid = strtol(word, NULL, 10);
	}
	fclose(f);
	return pid;
}

/* Whether the process has the file open. */
static bool
has_open(const char *pid, const char *path)
{
	char dir[300], link[600], target[PORT_PATH];
	struct dirent *d;
	bool found = false;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	fds = opendir(dir);
	if (!fds)
		return false;
	while (!found && (d = readdir(fds))) {
		ssize_t n;

		snprintf(link, sizeof(link), "%s/%s", dir, d->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, path) == 0;
	}
	closedir(fds);
	return found;
}

static long
open_holder(const char *path)
{
	DIR *procs = opendir("/proc");
	struct dirent *d;
	long pid = 0;

	if (!procs)
		return 0;
	while (pid == 0 && (d = readdir(procs))) {
		if (isdigit((unsigned char)d->d_name[0]) &&
		    strtol(d->d_name, NULL, 10) != (long)getpid() &&
		    has_open(d->d_name, path))
			pid = strtol(d->d_name, NULL, 10);
	}
	closedir(procs);
	return pid;
}

static enum err
fail_busy(const char *bus, const char *path, struct errbuf *why)
{
	char who[HOLDER] = "another program";
	struct stat st;
	long pid = 0;

	if (stat(path, &st) == 0)
		pid = lock_holder(&st);
	if (pid <= 0)
		pid = open_holder(path);
	if (pid > 0)
		holder_name(pid, who);
	return errbuf_set(why, ERR_BUSY,
	    "bus %s: %s is held by %s; end it, or give it another port", bus,
	    path, who);
}

static void
owner_names(const struct stat *st, char user[NAME], char group[NAME])
{
	char buf[LOOKUP];
	struct passwd pw, *p = NULL;
	struct group gr, *g = NULL;

	snprintf(user, NAME, "%lu", (unsigned long)st->st_uid);
	snprintf(group, NAME, "%lu", (unsigned long)st->st_gid);
	if (getpwuid_r(st->st_uid, &pw, buf, sizeof(buf), &p) == 0 && p)
		snprintf(user, NAME, "%s", p->pw_name);
	if (getgrgid_r(st->st_gid, &gr, buf, sizeof(buf), &g) == 0 && g)
		snprintf(group, NAME, "%s", g->gr_name);
}

static enum err
fail_permission(const char *bus, const char *path, struct errbuf *why)
{
	char user[NAME] = "?", group[NAME] = "dialout";
	struct stat st = { 0 };

	if (stat(path, &st) == 0)
		owner_names(&st, user, group);
	return errbuf_set(why, ERR_REFUSED,
	    "bus %s: no permission for %s (owner %s, group %s, mode %04o; this "
	    "runs as uid %lu): add its user to the group %s and start it again",
	    bus, path, user, group, (unsigned)st.st_mode & 07777,
	    (unsigned long)geteuid(),
	    strcmp(group, "root") == 0 ? "dialout" : group);
}

enum err
port_fail(const char *bus, const char *path, int code, struct errbuf *why)
{
	char reason[LINE_REASON];

	switch (code) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return errbuf_set(why, ERR_NOTFOUND,
		    "bus %s: there is no port %s: is the adapter plugged in? "
		    "ls /dev/serial/by-id shows what there is",
		    bus, path);
	case EACCES:
	case EPERM:
		return fail_permission(bus, path, why);
	case EBUSY:
	case EWOULDBLOCK:
		return fail_busy(bus, path, why);
	default:
		return errbuf_set(why, ERR_IO, "bus %s: %s cannot be used: %s",
		    bus, path, line_reason(code, reason));
	}
}

enum err
port_find(
    const char *bus, const char *path, char out[PORT_PATH], struct errbuf *why)
{
	char *real = realpath(path, NULL);

	if (!real)
		return port_fail(bus, path, errno, why);
	snprintf(out, PORT_PATH, "%s", real);
	free(real);
	return OK;
}

enum err
port_lock(const char *bus, const char *path, int *lock, struct errbuf *why)
{
	enum err e;

	*lock = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*lock < 0)
		return port_fail(bus, path, errno, why);
	if (isatty(*lock) && flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return OK;
	if (errno == EWOULDBLOCK)
		e = port_fail(bus, path, errno, why);
	else
		e = errbuf_set(
		    why, ERR_IO, "bus %s: %s is not a serial port", bus, path);
	close(*lock);
	*lock = -1;
	return e;
}

void
port_exclude(int lock)
{
	ioctl(lock, TIOCEXCL);
}

void
port_unlock(int *lock)
{
	if (*lock < 0)
		return;
	ioctl(*lock, TIOCNXCL);
	close(*lock);
	*lock = -1;
}

speed_t
port_speed(int baud)
{
	static const struct {
		int baud;
		speed_t speed;
	} speeds[] = {
		{ 300, B300 },
		{ 600, B600 },
		{ 1200, B1200 },
		{ 2400, B2400 },
		{ 4800, B4800 },
		{ 9600, B9600 },
		{ 19200, B19200 },
		{ 38400, B38400 },
		{ 57600, B57600 },
		{ 115200, B115200 },
		{ 230400, B230400 },
		{ 460800, B460800 },
		{ 921600, B921600 },
	};

	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i].baud == baud)
			return speeds[i].speed;
	}
	return B0;
}

enum err
port_setup(int fd, struct serial_mode mode)
{
	static const tcflag_t sizes[] = { CS5, CS6, CS7, CS8 };
	speed_t speed = port_speed(mode.baud);
	struct termios t;

	if (speed == B0 || mode.bits < 5 || mode.bits > 8)
		return ERR_CONFIG;
	if (tcgetattr(fd, &t) != 0)
		return ERR_IO;
	cfmakeraw(&t);
	t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
	t.c_cflag |= CREAD | CLOCAL | sizes[mode.bits - 5];
	if (mode.parity != 'N')
		t.c_cflag |= PARENB;
	if (mode.parity == 'O')
		t.c_cflag |= PARODD;
	if (mode.stop == 2)
		t.c_cflag |= CSTOPB;
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	if (cfsetispeed(&t, speed) != 0 || cfsetospeed(&t, speed) != 0 ||
	    tcsetattr(fd, TCSANOW, &t) != 0)
		return ERR_IO;
	return OK;
}
