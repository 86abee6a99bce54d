#include "gateway/readout_impl.h"

#include "common/buf.h"
#include "common/mem.h"
#include "gateway/keeper.h"
#include "gateway/plant.h"

#include <string.h>

enum { FAILURE_MAX = 2000 };

static unsigned
type_of(const struct field *f)
{
	switch (f->kind) {
	case KIND_MOMENTARY:
	case KIND_COUNTER:
		break;
	case KIND_STATUS:
		return SD_STATUS;
	case KIND_IDENTITY:
		return SD_IDENTITY;
	case KIND_PEAK:
		return SD_PEAK;
	}
	return SD_MOMENTARY;
}

void
sd_of(const struct field *f, const struct value *v, char text[VISIT_TEXT],
    struct sd_value *out)
{
	static const enum sd_kind kinds[] = { [VALUE_NUM] = SD_NUMERIC,
		[VALUE_BOOL] = SD_BOOLEAN,
		[VALUE_TEXT] = SD_STRING,
		[VALUE_WORD] = SD_ENUM };

	value_text(v, text);
	*out = (struct sd_value){ .kind = kinds[v->type],
		.name = f->name,
		.value = text,
		.unit = f->unit,
		.data_type = f->name,
		.qualities = SD_AUTOMATIC_READOUT };
}

static bool
wants(const struct visit *v, const struct item *it, const struct field *f)
{
	return visit_wants(v, it, f->name, type_of(f));
}

/* Why nothing can be read of a device at present; NULL: it may answer. */
static const char *
silent(const struct visit *v, const struct node *n)
{
	const char *down;

	if (!n->cfg->enabled)
		return "the node is disabled";
	down = plant_down(v->of->gw->plant, n->cfg->on);
	if (*down)
		return down;
	if (n->device != UNIT_OFFLINE)
		return NULL;
	return n->trouble ? n->trouble : "the device does not answer";
}

bool
now_known(const struct visit *v, const struct item *it, const struct node *n)
{
	int64_t mono = clock_mono(v->of->gw->clock);
	bool known = true;

	for (size_t i = 0; known && i < n->n_points; i++)
		known = node_current(n, i, mono) ||
		    !wants(v, it, &n->cfg->tmpl->fields[i]);
	return known || (it->until && mono >= it->until) || silent(v, n);
}

/* Least and most of today, when they were. */
static void
tell_today(struct visit *v, const struct item *it, struct node *n, size_t i)
{
	static const char *const names[] = { "Min", "Max" };
	struct gateway *gw = v->of->gw;
	const struct field *f = &n->cfg->tmpl->fields[i];
	struct series *s = f->keep_ms && visit_wants(v, it, f->name, SD_PEAK)
	    ? keeper_series(gw->keeper, n, i)
	    : NULL;
	struct sum sum;

	if (!s ||
	    !history_today(
		keeper_history(gw->keeper), s, clock_utc(gw->clock), &sum))
		return;
	for (int k = 0; k < 2 && v->left; k++)
		visit_number(v, it,
		    &(struct derived){ f, names[k], k ? sum.max : sum.min,
			SD_PEAK, k ? sum.max_at : sum.min_at });
}

/* A field that the device says has no value is told as such. */
static void
tell_field(
    struct visit *v, const struct item *it, const struct node *n, size_t i)
{
	const struct tmpl *t = n->cfg->tmpl;
	const struct point *p = &n->points[i];
	int64_t at = p->at_utc;
	char text[VISIT_TEXT];
	struct sd_value out;
	struct value value;

	if (p->quality == QUALITY_MISSING) {
		value = (struct value){ .type = VALUE_TEXT };
		at = clock_utc(v->of->gw->clock) -
		    (clock_mono(v->of->gw->clock) - p->tried_mono);
	} else {
		kept_get(&p->value, &value);
	}
	sd_of(&t->fields[i], &value, text, &out);
	out.types = type_of(&t->fields[i]);
	if (p->quality == QUALITY_MISSING)
		out.qualities |= SD_MISSING;
	out.has_writable = true;
	out.writable = tmpl_find_control(t, t->fields[i].name) != NULL;
	visit_value(v, it, at, &out);
}

/* What could not be told: for one cause that all share it is said once. */
struct bad {
	struct buf text;
	const char *why;
	bool differs;
	size_t n;
};

static void
add_bad(struct bad *b, const char *field, const char *why)
{
	b->differs |= b->n++ && strcmp(b->why, why) != 0;
	b->why = why;
	if (b->text.len < FAILURE_MAX)
		buf_printf(
		    &b->text, "%s%s: %s", b->text.len ? "; " : "", field, why);
}

void
now_tell(struct visit *v, struct item *it, struct node *n)
{
	int64_t mono = clock_mono(v->of->gw->clock);
	const char *late = silent(v, n);
	struct bad bad = { 0 };
	size_t told = 0;

	if (!late)
		late = "the device has not been read in time";
	for (size_t i = 0; i < n->n_points && v->left; i++) {
		const struct field *f = &n->cfg->tmpl->fields[i];
		const struct point *p = &n->points[i];

		tell_today(v, it, n, i);
		if (!wants(v, it, f) || !v->left)
			continue;
		if (!node_current(n, i, mono)) {
			add_bad(&bad, f->name, late);
		} else if (p->quality == QUALITY_ERROR) {
			add_bad(&bad, f->name, p->why ? p->why : late);
		} else {
			tell_field(v, it, n, i);
			told++;
		}
	}
	if (bad.n)
		it->failure = told == 0 && !bad.differs
		    ? mem_strdup(bad.why)
		    : mem_strdup(bad.text.data);
	buf_fini(&bad.text);
}
