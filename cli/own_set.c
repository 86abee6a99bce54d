/* set: values to a thing; form: what of it can be set. */
#include "cli/say.h"
#include "cli/visit.h"
#include "common/mem.h"
#include "protocol/control.h"
#include "protocol/stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct opt own_thing_opts[] = { VISIT_OPTIONS, { NULL, 0, NULL, NULL } };

/* --- set --- */

struct setting {
	struct visit v;
	struct ctl_set set;
};

static int
add_value(struct setting *s, char *word)
{
	char *value = strchr(word, '=');

	if (!value || value == word)
		return verb_usage(s->v.call,
		    "\"%s\" is not FIELD=VALUE (thingowner form THING shows "
		    "what can be set)",
		    word);
	*value++ = '\0';
	for (size_t i = 0; i < s->set.n; i++) {
		if (strcmp(s->set.v[i].name, word) == 0)
			return verb_usage(s->v.call, "%s is set twice", word);
	}
	s->set.v[s->set.n++] = (struct ctl_param){ CTL_FORM, word, value };
	return EXIT_OK;
}

/* Says what was not done of it: the thing may do less than it was asked. */
static int
tell_reduced(const struct setting *s, const struct names *done)
{
	size_t left = 0;

	for (size_t i = 0; i < s->set.n && done->n; i++) {
		if (names_has(done, s->set.v[i].name))
			continue;
		left++;
		say("%s was not set: you have no right to it",
		    s->set.v[i].name);
	}
	return left ? EXIT_PARTLY : EXIT_OK;
}

static void
print_set(const struct setting *s, const struct names *done)
{
	json_t *set = json_object();

	for (size_t i = 0; i < s->set.n; i++) {
		const struct ctl_param *p = &s->set.v[i];

		if (!done->n || names_has(done, p->name))
			json_object_set_new(
			    set, p->name, json_string(p->value));
	}
	if (own_mode(s->v.call) == OUT_JSON) {
		json_t *o = json_pack("{s:i, s:s, s:s, s:O}", "schema", 1,
		    "jid", s->v.bare, "node", s->v.name.node.node, "set", set);

		out_json(o);
		json_decref(o);
	} else {
		for (size_t i = 0; i < s->set.n; i++) {
			if (json_object_get(set, s->set.v[i].name))
				printf("%s = %s\n", s->set.v[i].name,
				    s->set.v[i].value);
		}
	}
	json_decref(set);
}

static int
done(struct setting *s, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *el = stanza_payload(stanza, NULL);
	struct node_refs nodes = { 0 };
	struct names params = { 0 };
	int code;

	if (el &&
	    (strcmp(xmpp_stanza_get_name(el), "setResponse") != 0 ||
		ctl_done_parse(el, &nodes, &params, NULL) != OK)) {
		code = say_exit(EXIT_FAILED,
		    "%s has answered what cannot be understood; whether it was "
		    "set is not known: read it",
		    s->v.to);
	} else {
		code = tell_reduced(s, &params);
		print_set(s, &params);
	}
	names_fini(&params);
	node_refs_fini(&nodes);
	return code;
}

static void
on_set(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct setting *s = arg;
	const char *param;
	char *text = NULL;

	if (outcome == IQ_RESULT) {
		visit_end(&s->v, done(s, stanza));
		return;
	}
	param = stanza ? ctl_find_param_error(stanza, &text) : NULL;
	if (param)
		say("%s: %s", param, text);
	free(text);
	visit_end(&s->v, visit_refused(&s->v, "set", outcome, stanza, true));
}

static void
go_set(struct visit *v)
{
	struct setting *s = (struct setting *)v;

	visit_ask(v, "set", ctl_set_build(visit_ctx(v), &s->set), on_set);
}

static int
prepare_set(struct setting *s)
{
	const struct call *c = s->v.call;
	int code = visit_open(&s->v);

	if (code != EXIT_OK)
		return code;
	if (s->v.rest == c->argc)
		return verb_usage(c, "what is to be set? Give FIELD=VALUE");
	if (*s->v.name.node.node)
		node_refs_add(&s->set.nodes, &s->v.name.node);
	s->set.v = mem_array((size_t)c->argc, sizeof(*s->set.v));
	for (int i = s->v.rest; i < c->argc && code == EXIT_OK; i++)
		code = add_value(s, c->argv[i]);
	return code;
}

int
own_set(const struct call *c)
{
	struct setting s = {
		.v = { .call = c, .feature = CONTROL_NS, .go = go_set },
		.set = { .tokens = { "", "", "" } },
	};
	int code = prepare_set(&s);

	if (code == EXIT_OK)
		code = visit_run(&s.v);
	else
		visit_close(&s.v);
	ctl_set_fini(&s.set);
	return code;
}

/* --- form --- */

static char *
range_text(const json_t *row)
{
	const char *min = out_string(row, "min"), *max = out_string(row, "max");
	const json_t *options = json_object_get(row, "options"), *o;
	struct buf b = { 0 };
	size_t i;

	if (*min || *max)
		buf_printf(&b, "%s..%s", min, max);
	json_array_foreach(options, i, o)
	{
		buf_printf(
		    &b, "%s%s", b.len ? " | " : "", json_string_value(o));
	}
	if (!b.len)
		buf_puts(&b, "-");
	return buf_take(&b);
}

static const struct column form_columns[] = {
	{ .title = "FIELD", .member = "name" },
	{ .title = "VALUE", .member = "value", .right = true },
	{ .title = "TYPE", .member = "type" },
	{ .title = "RANGE", .text = range_text },
	{ .title = "LABEL", .member = "label" },
	{ .title = NULL },
};

static json_t *
text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *
field_json(const struct form_field *f)
{
	json_t *options = json_array();

	for (size_t i = 0; i < f->n_options; i++)
		json_array_append_new(
		    options, json_string(f->options[i].value));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", f->var,
	    "value", text_or_null(f->value), "type",
	    text_or_null(f->datatype ? f->datatype : f->type), "min",
	    text_or_null(f->min), "max", text_or_null(f->max), "label",
	    text_or_null(f->label), "options", options);
}

static int
print_form(const struct visit *v, const struct form *f)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].var && strncmp(f->v[i].var, "xdd ", 4) != 0)
			json_array_append_new(rows, field_json(&f->v[i]));
	}
	if (own_mode(v->call) == OUT_JSON) {
		json_t *o = json_pack("{s:i, s:s, s:s, s:O}", "schema", 1,
		    "jid", v->bare, "node", v->name.node.node, "form", rows);

		out_json(o);
		json_decref(o);
	} else if (json_array_size(rows)) {
		out_rows(own_mode(v->call), form_columns, rows);
	} else {
		say("nothing of it can be set");
	}
	json_decref(rows);
	return EXIT_OK;
}

static void
on_form(void *arg, enum iq_outcome outcome, xmpp_stanza_t *stanza)
{
	struct visit *v = arg;
	xmpp_stanza_t *x =
	    outcome == IQ_RESULT ? stanza_payload(stanza, NULL) : NULL;
	struct form form = { 0 };
	struct errbuf eb = { "" };
	int code;

	if (outcome != IQ_RESULT)
		code = visit_refused(v, "read", outcome, stanza, false);
	else if (!x || form_parse(x, &form, &eb) != OK)
		code = say_exit(EXIT_FAILED, "its answer is no form%s%s",
		    *eb.text ? ": " : "", eb.text);
	else
		code = print_form(v, &form);
	form_fini(&form);
	visit_end(v, code);
}

static void
go_form(struct visit *v)
{
	struct ctl_set s = { .tokens = { "", "", "" } };

	if (*v->name.node.node)
		node_refs_add(&s.nodes, &v->name.node);
	visit_ask(v, "get", ctl_form_build(visit_ctx(v), &s), on_form);
	ctl_set_fini(&s);
}

int
own_form(const struct call *c)
{
	struct visit v = { .call = c, .feature = CONTROL_NS, .go = go_form };
	int code = visit_open(&v);

	if (code == EXIT_OK && v.rest < c->argc)
		code = verb_usage(c, "\"%s\" is too much", c->argv[v.rest]);
	if (code == EXIT_OK)
		return visit_run(&v);
	visit_close(&v);
	return code;
}
