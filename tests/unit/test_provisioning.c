#include "canon.h"
#include "protocol/provisioning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NS " xmlns='" PROVISIONING_NS "'"

static xmpp_ctx_t *ctx;

static xmpp_stanza_t *
el(const char *xml)
{
	xmpp_stanza_t *out = xmpp_stanza_new_from_string(ctx, xml);

	assert_non_null(out);
	return out;
}

static const struct {
	const char *name, *xml;
	enum err want;
	const char *again; /* NULL: the same */
} cases[] = {
	{ "isFriend", "<isFriend jid='a@example.org'" NS "/>", OK, NULL },
	{ "a friend",
	    "<isFriendResponse jid='a@example.org' result='true'" NS "/>", OK,
	    NULL },
	{ "no friend",
	    "<isFriendResponse jid='a@example.org' result='0' "
	    "secondaryTrustAllowed='true'" NS "/>",
	    OK,
	    "<isFriendResponse jid='a@example.org' result='false'" NS "/>" },
	{ "nothing said means no",
	    "<isFriendResponse jid='a@example.org'" NS "/>", OK,
	    "<isFriendResponse jid='a@example.org' result='false'" NS "/>" },
	{ "canRead",
	    "<canRead all='true' jid='a@example.org' serviceToken='s' "
	    "userToken='u'" NS "><node nodeId='n' sourceId='S'/><field "
	    "name='T'/></canRead>",
	    OK, NULL },
	{ "less than was asked",
	    "<canReadResponse jid='a@example.org' momentary='true' "
	    "result='true'" NS "><node cacheType='c' nodeId='n'/><field "
	    "name='T'/></canReadResponse>",
	    OK, NULL },
	{ "canControl",
	    "<canControl deviceToken='d' jid='a@example.org'" NS "><node "
	    "nodeId='n'/><parameter name='P'/></canControl>",
	    OK, NULL },
	{ "fields are none of its parameters",
	    "<canControlResponse jid='a@example.org' result='true'" NS
	    "><field name='T'/><parameter name='P'/></canControlResponse>",
	    OK,
	    "<canControlResponse jid='a@example.org' result='true'" NS
	    "><parameter name='P'/></canControlResponse>" },
	{ "clearCache", "<clearCache" NS "/>", OK, NULL },
	{ "cleared", "<clearCacheResponse" NS "/>", OK, NULL },
	{ "friend", "<friend jid='a@example.org'" NS "/>", OK, NULL },
	{ "unfriend", "<unfriend jid='a@example.org'" NS "/>", OK, NULL },
	{ "no jid", "<isFriend" NS "/>", ERR_PROTO, NULL },
	{ "no address", "<unfriend jid='@'" NS "/>", ERR_PROTO, NULL },
	{ "a result in words",
	    "<canReadResponse jid='a@example.org' result='sure'" NS "/>",
	    ERR_PROTO, NULL },
	{ "a type in words",
	    "<canReadResponse jid='a@example.org' result='1' peak='x'" NS "/>",
	    ERR_PROTO, NULL },
	{ "another element", "<getToken" NS "/>", ERR_UNSUP, NULL },
	{ "another namespace", "<isFriend jid='a@example.org' xmlns='urn:x'/>",
	    ERR_UNSUP, NULL },
};

static void
reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xmpp_stanza_t *in = el(cases[i].xml);
		struct errbuf eb = { "" };
		struct prov_msg m;
		enum err e = prov_parse(in, &m, &eb);

		if (e != cases[i].want)
			fail_msg("%s: %d %s", cases[i].name, e, eb.text);
		if (e == OK) {
			char *got = canon(prov_build(ctx, &m));
			char *want = canon(
			    el(cases[i].again ? cases[i].again : cases[i].xml));

			assert_string_equal(got, want);
			free(got);
			free(want);
		}
		prov_fini(&m);
		xmpp_stanza_release(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
	    reads_and_writes) };
	int rc;

	ctx = xmpp_ctx_new(NULL, NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	return rc;
}
