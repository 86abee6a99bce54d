#include "gateway/meta.h"

#include "common/log.h"
#include "common/mem.h"
#include "protocol/xmltype.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool
meta_is_claim(const char *name)
{
	static const char *const names[] = { "SN", "MAN", "MODEL", "V" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Tags were checked when the configuration was read; what a device wrote may
 * still be too long or no number. */
static void
set(const struct node *n, struct tags *t, const char *name, const char *value,
    bool num)
{
	struct errbuf eb;

	if (tags_set(t, name, value, num, &eb) != OK)
		log_warn("meta", "node %s: tag %s left out: %s", n->id, name,
		    eb.text);
}

/* Joins the identity values that "@a,@b" names.
 * Returns 1 found, 0 not known, -1 not known yet. */
static int
identity(const struct node *n, const char *spec, char out[VALUE_TEXT_SIZE])
{
	size_t len = 0;

	out[0] = '\0';
	while (*spec == '@') {
		char name[64], text[VALUE_TEXT_SIZE];
		size_t k = strcspn(++spec, ",");
		const struct field *f;
		size_t field;

		snprintf(name, sizeof(name), "%.*s", (int)k, spec);
		spec += k;
		while (*spec == ',' || *spec == ' ')
			spec++;
		f = tmpl_find(n->cfg->tmpl, name);
		if (!f)
			return 0;
		field = (size_t)(f - n->cfg->tmpl->fields);
		if (n->points[field].at_utc == 0)
			return n->once_done ? 0 : -1;
		point_text(n, field, text);
		len += (size_t)snprintf(
		    out + len, VALUE_TEXT_SIZE - len, "%s", text);
		if (len >= VALUE_TEXT_SIZE)
			return 0;
	}
	return len > 0;
}

/* Adds one claim tag; false while its identity value is waited for. */
static bool
claim_tag(const struct node *n, struct tags *t, const char *name,
    const char *value, bool num)
{
	char text[VALUE_TEXT_SIZE];
	const struct tag *old;
	int known;

	if (value[0] != '@') {
		set(n, t, name, value, num);
		return true;
	}
	known = identity(n, value, text);
	old = tags_find(&n->claim, name);
	if (known > 0)
		set(n, t, name, text, num);
	else if (old)
		set(n, t, name, old->value, old->num);
	return known >= 0 || old;
}

static bool
claimed_by_config(const struct node *n, const char *name)
{
	for (size_t i = 0; i < n->cfg->n_claim; i++) {
		if (strcasecmp(n->cfg->claim[i].name, name) == 0)
			return true;
	}
	return false;
}

bool
meta_claim(const struct node *n, struct tags *out)
{
	const struct tmpl *tmpl = n->cfg->tmpl;
	bool ready = true;

	for (size_t i = 0; i < tmpl->n_tags; i++) {
		const struct tmpl_tag *g = &tmpl->tags[i];

		if (meta_is_claim(g->name) && !claimed_by_config(n, g->name))
			ready &= claim_tag(n, out, g->name, g->value, g->num);
	}
	for (size_t i = 0; i < n->cfg->n_claim; i++) {
		const struct cfg_tag *g = &n->cfg->claim[i];

		ready &= claim_tag(n, out, g->name, g->value, g->num);
	}
	tags_drop_empty(out);
	return ready;
}

bool
meta_freeze(struct node *n)
{
	struct tags t = { 0 };

	if (!meta_claim(n, &t)) {
		tags_fini(&t);
		return false;
	}
	tags_fini(&n->claim);
	n->claim = t;
	n->frozen = true;
	return true;
}

static void
wanted_from(const struct node *n, struct tags *out, const struct cfg_tag *tags,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (tags[i].value[0] != '@')
			set(n, out, tags[i].name, tags[i].value, tags[i].num);
	}
}

static void
wanted_from_template(const struct node *n, struct tags *out)
{
	const struct tmpl *tmpl = n->cfg->tmpl;

	if (tmpl->class_)
		set(n, out, "CLASS", tmpl->class_, false);
	for (size_t i = 0; i < tmpl->n_tags; i++) {
		const struct tmpl_tag *g = &tmpl->tags[i];
		const struct tag *was = tags_find(&n->acked, g->name);
		char text[VALUE_TEXT_SIZE];
		int known = 0;

		if (meta_is_claim(g->name))
			continue;
		if (g->value[0] != '@')
			set(n, out, g->name, g->value, g->num);
		else if ((known = identity(n, g->value, text)) > 0)
			set(n, out, g->name, text, g->num);
		else if (known < 0 && was) /* not read yet: stays as it was */
			set(n, out, g->name, was->value, was->num);
	}
}

void
meta_given(const struct node *n, const struct cfg *cfg, struct tags *out)
{
	if (!n->cfg)
		return;
	wanted_from_template(n, out);
	set(n, out, "NAME", n->cfg->name, false);
	wanted_from(n, out, cfg->tags, cfg->n_tags);
	wanted_from(n, out, n->cfg->tags, n->cfg->n_tags);
	for (size_t i = 0; i < n->n_follows; i++) {
		const struct follow *f = &n->follows[i];
		const struct tag *was = tags_find(&n->acked, f->tag);

		if (f->text[0])
			set(n, out, f->tag, f->text, f->num);
		else if (was) /* not read yet: what was pushed stays */
			set(n, out, f->tag, was->value, was->num);
	}
}

void
meta_wanted(const struct node *n, const struct cfg *cfg, struct tags *out)
{
	if (!n->cfg)
		return;
	meta_given(n, cfg, out);
	for (size_t i = 0; i < n->meta.n; i++)
		set(n, out, n->meta.v[i].name, n->meta.v[i].value,
		    n->meta.v[i].num);
	for (size_t i = 0; i < n->claim.n; i++)
		tags_remove(out, n->claim.v[i].name);
	tags_remove(out, "KEY");
}

void
meta_diff(const struct node *n, const struct cfg *cfg, struct tags *out)
{
	struct tags want = { 0 };

	meta_wanted(n, cfg, &want);
	for (size_t i = 0; i < want.n; i++) {
		const struct tag *g = &want.v[i];
		const struct tag *was = tags_find(&n->acked, g->name);

		if (g->value[0] ? !was || !tag_equal(was, g) : was != NULL)
			set(n, out, g->name, g->value, g->num);
	}
	for (size_t i = 0; i < n->acked.n; i++) {
		const char *name = n->acked.v[i].name;

		if (!tags_find(&want, name) && !tags_find(&n->claim, name))
			set(n, out, name, "", false);
	}
	tags_fini(&want);
}

/* Whether a value is far enough from the one pushed age ms ago; small steps
 * count when that is older than a value of the field may be. */
static bool
moved(const struct field *f, const char *pushed, const char *now, int64_t age)
{
	double a, b;

	if (strcmp(pushed, now) == 0)
		return false;
	if (!f->has_deadband || xml_double(pushed, &a) != OK ||
	    xml_double(now, &b) != OK)
		return true;
	if (f->max_age_ms > 0 && age >= f->max_age_ms)
		return true;
	return fabs(a - b) >= num_to_double(f->deadband);
}

bool
meta_follow(struct node *n, int64_t min_interval_ms, int64_t mono)
{
	bool changed = false;

	for (size_t i = 0; i < n->n_follows; i++) {
		struct follow *f = &n->follows[i];
		const struct tag *was = tags_find(&n->acked, f->tag);
		char now[VALUE_TEXT_SIZE];

		if (f->field < 0 ||
		    node_quality(n, (size_t)f->field, mono) != QUALITY_OK)
			continue;
		point_text(n, (size_t)f->field, now);
		if (f->text[0] == '\0' && was)
			snprintf(f->text, sizeof(f->text), "%s", was->value);
		if (f->text[0] &&
		    (!moved(&n->cfg->tmpl->fields[f->field], f->text, now,
			 f->pushed_mono ? mono - f->pushed_mono : 0) ||
			(f->pushed_mono &&
			    mono - f->pushed_mono < min_interval_ms)))
			continue;
		snprintf(f->text, sizeof(f->text), "%s", now);
		f->pushed_mono = mono;
		changed = true;
	}
	return changed;
}
