#include "protocol/jid.h"

#include "common/utf8.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stringprep.h>

/* libidn reads past the end of what is not UTF-8. */
static enum err
prepare(char part[JID_SIZE], const Stringprep_profile *profile)
{
	int rc;

	if (!utf8_valid(part, strlen(part)))
		return ERR_PROTO;
	rc = stringprep(part, JID_SIZE, (Stringprep_profile_flags)0, profile);
	if (rc == STRINGPREP_TOO_SMALL_BUFFER)
		return ERR_RANGE;
	return rc == STRINGPREP_OK && *part ? OK : ERR_PROTO;
}

static bool
is_address_literal(const char *s)
{
	size_t n = strspn(s + 1, "0123456789abcdef:.");

	return n > 0 && s[n + 1] == ']' && s[n + 2] == '\0';
}

/* Nameprep lets every ASCII character pass, and its normalisation may even
 * make an "@" or "/" of a wide one: what separates must not stand here. */
static bool
is_domain(const char *s)
{
	char before = '.';

	if (*s == '[')
		return is_address_literal(s);
	for (; *s; before = *s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80 && !isalnum(c) && !strchr("-_.", c))
			return false;
		if (c == '.' && before == '.')
			return false;
	}
	return before != '.';
}

static enum err
prepare_domain(char domain[JID_SIZE])
{
	enum err e = prepare(domain, stringprep_nameprep);
	size_t len = strlen(domain);

	if (e != OK)
		return e;
	if (len > 1 && domain[len - 1] == '.') /* the root, RFC 7622 3.2 */
		domain[len - 1] = '\0';
	return is_domain(domain) ? OK : ERR_PROTO;
}

/* Copies what stands before sep to out, if sep is there; returns the rest. */
static const char *
cut(const char *text, const char *sep, char out[JID_SIZE])
{
	out[0] = '\0';
	if (!sep)
		return text;
	snprintf(out, JID_SIZE, "%.*s", (int)(sep - text), text);
	return sep + 1;
}

static enum err
prepare_parts(struct jid *j, bool has_local, bool has_resource)
{
	enum err e = prepare_domain(j->domain);

	if (e == OK && has_local)
		e = prepare(j->local, stringprep_xmpp_nodeprep);
	if (e == OK && has_resource)
		e = prepare(j->resource, stringprep_xmpp_resourceprep);
	return e;
}

static enum err
join(struct jid *j)
{
	int n = snprintf(j->bare, JID_SIZE, "%s%s%s", j->local,
	    *j->local ? "@" : "", j->domain);

	if (n < 0 || n >= JID_SIZE)
		return ERR_RANGE;
	n = snprintf(j->full, JID_SIZE, "%s%s%s", j->bare,
	    *j->resource ? "/" : "", j->resource);
	return n < 0 || n >= JID_SIZE ? ERR_RANGE : OK;
}

enum err
jid_parse(const char *text, struct jid *out)
{
	char bare[JID_SIZE];
	const char *slash, *at, *domain;
	enum err e;

	if (!text)
		return ERR_PROTO;
	if (strlen(text) >= JID_SIZE)
		return ERR_RANGE;
	slash = strchr(text, '/');
	snprintf(out->resource, JID_SIZE, "%s", slash ? slash + 1 : "");
	snprintf(bare, sizeof(bare), "%.*s",
	    (int)(slash ? slash - text : (int)strlen(text)), text);
	at = strchr(bare, '@');
	domain = cut(bare, at, out->local);
	snprintf(out->domain, JID_SIZE, "%s", domain);
	e = prepare_parts(out, at != NULL, slash != NULL);
	return e == OK ? join(out) : e;
}

enum err
jid_bare(const char *text, char out[JID_SIZE])
{
	struct jid j;
	enum err e = jid_parse(text, &j);

	if (e == OK)
		memcpy(out, j.bare, JID_SIZE);
	return e;
}

bool
jid_same_bare(const char *a, const char *b)
{
	char x[JID_SIZE], y[JID_SIZE];

	return jid_bare(a, x) == OK && jid_bare(b, y) == OK &&
	    strcmp(x, y) == 0;
}

bool
jid_same(const char *a, const char *b)
{
	struct jid x, y;

	return jid_parse(a, &x) == OK && jid_parse(b, &y) == OK &&
	    strcmp(x.full, y.full) == 0;
}
