#include "drivers/line/port.h"

#include "drivers/line/baud.h"
#include "drivers/line/holder.h"
#include "drivers/line/line.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/serial.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

enum {
	NAME = 64,
	LOOKUP = 2048,
	US = 1000, /* in a ms */
	PTY_FIRST = 136,
	PTY_LAST = 143, /* Unix98 pty slaves */
};

/* --- what went wrong --- */

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
	char user[NAME] = "?", group[NAME] = "?", cure[2 * NAME];
	struct stat st = { 0 };

	if (stat(path, &st) == 0)
		owner_names(&st, user, group);
	if (st.st_gid == 0 || !(st.st_mode & S_IWGRP))
		snprintf(cure, sizeof(cure),
		    "let a udev rule give it GROUP=\"dialout\", MODE=\"0660\"");
	else
		snprintf(cure, sizeof(cure),
		    "add its user to the group %s and start it again", group);
	return errbuf_set(why, ERR_REFUSED,
	    "bus %s: no permission for %s (owner %s, group %s, mode %04o; this "
	    "runs as uid %lu): %s",
	    bus, path, user, group, (unsigned)st.st_mode & 07777,
	    (unsigned long)geteuid(), cure);
}

static enum err
fail(const char *bus, const char *path, int code, struct errbuf *why)
{
	char reason[LINE_REASON], who[HOLDER_NAME];

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
		holder_name(holder_find(path), who);
		return errbuf_set(why, ERR_BUSY,
		    "bus %s: %s is held by %s; end it, or give it another port",
		    bus, path, who);
	case ENOTTY:
		return errbuf_set(
		    why, ERR_IO, "bus %s: %s is not a serial port", bus, path);
	default:
		return errbuf_set(why, ERR_IO, "bus %s: %s cannot be used: %s",
		    bus, path, line_reason(code, reason));
	}
}

/* --- speed and format --- */

static speed_t
speed_of(int baud)
{
	static const struct {
		int baud;
		speed_t speed;
	} speeds[] = {
		{ 50, B50 },
		{ 75, B75 },
		{ 110, B110 },
		{ 134, B134 },
		{ 150, B150 },
		{ 200, B200 },
		{ 300, B300 },
		{ 600, B600 },
		{ 1200, B1200 },
		{ 1800, B1800 },
		{ 2400, B2400 },
		{ 4800, B4800 },
		{ 9600, B9600 },
		{ 19200, B19200 },
		{ 38400, B38400 },
		{ 57600, B57600 },
		{ 115200, B115200 },
		{ 230400, B230400 },
		{ 460800, B460800 },
		{ 500000, B500000 },
		{ 576000, B576000 },
		{ 921600, B921600 },
		{ 1000000, B1000000 },
		{ 1152000, B1152000 },
		{ 1500000, B1500000 },
		{ 2000000, B2000000 },
		{ 2500000, B2500000 },
		{ 3000000, B3000000 },
		{ 3500000, B3500000 },
		{ 4000000, B4000000 },
	};

	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i].baud == baud)
			return speeds[i].speed;
	}
	return B0;
}

/* A pseudo-terminal has neither parity nor stop bits, and refuses some. */
static bool
is_pty(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && major(st.st_rdev) >= PTY_FIRST &&
	    major(st.st_rdev) <= PTY_LAST;
}

static tcflag_t
format_of(struct serial_mode mode)
{
	static const tcflag_t sizes[] = { CS5, CS6, CS7, CS8 };
	tcflag_t flags = CREAD | CLOCAL | sizes[mode.bits - 5];

	if (mode.parity != 'N')
		flags |= PARENB;
	if (mode.parity == 'O')
		flags |= PARODD;
	if (mode.stop == 2)
		flags |= CSTOPB;
	return flags;
}

/* A byte with a wrong parity is read as 0, which no checksum takes. */
static void
make_raw(struct termios *t, struct serial_mode mode)
{
	cfmakeraw(t);
	t->c_iflag &= ~(tcflag_t)(INPCK | IXOFF | IXANY);
	if (mode.parity != 'N')
		t->c_iflag |= INPCK;
	t->c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CMSPAR | CSTOPB |
	    CRTSCTS | HUPCL);
	t->c_cflag |= format_of(mode);
	t->c_cc[VMIN] = 0;
	t->c_cc[VTIME] = 0;
}

enum err
port_setup(int fd, struct serial_mode mode)
{
	speed_t speed = speed_of(mode.baud);
	struct termios t;

	if (mode.baud <= 0 || mode.bits < 5 || mode.bits > 8)
		return ERR_CONFIG;
	if (is_pty(fd))
		mode = (struct serial_mode){ mode.baud, 8, 'N', 1 };
	if (tcgetattr(fd, &t) != 0)
		return ERR_IO;
	make_raw(&t, mode);
	if (speed != B0 && cfsetspeed(&t, speed) != 0)
		return ERR_CONFIG;
	if (tcsetattr(fd, TCSADRAIN, &t) != 0)
		return errno == EINVAL ? ERR_CONFIG : ERR_IO;
	return speed == B0 ? baud_set(fd, mode.baud) : OK;
}

/* --- RS-485 --- */

static uint32_t
whole_ms(int64_t us)
{
	return (uint32_t)((us + US - 1) / US);
}

/* Lets the kernel switch the transmitter, or keeps it from doing so. */
static bool
kernel_switches(int fd, const struct cfg_bus *bus, bool on)
{
	struct serial_rs485 rs;

	if (ioctl(fd, TIOCGRS485, &rs) != 0)
		return false;
	if (!on && !(rs.flags & SER_RS485_ENABLED))
		return true;
	rs.flags &= ~(uint32_t)SER_RS485_ENABLED;
	if (on) {
		rs.flags |= SER_RS485_ENABLED;
		rs.delay_rts_before_send = whole_ms(bus->rts_before_us);
		rs.delay_rts_after_send = whole_ms(bus->rts_after_us);
	}
	return ioctl(fd, TIOCSRS485, &rs) == 0;
}

enum err
port_talk(int fd, const struct cfg_bus *bus, bool on)
{
	const int rts = TIOCM_RTS;
	bool up = on == (bus->rs485 == CFG_RS485_RTS_UP);

	return ioctl(fd, up ? TIOCMBIS : TIOCMBIC, &rts) == 0 ? OK : ERR_IO;
}

static enum err
set_direction(
    int fd, const struct cfg_bus *bus, const char *path, struct errbuf *why)
{
	bool kernel =
	    bus->rs485 == CFG_RS485_AUTO || bus->rs485 == CFG_RS485_ON;
	bool done = kernel_switches(fd, bus, kernel);

	if (bus->rs485 == CFG_RS485_ON && !done)
		return errbuf_set(why, ERR_UNSUP,
		    "bus %s: the driver of %s cannot switch RS-485; set rs485 "
		    "= auto when the adapter does it by itself",
		    bus->name, path);
	if (!kernel && bus->rs485 != CFG_RS485_OFF &&
	    port_talk(fd, bus, false) != OK)
		return errbuf_set(why, ERR_UNSUP,
		    "bus %s: %s has no RTS line; set rs485 = auto when the "
		    "adapter switches by itself",
		    bus->name, path);
	return OK;
}

/* --- opening --- */

/* Locked before anything about it is changed; then also kept from programs
 * that do not ask for locks. */
static enum err
claim(int fd, const char *bus, const char *path, struct errbuf *why)
{
	if (!isatty(fd))
		return fail(bus, path, ENOTTY, why);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return fail(bus, path, errno, why);
	ioctl(fd, TIOCEXCL);
	return OK;
}

static enum err
set_up(int fd, const struct cfg_bus *bus, struct serial_mode mode,
    const char *path, struct errbuf *why)
{
	enum err e = port_setup(fd, mode);

	if (e != OK)
		return errbuf_set(why, e, "bus %s: %s does not take %d %d%c%d",
		    bus->name, path, mode.baud, mode.bits, mode.parity,
		    mode.stop);
	e = set_direction(fd, bus, path, why);
	if (e == OK)
		tcflush(fd, TCIOFLUSH);
	return e;
}

static enum err
open_path(const struct cfg_bus *bus, const char *path, struct serial_mode mode,
    int *fd, struct errbuf *why)
{
	enum err e;

	*fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return fail(bus->name, path, errno, why);
	*fd = line_high(*fd);
	e = claim(*fd, bus->name, path, why);
	if (e != OK) { /* another's: leave it as it is */
		close(*fd);
		*fd = -1;
		return e;
	}
	e = set_up(*fd, bus, mode, path, why);
	if (e != OK)
		port_close(fd);
	return e;
}

enum err
port_open(const struct cfg_bus *bus, struct serial_mode mode, int *fd,
    struct errbuf *why)
{
	char *path = realpath(bus->port, NULL);
	enum err e;

	*fd = -1;
	if (!path)
		return fail(bus->name, bus->port, errno, why);
	e = open_path(bus, path, mode, fd, why);
	free(path);
	return e;
}

void
port_close(int *fd)
{
	if (*fd < 0)
		return;
	ioctl(*fd, TIOCNXCL);
	close(*fd);
	*fd = -1;
}
