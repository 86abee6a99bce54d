/* Whatever a server wants to know for an account, the password goes into fields
 * of that name alone. */
#include "common/mem.h"
#include "protocol/stanza.h"
#include "xmpp/account_form.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "\001pass"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_password(const char *s)
{
	return s && strcmp(s, "password") == 0;
}

static void
check(xmpp_stanza_t *el, bool allowed)
{
	const char *var = xmpp_stanza_get_attribute(el, "var");
	char *text = stanza_text(el);

	allowed |= is_password(xmpp_stanza_get_name(el)) || is_password(var);
	if (text && strstr(text, PASSWORD) && !allowed)
		abort();
	free(text);
	for (el = xmpp_stanza_get_children(el); el;
	     el = xmpp_stanza_get_next(el))
		if (xmpp_stanza_get_name(el))
			check(el, allowed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct account_who who = { "user", PASSWORD };
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	char *text = mem_strndup((const char *)data, size);
	xmpp_stanza_t *el = xmpp_stanza_new_from_string(ctx, text);
	char why[LOG_SAFE] = "";
	xmpp_stanza_t *query = el ? account_fill(el, &who, why) : NULL;

	if (query) {
		check(query, false);
		xmpp_stanza_release(query);
	} else if (el && !why[0]) {
		abort();
	}
	if (el)
		xmpp_stanza_release(el);
	free(text);
	xmpp_ctx_free(ctx);
	return 0;
}
