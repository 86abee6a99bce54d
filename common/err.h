/* Error codes: each says who must act. */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

enum err {
	OK = 0,
	ERR_IO = -1,      /* the operating system: a file, socket or port */
	ERR_TIMEOUT = -2, /* the peer or device did not answer in time */
	ERR_PROTO = -3, /* the peer or device sent what its protocol forbids */
	ERR_REFUSED = -4,  /* the peer or device understood, and said no */
	ERR_RANGE = -5,    /* a value outside what is allowed */
	ERR_NOTFOUND = -6, /* what was named does not exist */
	ERR_UNSUP = -7,    /* not supported here */
	ERR_BUSY = -8,     /* held by another, or full: try again later */
	ERR_OFFLINE = -9,  /* no connection to the server or registry */
	ERR_CONFIG = -10,  /* what the installer wrote is wrong */
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Exit codes of every program; scripts rely on them. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_TIMEOUT = 3,
	EXIT_PARTLY = 4,
	EXIT_NOTFOUND = 5,
	EXIT_REFUSED = 6,
	EXIT_NODAEMON = 7,
	EXIT_DEVICE = 8,
	EXIT_OFFLINE = 9,
	EXIT_CONFIG = 78, /* sysexits.h EX_CONFIG: systemd does not restart */
};

/* err_str names a code in a few words for people.  Thread: any. */
const char *err_str(enum err e);

/* err_exit maps a code to the exit code of a program.  Thread: any. */
enum exit_code err_exit(enum err e);

/* A caller's buffer for one sentence for people: what is wrong, where, likely
 * why, what to do.  It is filled where the fact is known. */
struct errbuf {
	char text[512];
};

/* errbuf_set formats the sentence (cut at the buffer's size) and returns e, so
 * that a function can end with "return errbuf_set(eb, ERR_IO, ...)".  eb may
 * be NULL.  Thread: any. */
enum err errbuf_set(struct errbuf *eb, enum err e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* errbuf_errno formats the sentence, adds ": " and what errno means, and
 * returns ERR_IO.  eb may be NULL.  Thread: any. */
enum err errbuf_errno(struct errbuf *eb, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

#endif
