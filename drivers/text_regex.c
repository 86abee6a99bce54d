#define PCRE2_CODE_UNIT_WIDTH 8

#include "drivers/text_regex.h"

#include "common/mem.h"

#include <pcre2.h>
#include <stdlib.h>

/* A regex is the installer's, the text is the device's: neither may take the
 * machine's time or memory. */
enum {
	MATCH_LIMIT = 100000,
	HEAP_LIMIT_KB = 256,
	DEPTH_LIMIT = 10000,
};

struct text_regex {
	pcre2_code *code;
	pcre2_match_data *groups;
	pcre2_match_context *limits;
};

static void
say_why(const char *id, int error, size_t at, struct errbuf *why)
{
	char text[128] = "";

	pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
	errbuf_set(why, ERR_CONFIG, "%s: regex: %s at character %zu", id, text,
	    at + 1);
}

struct text_regex *
text_regex_new(const char *id, const char *pattern, struct errbuf *why)
{
	struct text_regex *re = mem_zalloc(sizeof(*re));
	int error = 0;
	PCRE2_SIZE at = 0;

	re->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY, &error, &at, NULL);
	if (!re->code) {
		say_why(id, error, at, why);
		text_regex_free(re);
		return NULL;
	}
	re->groups = pcre2_match_data_create_from_pattern(re->code, NULL);
	re->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(re->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(re->limits, HEAP_LIMIT_KB);
	pcre2_set_depth_limit(re->limits, DEPTH_LIMIT);
	return re;
}

void
text_regex_free(struct text_regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->limits);
	pcre2_match_data_free(re->groups);
	pcre2_code_free(re->code);
	free(re);
}

bool
text_regex_match(struct text_regex *re, struct span msg)
{
	return pcre2_match(re->code, (PCRE2_SPTR)msg.s, msg.len, 0, 0,
		   re->groups, re->limits) > 0;
}

enum err
text_regex_group(
    const struct text_regex *re, struct span msg, int n, struct span *out)
{
	const PCRE2_SIZE *at;

	if (n < 0 || (uint32_t)n >= pcre2_get_ovector_count(re->groups))
		return ERR_NOTFOUND;
	at = pcre2_get_ovector_pointer(re->groups) + (size_t)n * 2;
	if (at[0] == PCRE2_UNSET)
		return ERR_NOTFOUND;
	if (at[0] > at[1])
		return ERR_PROTO;
	*out = (struct span){ msg.s + at[0], at[1] - at[0] };
	return OK;
}
