/* The kernel's own termios2, which cannot be used in one file with termios.h.
 */
#include "drivers/line/baud.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>

int ioctl(int fd, unsigned long request, ...);

#ifdef TCGETS2
enum { OFF_DIVISOR = 33 /* 3 %: what a byte can be off and still be read */ };

static int
near(unsigned a, unsigned b)
{
	return (a > b ? a - b : b - a) <= b / OFF_DIVISOR;
}

enum err
baud_set(int fd, int baud)
{
	struct termios2 t;

	if (ioctl(fd, TCGETS2, &t) != 0)
		return ERR_IO;
	t.c_cflag &= ~(tcflag_t)(CBAUD | CBAUD << IBSHIFT);
	t.c_cflag |= BOTHER | BOTHER << IBSHIFT;
	t.c_ospeed = (speed_t)baud;
	t.c_ispeed = (speed_t)baud;
	if (ioctl(fd, TCSETSW2, &t) != 0 || ioctl(fd, TCGETS2, &t) != 0)
		return ERR_IO;
	return near(t.c_ospeed, (unsigned)baud) ? OK : ERR_CONFIG;
}
#else
enum err
baud_set(int fd, int baud)
{
	(void)fd;
	(void)baud;
	return ERR_CONFIG;
}
#endif
