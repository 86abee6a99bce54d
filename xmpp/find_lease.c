#include "xmpp/find_lease.h"

#include "common/num.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum {
	LABEL_MAX = 63,
	VALUE_MAX = 255, /* of an option */
	/* The message of RFC 2131: fixed fields, then the options. */
	MESSAGE_COOKIE = 236,
	MESSAGE_OPTIONS = 240,
	OPTION_PAD = 0,
	OPTION_END = 255,
};

/* The places of a value, the better one first. */
static const uint8_t codes[] = { 224, 84 };
enum { N_CODES = sizeof(codes) / sizeof(codes[0]) };

struct value {
	char data[VALUE_MAX];
	size_t len; /* 0: not there */
};

static bool
is_host_name(const char *s, size_t len)
{
	size_t label = 0;

	if (len == 0 || len >= LEASE_NAME || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '.' && label == 0)
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
		if (s[i] != '.' && s[i] != '-' && s[i] != '_' &&
		    !isalnum((unsigned char)s[i]))
			return false;
	}
	return label > 0;
}

static void
add_name(struct lease *l, const char *name, size_t len)
{
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (l->n == LEASE_NAMES || !is_host_name(name, len))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->name[i]) == len &&
		    strncasecmp(l->name[i], name, len) == 0)
			return;
	memcpy(l->name[l->n], name, len);
	l->name[l->n++][len] = '\0';
}

static bool
parts_names(char c)
{
	return c == ' ' || c == ',';
}

void
lease_add(struct lease *l, const char *value, size_t len)
{
	size_t from = 0;

	while (len > 0 && value[len - 1] == '\0') /* some servers send it */
		len--;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && !parts_names(value[i]))
			continue;
		add_name(l, value + from, i - from);
		from = i + 1;
	}
}

/* ---------------------------------------------------------------- a message */

static bool
is_message(const char *data, size_t len)
{
	static const char cookie[] = "\x63\x82\x53\x63";

	return len > MESSAGE_OPTIONS &&
	    memcmp(data + MESSAGE_COOKIE, cookie, 4) == 0;
}

/* An option that comes in several parts is their concatenation (RFC 3396). */
static void
take_part(struct value *v, const char *data, size_t len)
{
	if (len > sizeof(v->data) - v->len)
		len = sizeof(v->data) - v->len;
	memcpy(v->data + v->len, data, len);
	v->len += len;
}

static void
read_message(const char *data, size_t len, struct value v[N_CODES])
{
	const uint8_t *p = (const uint8_t *)data;
	size_t at = MESSAGE_OPTIONS;

	while (at < len && p[at] != OPTION_END) {
		size_t size;

		if (p[at] == OPTION_PAD) {
			at++;
			continue;
		}
		if (at + 1 >= len)
			return;
		size = p[at + 1];
		if (size > len - at - 2)
			return;
		for (size_t i = 0; i < N_CODES; i++)
			if (p[at] == codes[i])
				take_part(&v[i], data + at + 2, size);
		at += 2 + size;
	}
}

/* --------------------------------------------------------------------- text */

struct span {
	const char *s;
	size_t len;
};

static struct span
trim(struct span t)
{
	while (t.len && isspace((unsigned char)t.s[0])) {
		t.s++;
		t.len--;
	}
	while (t.len &&
	    (isspace((unsigned char)t.s[t.len - 1]) || t.s[t.len - 1] == ';'))
		t.len--;
	return t;
}

static bool
skip_word(struct span *t, const char *word)
{
	size_t n = strlen(word);

	if (t->len < n || strncasecmp(t->s, word, n) != 0)
		return false;
	t->s += n;
	t->len -= n;
	return true;
}

static bool
skip_exactly(struct span *t, const char *word)
{
	return t->len >= strlen(word) &&
	    memcmp(t->s, word, strlen(word)) == 0 && skip_word(t, word);
}

/* "70726f" or "70:72:6f", where dhclient leaves leading zeros out. */
static void
take_hex(struct value *v, struct span t, bool colons)
{
	size_t i = 0;

	v->len = 0;
	while (i < t.len && v->len < sizeof(v->data)) {
		int high = num_hex(t.s[i++]), low;

		low = i < t.len ? num_hex(t.s[i]) : -1;
		if (high < 0 || (low < 0 && !colons)) {
			v->len = 0;
			return;
		}
		if (low >= 0)
			i++;
		v->data[v->len++] = (char)(low < 0 ? high : high * 16 + low);
		if (i < t.len && colons && t.s[i++] != ':') {
			v->len = 0;
			return;
		}
	}
	if (i < t.len) /* too long */
		v->len = 0;
}

static void
take_text(struct value *v, struct span t)
{
	if (t.len >= 2 && (t.s[0] == '"' || t.s[0] == '\'') &&
	    t.s[t.len - 1] == t.s[0]) {
		t.s++;
		t.len -= 2;
	}
	v->len = 0;
	if (t.len > sizeof(v->data))
		return;
	memcpy(v->data, t.s, t.len);
	v->len = t.len;
}

/* Without hexadecimal, a value that has a colon is in it all the same: no host
 * name has one. */
static void
take_value(struct value *v, struct span t, bool hex)
{
	if (hex)
		take_hex(v, t, false);
	else if (memchr(t.s, ':', t.len))
		take_hex(v, t, true);
	else
		take_text(v, t);
}

/* How the clients name the option; dhcpcd's option_ differs from networkd's by
 * its letters. */
static const struct {
	const char *key, *end;
	bool code, hex; /* followed by the code; plain hexadecimal */
} keys[] = {
	{ "OPTION_", "=", true, true },          /* networkd */
	{ "opt", "=", true, true },              /* udhcpc */
	{ "option unknown-", " ", true, false }, /* dhclient */
	{ "option option-", " ", true, false },  /* dhclient 4.1 */
	{ "option xmpp-server", " ", false, false },
	{ "unknown_", "=", true, false },     /* dhclient's hooks */
	{ "private_", "=", true, false },     /* NetworkManager */
	{ "option_", "=", true, false },      /* dhcpcd */
	{ "xmpp_server", "=", false, false }, /* dhcpcd, our hooks */
};

/* Skips the code that stands there; returns its place among codes, or -1. */
static int
skip_code(struct span *t)
{
	static const char *const texts[N_CODES] = { "224", "84" };

	for (int i = 0; i < N_CODES; i++)
		if (skip_word(t, texts[i]))
			return i;
	return -1;
}

static void
read_line(struct span line, struct value v[N_CODES])
{
	line = trim(line);
	(void)skip_word(&line, "new_");
	(void)skip_word(&line, "DHCP4_");
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		struct span t = line;
		int code = 0;

		if (keys[k].hex ? !skip_exactly(&t, keys[k].key)
				: !skip_word(&t, keys[k].key))
			continue;
		if (keys[k].code)
			code = skip_code(&t);
		if (code < 0 || !skip_word(&t, keys[k].end))
			continue;
		take_value(&v[code], trim(t), keys[k].hex);
		return;
	}
}

static void
read_text(const char *data, size_t len, struct value v[N_CODES])
{
	size_t from = 0;

	for (size_t i = 0; i <= len; i++) {
		struct span line = { data + from, i - from };

		if (i < len && data[i] != '\n')
			continue;
		/* dhclient adds each new lease at the end. */
		if (skip_word(&line, "lease {"))
			memset(v, 0, N_CODES * sizeof(*v));
		else
			read_line(line, v);
		from = i + 1;
	}
}

void
lease_read(const char *data, size_t len, struct lease *out)
{
	struct value v[N_CODES];

	memset(v, 0, sizeof(v));
	if (is_message(data, len))
		read_message(data, len, v);
	else
		read_text(data, len, v);
	for (size_t i = 0; i < N_CODES; i++)
		lease_add(out, v[i].data, v[i].len);
}
