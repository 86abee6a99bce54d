#include "protocol/iotdisco.h"

#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define K1                                                                \
	"IoTDisco;SN:394872348732948723;MAN:www.ktc.se;MODEL:IMC;#V:1.2;" \
	"KEY:4857402340298342"

/* The tags as "NAME=value|#NAME=value", for comparison. */
static char *
shown(const struct tags *t)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < t->n; i++)
		buf_printf(&b, "%s%s%s=%s", i ? "|" : "",
		    t->v[i].num ? "#" : "", t->v[i].name, t->v[i].value);
	return buf_take(&b);
}

static const struct {
	const char *name, *text;
	enum err want;
	const char *tags, *registry;
} cases[] = {
	{ "XEP-0347 3.8", K1, OK,
	    "SN=394872348732948723|MAN=www.ktc.se|MODEL=IMC|#V=1.2|"
	    "KEY=4857402340298342",
	    NULL },
	{ "as the XEP prints it: an empty segment",
	    "IoTDisco;SN:394872348732948723;;MODEL:IMC;#V:1.2;KEY:48574023", OK,
	    "SN=394872348732948723|MODEL=IMC|#V=1.2|KEY=48574023", NULL },
	{ "escapes and a colon in a value", "IoTDisco;A:x\\;y\\\\z:w\\q;B:1",
	    OK, "A=x;y\\z:wq|B=1", NULL },
	{ "prefix in another case, blanks around", " \n iotDISCO;a:1 \r\n", OK,
	    "A=1", NULL },
	{ "empty value", "IoTDisco;A:;B:1", OK, "A=|B=1", NULL },
	{ "blanks in a value stay", "IoTDisco;A: 1 ;B:2", OK, "A= 1 |B=2",
	    NULL },
	{ "R is a plain tag here", "IoTDisco;R:a", OK, "R=a", NULL },
	{ "percent is plain here", "IoTDisco;A:%41", OK, "A=%41", NULL },
	{ "URI",
	    "iotdisco:SN=98734238472634;MAN=www.example.org;MODEL=Device;"
	    "#V=1.0;KEY=3453485763440213840928;R=discovery.example.org",
	    OK,
	    "SN=98734238472634|MAN=www.example.org|MODEL=Device|#V=1.0|"
	    "KEY=3453485763440213840928",
	    "discovery.example.org" },
	{ "URI: escapes", "IOTDISCO:A=\\x\\;y;R=\\disco\\.example.org", OK,
	    "A=x;y", "disco.example.org" },
	{ "URI: percent", "iotdisco:A=%C3%A9%3b%5C;%42=a%zz%4", OK,
	    "A=\xc3\xa9;\\|B=a%zz%4", NULL },
	{ "URI: empty values", "iotdisco:A=1;KEY=;R=", OK, "A=1|KEY=", NULL },
	{ "URI: equals sign in a value", "iotdisco:A=b=c", OK, "A=b=c", NULL },
	{ "nothing", "", ERR_PROTO, NULL, NULL },
	{ "prefix alone", "IoTDisco", ERR_PROTO, NULL, NULL },
	{ "no tags", "IoTDisco;;;", ERR_PROTO, NULL, NULL },
	{ "URI without tags", "iotdisco:R=a.b", ERR_PROTO, NULL, NULL },
	{ "no prefix", "SN:1;KEY:2", ERR_PROTO, NULL, NULL },
	{ "other prefix", "IoTDiscover;A:1", ERR_PROTO, NULL, NULL },
	{ "trailing backslash", "IoTDisco;A:1\\", ERR_PROTO, NULL, NULL },
	{ "no colon", "IoTDisco;A:1;B", ERR_PROTO, NULL, NULL },
	{ "no colon before the next", "IoTDisco;A;B:1", ERR_PROTO, NULL, NULL },
	{ "not a number", "IoTDisco;#V:x", ERR_PROTO, NULL, NULL },
	{ "empty number", "IoTDisco;#V:", ERR_PROTO, NULL, NULL },
	{ "duplicate", "IoTDisco;SN:1;sn:2", ERR_PROTO, NULL, NULL },
	{ "empty name", "IoTDisco;:1", ERR_RANGE, NULL, NULL },
	{ "blank in a name", "IoTDisco;A B:1", ERR_PROTO, NULL, NULL },
	{ "URI: search", "iotdisco:MAN=a;#V>=1", ERR_UNSUP, NULL, NULL },
	{ "URI: mask", "iotdisco:SN~*98*", ERR_UNSUP, NULL, NULL },
	{ "URI: a thing", "iotdisco:JID=a@b;NID=x", ERR_UNSUP, NULL, NULL },
	{ "URI: a tag JID", "iotdisco:JID=a@b;KEY=x", OK, "JID=a@b|KEY=x",
	    NULL },
	{ "URI: NUL", "iotdisco:A=%00", ERR_PROTO, NULL, NULL },
	{ "URI: not UTF-8", "iotdisco:A=%ff", ERR_PROTO, NULL, NULL },
	{ "URI: two registries", "iotdisco:A=1;R=a.b;R=c.d", ERR_PROTO, NULL,
	    NULL },
	{ "URI: no registry", "iotdisco:A=1;R=a b", ERR_PROTO, NULL, NULL },
};

static void
decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tags t = { 0 };
		struct errbuf eb = { "" };
		char *registry = NULL, *got;

		print_message("  %s\n", cases[i].name);
		assert_int_equal(
		    iotdisco_decode(cases[i].text, &t, &registry, &eb),
		    cases[i].want);
		got = shown(&t);
		assert_string_equal(got, cases[i].tags ? cases[i].tags : "");
		assert_int_equal(registry != NULL, cases[i].registry != NULL);
		if (registry)
			assert_string_equal(registry, cases[i].registry);
		assert_int_equal(*eb.text != '\0', cases[i].want != OK);
		free(got);
		free(registry);
		tags_fini(&t);
	}
}

static void
decode_what(const char *text, enum err want, struct errbuf *eb)
{
	struct tags t = { 0 };
	char *registry;

	assert_int_equal(iotdisco_decode(text, &t, &registry, eb), want);
	tags_fini(&t);
	free(registry);
}

static void
error_names_the_segment_not_the_key(void **state)
{
	struct errbuf eb;

	static const char *const slips[] = {
		"IoTDisco;SN:1;#KEY:topsecret",
		"IoTDisco;SN:1;KEYtopsecret",
		"IoTDisco;SN:1;KEY topsecret:x",
		"iotdisco:SN=1;KEY:topsecret=x",
		"iotdisco:SN=1;KEY%01topsecret=x",
		"iotdisco:SN=1;KEYtopsecret=%01",
		"iotdisco:SN=1;KEYtopsecret=x;KEYtopsecret=y",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
		print_message("  %s\n", slips[i]);
		decode_what(slips[i], ERR_PROTO, &eb);
		assert_non_null(strstr(eb.text, i < 6 ? "part 2" : "part 3"));
		assert_null(strstr(eb.text, "topsecret"));
	}
}

static void
too_long(void **state)
{
	char *text = mem_zalloc(IOTDISCO_MAX + 2);
	struct errbuf eb;

	(void)state;
	memset(text, ';', IOTDISCO_MAX + 1);
	memcpy(text, "IoTDisco;A:1", 12);
	decode_what(text, ERR_RANGE, &eb);
	text[IOTDISCO_MAX] = '\0';
	decode_what(text, OK, &eb);
	free(text);
}

static void
encode(void **state)
{
	static const struct {
		const char *name, *value, *text;
	} rows[] = {
		{ "SN", "1", "IoTDisco;SN:1" },
		{ "A", "x;y\\z:w", "IoTDisco;A:x\\;y\\\\z:w" },
		{ "A", "", "IoTDisco;A:" },
		{ "A;B", "1", "IoTDisco;A\\;B:1" },
		{ "A", "1 ", "IoTDisco;A:1 ;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tags t = { 0 }, back = { 0 };
		struct buf b = { 0 };
		char *registry;

		print_message("  %s\n", rows[i].text);
		assert_int_equal(
		    tags_add(&t, rows[i].name, rows[i].value, false, NULL), OK);
		iotdisco_encode(&t, &b);
		assert_string_equal(b.data, rows[i].text);
		assert_int_equal(
		    iotdisco_decode(b.data, &back, &registry, NULL), OK);
		assert_int_equal(back.n, 1);
		assert_string_equal(back.v[0].name, rows[i].name);
		assert_string_equal(back.v[0].value, rows[i].value);
		buf_fini(&b);
		tags_fini(&t);
		tags_fini(&back);
	}
}

static void
encode_k1(void **state)
{
	struct tags t = { 0 };
	struct buf b = { 0 };
	char *registry;

	(void)state;
	assert_int_equal(iotdisco_decode(K1, &t, &registry, NULL), OK);
	iotdisco_encode(&t, &b);
	assert_string_equal(b.data, K1);
	buf_fini(&b);
	tags_fini(&t);
}

static unsigned seed = 1;

/* Code points from everywhere, those that forms and URIs care for most. */
static void
random_text(struct buf *b, int most, const char *never)
{
	static const char *const points[] = { ";", "\\", "%", "=", ":", "#",
		"<", ">", "~", "&", "'", "\"", "+", " ", "/", "?", "a", "Z",
		"0", "41", "R", "\xc3\xa4", "\xd0\x96", "\xd8\xb9",
		"\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\xe2\x80\x8b" };

	for (int n = rand_r(&seed) % (most + 1); n > 0; n--) {
		const char *p = points[(size_t)rand_r(&seed) %
		    (sizeof(points) / sizeof(points[0]))];

		if (!strpbrk(p, never))
			buf_puts(b, p);
	}
	buf_puts(b, "");
}

static void
random_tags(struct tags *t)
{
	for (int i = rand_r(&seed) % 6; i >= 0; i--) {
		struct buf name = { 0 }, value = { 0 };
		bool num = rand_r(&seed) % 4 == 0;

		random_text(&name, 12, " :#");
		if (num)
			buf_printf(&value, "%d.%de%d", rand_r(&seed) % 100,
			    rand_r(&seed) % 100, rand_r(&seed) % 20 - 10);
		else
			random_text(&value, 40, "\t");
		(void)!tags_add(t, name.data, value.data, num, NULL);
		buf_fini(&name);
		buf_fini(&value);
	}
}

static void
assert_same(const struct tags *a, const struct tags *b, const char *text)
{
	if (a->n != b->n)
		fail_msg("%s", text);
	for (size_t i = 0; i < a->n; i++) {
		assert_string_equal(a->v[i].name, b->v[i].name);
		assert_string_equal(a->v[i].value, b->v[i].value);
		assert_int_equal(a->v[i].num, b->v[i].num);
	}
}

static void
encoding_and_decoding_are_inverse(void **state)
{
	int uris = 0;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		const char *registry =
		    round % 2 ? "registry.example.org" : NULL;
		struct tags t = { 0 }, back = { 0 };
		struct buf b = { 0 };
		char *r = NULL;

		random_tags(&t);
		if (t.n == 0)
			continue;
		iotdisco_encode(&t, &b);
		assert_int_equal(iotdisco_decode(b.data, &back, &r, NULL), OK);
		assert_same(&t, &back, b.data);
		assert_null(r);
		tags_fini(&back);
		buf_fini(&b);
		if (iotdisco_encode_uri(&t, registry, &b) == OK) {
			uris++;
			assert_int_equal(
			    iotdisco_decode(b.data, &back, &r, NULL), OK);
			assert_same(&t, &back, b.data);
			assert_int_equal(strpbrk(b.data, " <>\"") != NULL, 0);
			if (registry)
				assert_string_equal(r, registry);
			else
				assert_null(r);
		}
		free(r);
		tags_fini(&back);
		tags_fini(&t);
		buf_fini(&b);
	}
	assert_in_range(uris, 3000, 5000);
}

static void
encode_uri(void **state)
{
	struct tags t = { 0 };
	struct buf b = { 0 };
	char *registry;

	(void)state;
	assert_int_equal(iotdisco_decode(K1, &t, &registry, NULL), OK);
	assert_int_equal(
	    iotdisco_encode_uri(&t, "registry.example.org", &b), OK);
	assert_string_equal(b.data,
	    "iotdisco:SN=394872348732948723;MAN=www.ktc.se;MODEL=IMC;#V=1.2;"
	    "KEY=4857402340298342;R=registry.example.org");
	b.len = 0;
	assert_int_equal(tags_add(&t, "r", "1", false, NULL), OK);
	assert_int_equal(iotdisco_encode_uri(&t, NULL, &b), ERR_UNSUP);
	assert_int_equal(b.len, 0);
	assert_true(tags_remove(&t, "R") && tags_remove(&t, "KEY"));
	assert_int_equal(tags_add(&t, "JID", "a@b", false, NULL), OK);
	assert_int_equal(iotdisco_encode_uri(&t, NULL, &b), ERR_UNSUP);
	buf_fini(&b);
	tags_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(error_names_the_segment_not_the_key),
		cmocka_unit_test(too_long),
		cmocka_unit_test(encode),
		cmocka_unit_test(encode_k1),
		cmocka_unit_test(encode_uri),
		cmocka_unit_test(encoding_and_decoding_are_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
