/* Claim texts: what a sticker's QR code holds.
 *
 *     IoTDisco;SN:394872;MAN:example.org;#V:1.2;KEY:...       (XEP-0347 3.8)
 *     iotdisco:SN=394872;MAN=example.org;#V=1.2;KEY=...;R=registry.example.org
 *
 * and search URIs, which have operators and no KEY:
 *
 *     iotdisco:MAN=example.org;#V>=1;#V<2;SN~*39*;R=registry.example.org
 */
#ifndef PROTOCOL_IOTDISCO_H
#define PROTOCOL_IOTDISCO_H

#include "common/buf.h"
#include "common/err.h"
#include "protocol/search.h"
#include "protocol/tag.h"

enum { IOTDISCO_MAX = 4096 }; /* bytes of the longest text taken */

/* iotdisco_encode appends the XEP form of the tags, in their order.  What it
 * wrote decodes to the same tags. */
void iotdisco_encode(const struct tags *t, struct buf *out);

/* iotdisco_encode_uri appends the URI form, with R = registry unless that is
 * NULL.  What it wrote decodes to the same tags and registry.
 * Errors: ERR_UNSUP: the URI form cannot hold a tag R, nor a JID without a KEY;
 * nothing is appended. */
enum err iotdisco_encode_uri(
    const struct tags *t, const char *registry, struct buf *out) MUST_USE;

/* iotdisco_decode reads either form into the empty set out.  registry receives
 * the R of the URI form (owned by the caller) or NULL.  Blanks around the text
 * are skipped, empty segments too.  eb names the segment at fault, but never
 * shows the value of KEY.
 * Errors: ERR_UNSUP: the URI is a search, or points to a thing; ERR_PROTO,
 * ERR_RANGE; out and registry are then empty. */
enum err iotdisco_decode(const char *text, struct tags *out, char **registry,
    struct errbuf *eb) MUST_USE;

/* One part of a search URI; texts are gone after the call. */
struct iotdisco_op {
	enum search_kind kind; /* none of a range */
	bool num;
	const char *name, *value;
	const char
	    *wildcard; /* of SEARCH_MASK the character after ~; else "" */
};

/* iotdisco_search calls each for every operator, and gives R as
 * iotdisco_decode does; after an error of each it goes no further.
 * Errors: ERR_UNSUP: the text claims a thing, or points to one; ERR_PROTO,
 * ERR_RANGE, and those of each; registry is then empty. */
enum err iotdisco_search(const char *text,
    enum err (*each)(
	void *arg, const struct iotdisco_op *op, struct errbuf *eb),
    void *arg, char **registry, struct errbuf *eb) MUST_USE;

#endif
