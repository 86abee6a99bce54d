#include "xmpp/find_txt.h"

#include "protocol/jid.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void
take_domain(struct hints *h, const char *value, size_t len)
{
	char text[HINT_DOMAIN];
	struct jid jid;

	if (len == 0 || len >= sizeof(text))
		return;
	memcpy(text, value, len);
	text[len] = '\0';
	if (strlen(text) == len && jid_parse(text, &jid) == OK &&
	    strcmp(jid.full, jid.domain) == 0 &&
	    strlen(jid.domain) < sizeof(h->domain))
		memcpy(h->domain, jid.domain, strlen(jid.domain) + 1);
}

static void
add_user(struct hint_users *u, const char *value, size_t len)
{
	char text[HINT_USER + sizeof("@example.org")];
	struct jid jid;

	if (len == 0 || len >= HINT_USER || u->n == HINT_USERS ||
	    memchr(value, '\0', len))
		return;
	snprintf(text, sizeof(text), "%.*s@example.org", (int)len, value);
	if (jid_parse(text, &jid) != OK || strchr(jid.full, '/') ||
	    strcmp(jid.domain, "example.org") != 0 ||
	    strlen(jid.local) >= HINT_USER)
		return;
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->name[i], jid.local) == 0)
			return;
	memcpy(u->name[u->n++], jid.local, strlen(jid.local) + 1);
}

static void
take_users(struct hint_users *u, const char *value, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && value[i] != ' ')
			continue;
		add_user(u, value + from, i - from);
		from = i + 1;
	}
}

static bool
is_key(const char *text, size_t len, const char *key)
{
	return len == strlen(key) && strncasecmp(text, key, len) == 0;
}

struct seen {
	bool domain, registry, provisioning;
};

static bool
first(bool *seen)
{
	bool is_first = !*seen;

	*seen = true;
	return is_first;
}

static void
take(struct hints *h, struct seen *seen, const char *text, size_t len)
{
	const char *eq = memchr(text, '=', len), *value;
	size_t key, size;

	if (!eq)
		return;
	key = (size_t)(eq - text);
	value = eq + 1;
	size = len - key - 1;
	if (is_key(text, key, "ordom") && first(&seen->domain))
		take_domain(h, value, size);
	else if (is_key(text, key, "regis") && first(&seen->registry))
		take_users(&h->registry, value, size);
	else if (is_key(text, key, "provis") && first(&seen->provisioning))
		take_users(&h->provisioning, value, size);
}

void
txt_read(const uint8_t *data, size_t len, struct hints *out)
{
	struct seen seen = { false, false, false };
	size_t at = 0;

	memset(out, 0, sizeof(*out));
	while (at < len && data[at] <= len - at - 1) {
		take(out, &seen, (const char *)data + at + 1, data[at]);
		at += 1 + (size_t)data[at];
	}
}
