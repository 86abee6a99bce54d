/* A value of any type for any kind of control is refused, or means the number
 * that it says; a duration that is read is written as itself. */
#include "drivers/encode.h"
#include "gateway/parameter.h"
#include "protocol/xmltype.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char no_unit[] = "", name[] = "x", off[] = "off", autom[] = "auto";
static struct enum_word words[] = { { 0, NULL, off }, { 3, NULL, autom } };

static void
compare(const char *text, struct num v)
{
	double want, got = num_to_double(v);

	if (xml_double(text, &want) != OK || isinf(want) ||
	    fabs(want - got) > fabs(want) * 1e-15)
		abort();
}

static void
duration(const char *text)
{
	char again[PARAM_DURATION];
	int64_t ms, back;

	if (param_duration(text, &ms) != OK)
		return;
	param_duration_text(ms, again);
	if (ms < 0 || param_duration(again, &back) != OK || back != ms)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum reg_type types[] = { REG_BOOL, REG_I16, REG_U32,
		REG_I64, REG_F32, REG_STR };
	struct control k = { .f = { .name = name,
				 .unit = no_unit,
				 .label = name,
				 .scale = { 1, 0 },
				 .str_len = 8 } };
	struct errbuf why = { "" };
	struct encoded regs;
	enum ctl_type given;
	struct value v;
	char *text;

	if (size < 2)
		return 0;
	k.f.type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	k.f.scale.dec = data[0] >> 7;
	k.f.words = words;
	k.f.n_words = data[0] & 0x40 ? 2 : 0;
	given = (enum ctl_type)(data[1] % (CTL_TYPES + 1));
	text = strndup((const char *)data + 2, size - 2);
	duration(text);
	if (param_value(&k, given, text, &v, &why) == OK) {
		if (v.type == VALUE_NUM && given != CTL_BOOLEAN)
			compare(text, v.num);
		(void)!encode_value(&k, &v, 0, &regs, &why);
	}
	free(text);
	return 0;
}
