#include "registry/stats.h"

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "registry/db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *const names[STATS] = {
	[STAT_THINGS] = "things",
	[STAT_UNCLAIMED] = "unclaimed",
	[STAT_PRIVATE] = "private",
	[STAT_PUBLIC] = "public",
	[STAT_SELF_OWNED] = "self_owned",
	[STAT_ACCOUNTS] = "accounts",
	[STAT_OWNERS] = "owners",
	[STAT_TAGS] = "tags",
	[STAT_NOTICES] = "notices",
	[STAT_BYTES] = "bytes",
};

/* In the order of enum stat_what, up to STAT_BYTES. */
static const char count_them[] =
    "SELECT count(*),"
    " count(*) FILTER (WHERE owner IS NULL),"
    " count(*) FILTER (WHERE owner <> jid AND NOT public),"
    " count(*) FILTER (WHERE owner <> jid AND public),"
    " count(*) FILTER (WHERE owner = jid),"
    " count(DISTINCT jid),"
    " count(DISTINCT owner) FILTER (WHERE owner <> jid),"
    " (SELECT count(*) FROM tag),"
    " (SELECT count(*) FROM notice)"
    " FROM thing";

static int64_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

enum err
stats_read(const char *path, struct stats *out, struct errbuf *eb)
{
	char *journal = mem_printf("%s-wal", path);
	sqlite3_stmt *st = NULL;
	struct db *db;
	enum err e = db_open_beside(path, &db, eb);

	out->n[STAT_BYTES] = size_of(path) + size_of(journal);
	free(journal);
	if (e != OK)
		return e;
	e = db_query(db, count_them, &st);
	if (e == OK)
		e = db_query_step(db, st);
	for (int i = 0; e == OK && i < STAT_BYTES; i++)
		out->n[i] = sqlite3_column_int64(st, i);
	sqlite3_finalize(st);
	db_close(db);
	return e == OK
	    ? OK
	    : errbuf_set(eb, ERR_IO, "%s: it could not be read", path);
}

void
stats_print(const struct stats *s, bool json, FILE *out)
{
	for (int i = 0; i < STATS; i++)
		if (json)
			fprintf(out, "%c\"%s\":%" PRId64, i ? ',' : '{',
			    names[i], s->n[i]);
		else
			fprintf(out, "%-12s%" PRId64 "\n", names[i], s->n[i]);
	if (json)
		fputs("}\n", out);
}

void
stats_log(const struct stats *s)
{
	struct buf line = { 0 };

	for (int i = 0; i < STATS; i++)
		buf_printf(&line, " %s=%" PRId64, names[i], s->n[i]);
	log_info("stats", "the store holds%s", line.data);
	buf_fini(&line);
}
