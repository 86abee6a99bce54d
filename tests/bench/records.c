/* The registry's records without the registry: what things, tagstore and
 * notices take for requests that come in batches, to be held against
 * bare_sqlite.  Usage: records FILE FIRST COUNT BATCH; prints the rates. */
#include "registry/notices.h"
#include "registry/things.h"
#include "tests/bench/things.h"

#include <stdio.h>
#include <stdlib.h>

static struct db *db;
static struct things *things;
static struct peers *peers;
static struct notices *notices;

static void
must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "records: %s: %s\n", what, err_str(e));
	exit(1);
}

static void
begin(void)
{
	must(db_write(db), "begin");
}

static void
commit(void)
{
	must(db_commit(db), "commit");
}

static struct thing_origin
origin(const struct bench_thing *t)
{
	return (struct thing_origin){
		.key = { .jid = t->jid,
		    .node = { .node = t->node, .source = "", .cache = "" } },
		.via = t->jid,
	};
}

static void
add(struct tags *tags, const struct bench_thing *t, int k)
{
	must(tags_add(tags, bench_names[k], t->value[k], bench_is_num[k], NULL),
	    "tag");
}

static void
do_register(struct bench_thing *t)
{
	const struct thing_origin from = origin(t);
	struct tags tags = { 0 };
	struct thing claimed;

	for (int k = 0; k < BENCH_TAGS; k++)
		add(&tags, t, k);
	must(
	    things_register(things, &from, &tags, false, &claimed), "register");
	must(notices_void(notices, &from.key), "void");
	tags_fini(&tags);
}

static void
do_mine(struct bench_thing *t)
{
	struct tags tags = { 0 };
	struct thing claimed;
	bool news;

	for (int k = 0; k < BENCH_TAGS; k++)
		add(&tags, t, k);
	must(things_claim(things,
		 &(struct thing_claim){ .owner = t->owner,
		     .is_public = true,
		     .tags = &tags,
		     .node = { .node = "", .source = "", .cache = "" } },
		 &claimed, &news),
	    "mine");
	must(notices_add(notices, DISC_CLAIMED, &claimed), "notice");
	thing_fini(&claimed);
	tags_fini(&tags);
}

static void
do_update(struct bench_thing *t)
{
	const struct thing_origin from = origin(t);
	struct tags tags = { 0 };

	add(&tags, t, BENCH_V);
	must(things_update(things, &from, &tags), "update");
	tags_fini(&tags);
}

int
main(int argc, char **argv)
{
	enum { LEASE_MS = 600000 };
	static const struct bench_round rounds[] = {
		{ "register", "1.0", do_register },
		{ "mine", "1.0", do_mine },
		{ "update", "1.1", do_update },
	};
	struct bench_job job = { .begin = begin, .end = commit };
	struct errbuf eb;

	must(db_open(bench_args(argc, argv, &job), &db, &eb), "open");
	must(things_new(db, TAGS_MAX, &things, &eb), "things");
	must(peers_new(db, &clock_system, LEASE_MS, &peers, &eb), "peers");
	must(notices_new(db, peers, &clock_system, &notices, &eb), "notices");
	for (size_t i = 0; i < sizeof(rounds) / sizeof(*rounds); i++)
		bench_run(&rounds[i], &job);
	notices_free(notices);
	peers_free(peers);
	things_free(things);
	db_close(db);
	return 0;
}
