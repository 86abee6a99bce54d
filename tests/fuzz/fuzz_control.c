#include "again.h"
#include "protocol/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static xmpp_stanza_t *
form_again(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	struct form f;
	xmpp_stanza_t *x = NULL;

	if (form_parse(el, &f, NULL) == OK && f.type) {
		x = form_new(ctx, f.type, f.title);
		for (size_t i = 0; i < f.n; i++) {
			if (f.v[i].var)
				form_put(ctx, x, &f.v[i]);
		}
	}
	form_fini(&f);
	return x;
}

static xmpp_stanza_t *
again(xmpp_ctx_t *ctx, xmpp_stanza_t *el)
{
	xmpp_stanza_t *out = form_again(ctx, el);
	struct ctl_set s;
	char *text;

	if (ctl_find_param_error(el, &text))
		free(text);
	if (out)
		return out;
	if (ctl_set_parse(el, &s, NULL) == OK)
		out = ctl_set_build(ctx, &s);
	ctl_set_fini(&s);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return again_run(data, size, again);
}
