#include "config/value.h"

#include "common/mem.h"
#include "common/num.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { JID_PART = 1023, PORT_MAX = 65535, NEAR_MAX = 48 };

enum err
value_int(const char *text, int64_t *out)
{
	const char *digits = text + (text[0] == '-' || text[0] == '+');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;
	long long v;

	if (!isxdigit((unsigned char)digits[hex ? 2 : 0]))
		return ERR_PROTO;
	errno = 0;
	v = strtoll(text, &end, hex ? 16 : 10);
	if (*end)
		return ERR_PROTO;
	if (errno == ERANGE)
		return ERR_RANGE;
	*out = v;
	return OK;
}

struct unit {
	const char *name;
	int64_t count; /* of the least one */
};

static const struct unit of_ms[] = { { "d", 86400000 }, { "h", 3600000 },
	{ "min", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 } };
static const struct unit of_us[] = { { "s", 1000000 }, { "ms", 1000 },
	{ "us", 1 }, { NULL, 0 } };

static enum err
time_parse(const char *text, const struct unit *units, int64_t *out)
{
	char *end;
	long long v;

	if (!isdigit((unsigned char)text[0]))
		return ERR_PROTO;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (v == 0 && !*end) {
		*out = 0;
		return OK;
	}
	while (*end == ' ')
		end++;
	for (const struct unit *u = units; u->name; u++) {
		if (strcmp(end, u->name) != 0)
			continue;
		if (errno == ERANGE || v > INT64_MAX / u->count)
			return ERR_RANGE;
		*out = v * u->count;
		return OK;
	}
	return ERR_PROTO;
}

static void
time_add(int64_t v, const struct unit *units, struct buf *out)
{
	for (const struct unit *u = units; u->name && v; u++) {
		if (v % u->count != 0)
			continue;
		buf_printf(out, "%lld%s", (long long)(v / u->count), u->name);
		return;
	}
	buf_puts(out, "0s");
}

enum err
value_duration(const char *text, int64_t *ms)
{
	return time_parse(text, of_ms, ms);
}

void
value_duration_add(int64_t ms, struct buf *out)
{
	time_add(ms, of_ms, out);
}

enum err
value_micros(const char *text, int64_t *us)
{
	return time_parse(text, of_us, us);
}

void
value_micros_add(int64_t us, struct buf *out)
{
	time_add(us, of_us, out);
}

int
value_word(const char *text, const char *words)
{
	size_t n = strlen(text);

	if (n == 0)
		return -1;
	for (int i = 0;; i++) {
		size_t len = strcspn(words, "|");

		if (len == n && strncmp(words, text, n) == 0)
			return i;
		if (!words[len])
			return -1;
		words += len + 1;
	}
}

void
value_word_add(int index, const char *words, struct buf *out)
{
	while (index-- > 0)
		words += strcspn(words, "|") + 1;
	buf_add(out, words, strcspn(words, "|"));
}

/* Reads what follows a backslash; returns how many characters it took, or 0. */
static size_t
unescape(const char *s, char *out)
{
	static const char from[] = "rnt0\\\"", to[] = "\r\n\t\0\\\"";
	const char *p;

	if (s[0] == 'x' && num_hex(s[1]) >= 0 && num_hex(s[2]) >= 0) {
		*out = (char)(num_hex(s[1]) * 16 + num_hex(s[2]));
		return 3;
	}
	p = s[0] ? strchr(from, s[0]) : NULL;
	if (!p)
		return 0;
	*out = to[p - from];
	return 1;
}

enum err
value_bytes(const char *text, char **out, size_t *len)
{
	char *data = mem_zalloc(strlen(text) + 1);
	size_t n = 0;

	while (*text) {
		size_t took;

		if (*text != '\\') {
			data[n++] = *text++;
			continue;
		}
		took = unescape(text + 1, &data[n]);
		if (!took) {
			free(data);
			return ERR_PROTO;
		}
		n++;
		text += 1 + took;
	}
	data[n] = '\0';
	*out = data;
	*len = n;
	return OK;
}

static enum err
port_parse(const char *text, int *port)
{
	int64_t v;

	if (!isdigit((unsigned char)text[0]) || value_int(text, &v) != OK ||
	    v < 1 || v > PORT_MAX)
		return ERR_PROTO;
	*port = (int)v;
	return OK;
}

static bool
host_fits(const char *host)
{
	struct in6_addr v6;

	if (strchr(host, ':'))
		return inet_pton(AF_INET6, host, &v6) == 1;
	if (host[0] == '.' || host[0] == '-' || !host[0])
		return false;
	for (const char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p) &&
		    (unsigned char)*p < 0x80)
			return false;
	return true;
}

/* The length of the host at the start of *text; *text and *rest are moved past
 * brackets.  Rest is at the ':' of the port, or at the end. */
static size_t
host_part(const char **text, const char **rest)
{
	const char *colon = strchr(*text, ':');
	const char *close;

	if ((*text)[0] == '[') {
		close = strchr(*text, ']');
		if (!close)
			return 0;
		(*text)++;
		*rest = close + 1;
		return (size_t)(close - *text);
	}
	if (colon && strchr(colon + 1, ':'))
		colon = NULL; /* an IPv6 address without brackets */
	*rest = colon ? colon : *text + strlen(*text);
	return (size_t)(*rest - *text);
}

enum err
value_hostport(const char *text, int def, char host[VALUE_HOST], int *port)
{
	const char *rest = text;
	size_t n = host_part(&text, &rest);

	if (n == 0 || n >= VALUE_HOST)
		return ERR_PROTO;
	for (size_t i = 0; i < n; i++)
		host[i] = (char)tolower((unsigned char)text[i]);
	host[n] = '\0';
	*port = def;
	if (*rest && (*rest != ':' || port_parse(rest + 1, port) != OK))
		return ERR_PROTO;
	return host_fits(host) ? OK : ERR_PROTO;
}

bool
value_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0;
}

bool
value_jid(const char *text, bool *local, bool *resource)
{
	size_t bare = strcspn(text, "/");
	const char *at = memchr(text, '@', bare);
	const char *domain = at ? at + 1 : text;
	size_t n_domain = bare - (size_t)(domain - text);

	if (local)
		*local = at != NULL;
	if (resource)
		*resource = text[bare] != '\0';
	if (strpbrk(text, " \t") && strcspn(text, " \t") < bare)
		return false;
	if (n_domain == 0 || n_domain > JID_PART || domain[0] == '.')
		return false;
	if (strcspn(domain, "@:\"&'<>") < n_domain)
		return false;
	if (at && (at == text || at - text > JID_PART))
		return false;
	if (at && strcspn(text, "\"&':<>") < (size_t)(at - text))
		return false;
	return !text[bare] ||
	    (text[bare + 1] && strlen(text + bare + 1) <= JID_PART);
}

static size_t
digits(const char *s)
{
	return strspn(s, "0123456789");
}

bool
value_double(const char *text)
{
	const char *s = text + (*text == '-' || *text == '+');
	size_t n = digits(s);

	s += n;
	if (*s == '.') {
		s++;
		n += digits(s);
		s += digits(s);
	}
	if (n == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		n = digits(s);
		s += n;
	}
	/* A huge exponent would be infinite for whoever reads it. */
	return n > 0 && !*s && strtod(text, NULL) <= 1e308 &&
	    strtod(text, NULL) >= -1e308;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

size_t
value_near(const char *a, const char *b)
{
	size_t row[3][NEAR_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAR_MAX || m > NEAR_MAX)
		return NEAR_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3];
		const size_t *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t swap = !same_letter(a[i - 1], b[j - 1]);

			now[j] = least(
			    least(up[j], now[j - 1]) + 1, up[j - 1] + swap);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], up2[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

void
guess_try(struct guess *g, const char *candidate)
{
	size_t cost = value_near(g->word, candidate);

	if (g->best && cost >= g->cost)
		return;
	g->best = candidate;
	g->cost = cost;
}

const char *
guess_hint(const struct guess *g, char *out, size_t size)
{
	out[0] = '\0';
	if (g->best && g->cost <= 2 && g->cost < strlen(g->word))
		snprintf(out, size, " (did you mean \"%s\"?)", g->best);
	return out;
}
