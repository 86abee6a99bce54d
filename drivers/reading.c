#include "drivers/reading.h"

#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_text(uint8_t type)
{
	return type == VALUE_TEXT || type == VALUE_WORD;
}

void
kept_set(struct kept *k, const struct value *v)
{
	if (is_text(k->type))
		free(k->text);
	memset(k, 0, sizeof(*k));
	if (!v)
		return;
	k->type = (uint8_t)v->type;
	if (is_text(k->type)) {
		k->text = mem_strdup(v->text);
	} else if (v->type == VALUE_BOOL) {
		k->on = v->on;
	} else {
		k->mant = v->num.mant;
		k->dec = v->num.dec;
	}
}

void
kept_get(const struct kept *k, struct value *out)
{
	out->type = (enum value_type)k->type;
	if (is_text(k->type))
		snprintf(out->text, sizeof(out->text), "%s", k->text);
	else if (k->type == VALUE_BOOL)
		out->on = k->on;
	else
		out->num = (struct num){ k->mant, k->dec };
}

void
drv_event_reading(const struct drv_event *ev, size_t i, struct reading *out)
{
	const struct drv_reading *r = &ev->r[i];

	out->field = r->field;
	out->quality = (enum quality)r->quality;
	out->why = r->why;
	out->impossible = r->impossible;
	kept_get(&r->value, &out->value);
}

void
drv_event_free(void *event)
{
	struct drv_event *ev = event;

	if (!ev)
		return;
	for (size_t i = 0; i < ev->n; i++)
		kept_set(&ev->r[i].value, NULL);
	free(ev->answer);
	free(ev);
}
