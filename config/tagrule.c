#include "config/tagrule.h"

#include "common/utf8.h"
#include "config/value.h"

#include <string.h>
#include <strings.h>

const char *
tagrule_split(const char *key, bool *num)
{
	*num = key[0] == '#';
	return key + *num;
}

/* NULL when name may be a tag's. */
static const char *
name_fault(const char *name)
{
	if (!name[0])
		return "a tag has no name";
	if (strcasecmp(name, "KEY") == 0)
		return "KEY is made by the gateway and never configured";
	if (strpbrk(name, ":# \t;\\=<>~"))
		return "a tag's name holds none of : # ; \\ = < > ~ and no "
		       "blank";
	if (utf8_count(name) > TAGRULE_NAME)
		return "a tag's name is at most 32 characters long";
	return NULL;
}

static const char *
value_fault(const char *value, bool num)
{
	const char *at = value;
	char field[TAGRULE_FIELD];

	if (value[0] == '@') {
		while (tagrule_field(&at, field))
			if (!field[0])
				return "after '@' stands the name of a field";
		return *at ? "fields are written as @one,@two" : NULL;
	}
	if (num && !value_double(value))
		return "the value of a #NAME tag is a number, or @field (in "
		       "[tags] and [tag] a comment starts with ';')";
	if (utf8_count(value) > TAGRULE_VALUE)
		return "a tag's value is at most 128 characters long";
	for (const char *p = value; *p;) {
		uint32_t cp = 0;

		p += utf8_next(p, strlen(p), &cp);
		if (!utf8_xml(cp))
			return "the value holds a character that XML forbids";
	}
	return NULL;
}

bool
tagrule_check(const char *name, const char *value, bool num, struct place at,
    struct notes *notes)
{
	const char *fault = name_fault(name);

	if (!fault)
		fault = value_fault(value, num);
	if (fault)
		note_error(notes, at, "tag %s: %s", name, fault);
	return !fault;
}

bool
tagrule_field(const char **at, char out[TAGRULE_FIELD])
{
	const char *s = *at;
	size_t n;

	if (s[0] != '@')
		return false;
	n = strcspn(s + 1, ",");
	out[0] = '\0';
	if (n < TAGRULE_FIELD) {
		memcpy(out, s + 1, n);
		out[n] = '\0';
	}
	*at = s + 1 + n + (s[1 + n] == ',' && s[2 + n] == '@');
	return true;
}

bool
tagrule_is_number(const char *name)
{
	static const char *const names[] = { "ALT", "LAT", "LON", "V" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}
