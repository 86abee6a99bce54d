#include "tests/thingsim/schedule.h"

#include "common/mem.h"
#include "config/value.h"
#include "tests/thingsim/action.h"

#include <stdlib.h>
#include <string.h>

enum when { WHEN_WINDOW, WHEN_EVERY, WHEN_CHANCE };
enum { PPM_MAX = 1000000 };

struct rule {
	struct bus *bus;
	struct unit *unit; /* NULL: all of the bus */
	enum when when;
	int64_t from_ns, for_ns; /* window; every: from_ns is the period */
	uint64_t ppm;            /* chance, in millionths */
	struct fault fault;
	uint64_t id; /* tells its chances from another's */
	bool on, ended;
	int64_t begun_ns; /* the window that is on or comes next */
	struct timer timer;
};

static enum err
get_ns(const char *text, int64_t *ns)
{
	int64_t ms;
	enum err e = value_duration(text, &ms);

	*ns = e == OK ? ms * 1000000 : 0;
	return e;
}

/* "10s..12s" */
static enum err
parse_window(struct rule *r, char *word)
{
	char *dots = strstr(word, "..");
	int64_t to;

	if (!dots)
		return ERR_PROTO;
	*dots = '\0';
	r->when = WHEN_WINDOW;
	if (get_ns(word, &r->from_ns) != OK || get_ns(dots + 2, &to) != OK)
		return ERR_PROTO;
	r->for_ns = to - r->from_ns;
	return r->for_ns > 0 ? OK : ERR_PROTO;
}

/* "30s for 2s" */
static enum err
parse_every(struct rule *r, char **rest)
{
	const char *period = strtok_r(*rest, " ", rest);
	const char *word = strtok_r(*rest, " ", rest);
	const char *length = strtok_r(*rest, " ", rest);

	r->when = WHEN_EVERY;
	if (!period || !word || !length || strcmp(word, "for") != 0 ||
	    get_ns(period, &r->from_ns) != OK ||
	    get_ns(length, &r->for_ns) != OK)
		return ERR_PROTO;
	return r->for_ns > 0 && r->for_ns < r->from_ns ? OK : ERR_PROTO;
}

/* "5%" or "0.1%" */
static enum err
parse_chance(struct rule *r, char **rest)
{
	char *word = strtok_r(*rest, " ", rest);
	size_t len = word ? strlen(word) : 0;
	struct num percent;

	r->when = WHEN_CHANCE;
	if (len < 2 || word[len - 1] != '%')
		return ERR_PROTO;
	word[len - 1] = '\0';
	if (num_parse(word, &percent) != OK ||
	    num_round(percent, 4, &percent) != OK || percent.mant < 0 ||
	    percent.mant > PPM_MAX)
		return ERR_PROTO;
	r->ppm = (uint64_t)percent.mant;
	return OK;
}

static enum err
parse(struct rule *r, const char *text, struct errbuf *eb)
{
	char *copy = mem_strdup(text), *rest = copy;
	char *word = strtok_r(rest, " ", &rest);
	enum err e = ERR_PROTO;

	if (word && strcmp(word, "every") == 0)
		e = parse_every(r, &rest);
	else if (word && strcmp(word, "chance") == 0)
		e = parse_chance(r, &rest);
	else if (word)
		e = parse_window(r, word);
	if (e == OK)
		e = fault_parse(rest ? rest : "", &r->fault, eb);
	else
		errbuf_set(eb, e,
		    "%s: not FROM..TO, every TIME for TIME or chance N%%, "
		    "then a fault",
		    text);
	if (e == OK && r->when == WHEN_CHANCE &&
	    fault_scope(r->fault.kind) == SCOPE_BUS && !r->unit)
		e = errbuf_set(eb, ERR_RANGE,
		    "fault %s: not by chance of a whole bus",
		    fault_name(r->fault.kind));
	free(copy);
	return e;
}

static void
join(struct rule *r, struct unit *u)
{
	u->rules = mem_grow(
	    u->rules, u->n_rules, &u->cap_rules, sizeof(struct rule *));
	u->rules[u->n_rules++] = r;
}

enum err
schedule_add(struct bus *b, struct unit *u, const char *text, struct rule **out,
    struct errbuf *eb)
{
	struct plant *p = b->plant;
	struct rule *r = mem_zalloc(sizeof(*r));
	enum err e;

	*out = NULL;
	r->bus = b;
	r->unit = u;
	e = parse(r, text, eb);
	if (e != OK) {
		free(r);
		return e;
	}
	r->id = p->n_rules;
	p->rules = mem_grow(
	    p->rules, p->n_rules, &p->cap_rules, sizeof(struct rule *));
	p->rules[p->n_rules++] = r;
	for (size_t i = 0; i < b->n_units; i++)
		if (!u || u == b->units[i])
			join(r, b->units[i]);
	*out = r;
	return OK;
}

static void
switch_rule(struct rule *r, bool on)
{
	if (r->on == on)
		return;
	r->on = on;
	if (fault_scope(r->fault.kind) == SCOPE_REQUEST)
		return;
	if (on)
		action_begin(r->bus, r->unit, &r->fault);
	else
		action_end(r->bus, r->unit, &r->fault);
}

/* At the beginning of a window, and at its end. */
static void
on_time(void *arg)
{
	struct rule *r = arg;
	struct loop *l = r->bus->plant->loop;

	switch_rule(r, !r->on);
	if (r->on) {
		timer_at(l, &r->timer, r->begun_ns + r->for_ns);
		return;
	}
	if (r->when != WHEN_EVERY)
		return;
	r->begun_ns += r->from_ns;
	timer_at(l, &r->timer, r->begun_ns);
}

void
schedule_begin(struct rule *r)
{
	if (r->when == WHEN_CHANCE)
		return;
	r->timer.fn = on_time;
	r->timer.arg = r;
	r->begun_ns = loop_ns() + r->from_ns;
	timer_at(r->bus->plant->loop, &r->timer, r->begun_ns);
}

void
schedule_end(struct bus *b, struct unit *u)
{
	struct plant *p = b->plant;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct rule *r = p->rules[i];

		if (r->bus != b || (u && r->unit != u))
			continue;
		timer_stop(p->loop, &r->timer);
		switch_rule(r, false);
		r->ended = true;
	}
}

void
schedule_free(struct rule *r)
{
	timer_stop(r->bus->plant->loop, &r->timer);
	free(r);
}

static bool
happens(const struct rule *r, const struct unit *u)
{
	const struct plant *p = r->bus->plant;
	uint64_t x;

	if (r->when != WHEN_CHANCE)
		return r->on;
	x = plant_random(p, u->name, r->id << 48 ^ u->requests);
	return x % PPM_MAX < r->ppm;
}

struct fault
schedule_pick(struct unit *u, bool write)
{
	for (size_t i = 0; i < u->n_rules; i++) {
		const struct rule *r = u->rules[i];

		if (r->ended || !fault_concerns(&r->fault, write) ||
		    !happens(r, u))
			continue;
		if (fault_scope(r->fault.kind) == SCOPE_REQUEST)
			return r->fault;
		if (r->when == WHEN_CHANCE)
			action_begin(u->bus, u, &r->fault);
	}
	return (struct fault){ 0 };
}
