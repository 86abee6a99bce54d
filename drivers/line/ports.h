/* The serial ports of this machine, for people who choose one. */
#ifndef DRIVERS_LINE_PORTS_H
#define DRIVERS_LINE_PORTS_H

#include <stdbool.h>
#include <stddef.h>

/* All texts but path may be NULL. */
struct port_info {
	char *path;    /* /dev/ttyUSB0 */
	char *by_id;   /* follows the adapter; of those with a serial number */
	char *by_path; /* follows the socket that it is plugged into */
	char *adapter; /* what it calls itself */
	char *ids;     /* USB vendor:product */
	char *serial;  /* USB serial number */
	char *driver;
	char *holder; /* "getty (pid 812)" */
	bool ours;    /* this process holds it */
	bool access;  /* may be opened by this process */
	char *hint;   /* what to know or to do about it */
};

/* ports_list returns all ports, sorted by path; NULL when there are none.
 * Owns: end with ports_free.  Thread: any, not for a bus: it looks through
 * /proc. */
struct port_info *ports_list(size_t *n);
void ports_free(struct port_info *v, size_t n);

/* ports_same tells whether two paths, links resolved, are one device. */
bool ports_same(const char *a, const char *b);

/* ports_describe fills in all but path, ids, adapter and serial, in the file
 * system that begins at root ("" is the machine's own). */
void ports_describe(struct port_info *p, const char *root);

#endif
