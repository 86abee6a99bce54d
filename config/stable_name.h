/* Names of serial ports that stay the same after a reboot. */
#ifndef CONFIG_STABLE_NAME_H
#define CONFIG_STABLE_NAME_H

#define STABLE_NAMES "/dev/serial"

/* stable_name returns the first link in the folders by-id and by-path of dir
 * that leads to the device port, or NULL.  Owns: returns owned. */
char *stable_name(const char *dir, const char *port);

/* stable_names returns the links in by-id of dir, or where there are none those
 * in by-path, with a comma between them; NULL: there are none.
 * Owns: returns owned. */
char *stable_names(const char *dir);

#endif
