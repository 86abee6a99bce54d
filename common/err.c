#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
err_str(enum err e)
{
	switch (e) {
	case OK:
		return "ok";
	case ERR_IO:
		return "input/output error";
	case ERR_TIMEOUT:
		return "no answer in time";
	case ERR_PROTO:
		return "protocol error";
	case ERR_REFUSED:
		return "refused";
	case ERR_RANGE:
		return "out of range";
	case ERR_NOTFOUND:
		return "not found";
	case ERR_UNSUP:
		return "not supported";
	case ERR_BUSY:
		return "busy";
	case ERR_OFFLINE:
		return "offline";
	case ERR_CONFIG:
		return "configuration error";
	}
	return "unknown error";
}

enum exit_code
err_exit(enum err e)
{
	switch (e) {
	case OK:
		return EXIT_OK;
	case ERR_TIMEOUT:
		return EXIT_TIMEOUT;
	case ERR_NOTFOUND:
		return EXIT_NOTFOUND;
	case ERR_REFUSED:
		return EXIT_REFUSED;
	case ERR_OFFLINE:
		return EXIT_OFFLINE;
	case ERR_CONFIG:
		return EXIT_CONFIG;
	case ERR_RANGE:
		return EXIT_USAGE;
	case ERR_IO:
	case ERR_PROTO:
	case ERR_UNSUP:
	case ERR_BUSY:
		return EXIT_FAILED;
	}
	return EXIT_FAILED;
}

enum err
errbuf_set(struct errbuf *eb, enum err e, const char *fmt, ...)
{
	va_list ap;

	if (eb) {
		va_start(ap, fmt);
		vsnprintf(eb->text, sizeof(eb->text), fmt, ap);
		va_end(ap);
	}
	return e;
}

enum err
errbuf_errno(struct errbuf *eb, const char *fmt, ...)
{
	char why[128];
	size_t len;
	va_list ap;

	if (!eb)
		return ERR_IO;
	if (strerror_r(errno, why, sizeof(why)) != 0)
		snprintf(why, sizeof(why), "error %d", errno);
	va_start(ap, fmt);
	vsnprintf(eb->text, sizeof(eb->text), fmt, ap);
	va_end(ap);
	len = strlen(eb->text);
	snprintf(eb->text + len, sizeof(eb->text) - len, ": %s", why);
	return ERR_IO;
}
