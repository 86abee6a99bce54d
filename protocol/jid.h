/* Addresses: prepared (RFC 6122, by libidn), compared, cut to the bare JID. */
#ifndef PROTOCOL_JID_H
#define PROTOCOL_JID_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Each part at most 1023 bytes on the wire; we take no longer JID than this
 * from anyone, NUL included. */
enum { JID_SIZE = 512 };

struct jid {
	char full[JID_SIZE]; /* local@domain/resource, prepared */
	char bare[JID_SIZE]; /* without resource */
	char local[JID_SIZE];
	char domain[JID_SIZE];
	char resource[JID_SIZE]; /* "" when absent, as local */
};

/* jid_parse splits and prepares text (nodeprep, nameprep, resourceprep).
 * Errors: ERR_RANGE too long, ERR_PROTO not a JID.  Thread: any. */
enum err jid_parse(const char *text, struct jid *out) MUST_USE;

/* jid_bare writes the prepared bare JID of text.  Errors: as jid_parse. */
enum err jid_bare(const char *text, char out[JID_SIZE]) MUST_USE;

/* jid_same_bare tells whether two JIDs are the same account or domain; false
 * when either is not a JID or NULL.  Thread: any. */
bool jid_same_bare(const char *a, const char *b);

/* jid_same tells whether two JIDs are equal, resource included. */
bool jid_same(const char *a, const char *b);

#endif
