/* The file: opened, made, found broken, set aside. */
#include "common/crc32.h"
#include "common/log.h"
#include "common/mem.h"
#include "gateway/history_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VERSION = 2,
	TIME_BITS = 42, /* of a row's id: its first reading, to the year 2109 */
	ID_MAX = 1 << 20,
};

static const char *const sql[STATEMENTS] = {
	[ST_SERIES] = "SELECT id, source, node, cache, field, keep, begin,"
		      " min_mant, min_dec, min_at, max_mant, max_dec, max_at,"
		      " owner, unit, sum FROM series",
	[ST_ADD] = "INSERT INTO series"
		   "(source, node, cache, field, keep, owner, unit)"
		   " VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_KEEP] = "UPDATE series SET keep=?2 WHERE id=?1",
	[ST_INSERT] = "INSERT OR IGNORE INTO reading VALUES(?1,?2,?3)",
	[ST_READ] = "SELECT id, data, sum FROM reading"
		    " WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
	[ST_OLDEST] = "SELECT min(id) FROM reading WHERE id BETWEEN ?1 AND ?2",
	[ST_PRUNE] = "DELETE FROM reading WHERE id BETWEEN ?1 AND ?2",
	[ST_FORGET] = "DELETE FROM series WHERE id=?1",
	[ST_TODAY] = "UPDATE series SET begin=?2, min_mant=?3, min_dec=?4,"
		     " min_at=?5, max_mant=?6, max_dec=?7, max_at=?8, sum=?9"
		     " WHERE id=?1",
};

static const char pragmas[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=4194304;";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE series("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " source TEXT NOT NULL, node TEXT NOT NULL, cache TEXT NOT NULL,"
    " owner TEXT NOT NULL, field TEXT NOT NULL, unit TEXT NOT NULL,"
    " keep INT NOT NULL, begin INT,"
    " min_mant INT, min_dec INT, min_at INT,"
    " max_mant INT, max_dec INT, max_at INT, sum INT,"
    " UNIQUE(source, node, cache, owner, field, unit));"
    "CREATE TABLE reading("
    " id INTEGER PRIMARY KEY, data BLOB NOT NULL, sum INT NOT NULL);"
    "PRAGMA user_version=2;"
    "COMMIT";

static const char from_version_1[] = "BEGIN IMMEDIATE;"
				     "ALTER TABLE series ADD COLUMN sum INT;"
				     "PRAGMA user_version=2;"
				     "COMMIT";

int64_t
history_row(const struct series *s, int64_t utc_ms)
{
	int64_t most = ((int64_t)1 << TIME_BITS) - 1;

	if (utc_ms < 0)
		utc_ms = 0;
	return s->id << TIME_BITS | (utc_ms > most ? most : utc_ms);
}

static uint32_t
add_number(uint32_t sum, int64_t v)
{
	unsigned char bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(v >> 8 * i);
	return crc32_add(sum, bytes, sizeof(bytes));
}

int64_t
history_row_sum(int64_t id, const void *data, size_t len)
{
	return crc32_add(add_number(0, id), data, len);
}

int64_t
history_today_sum(const struct series *s)
{
	const struct node_ref *n = &s->of.node;
	const struct sum *t = &s->today.sum;
	const char *const texts[] = { n->source, n->node, n->cache, s->of.owner,
		s->field, s->unit };
	const int64_t numbers[] = { s->id, t->from, t->min.mant, t->min.dec,
		t->min_at, t->max.mant, t->max.dec, t->max_at };
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		sum = crc32_add(sum, texts[i], strlen(texts[i]) + 1);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sum = add_number(sum, numbers[i]);
	return sum;
}

int
history_step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc;
}

void
history_bind(sqlite3_stmt *st, int64_t a, int64_t b)
{
	sqlite3_bind_int64(st, 1, a);
	sqlite3_bind_int64(st, 2, b);
}

bool
history_file_is_broken(int rc)
{
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

static int
number(sqlite3 *db, const char *text, int64_t *out)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, text, -1, &st, NULL);

	*out = 0;
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int64_t
history_file_bytes(const struct history *h)
{
	int64_t pages, unused, size;

	if (!h->db || number(h->db, "PRAGMA page_count", &pages) != SQLITE_OK ||
	    number(h->db, "PRAGMA freelist_count", &unused) != SQLITE_OK ||
	    number(h->db, "PRAGMA page_size", &size) != SQLITE_OK)
		return 0;
	return (pages - unused) * size;
}

void
history_file_close(struct history *h)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(h->st[i]);
		h->st[i] = NULL;
	}
	sqlite3_close(h->db);
	h->db = NULL;
}

/* A file of any other version is as good as broken. */
static int
make_schema(sqlite3 *db)
{
	int64_t version, tables = 0;
	int rc = number(db, "PRAGMA user_version", &version);

	if (rc == SQLITE_OK)
		rc = number(db, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc != SQLITE_OK || (tables && version == VERSION))
		return rc;
	if (tables && version != 1)
		return SQLITE_NOTADB;
	return sqlite3_exec(
	    db, tables ? from_version_1 : schema, NULL, NULL, NULL);
}

static int
open_file(struct history *h)
{
	mode_t mask = umask(0077);
	int rc = sqlite3_open(h->path, &h->db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h->db, pragmas, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = make_schema(h->db);
	for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(h->db, sql[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &h->st[i], NULL);
	umask(mask);
	if (rc != SQLITE_OK)
		history_file_close(h);
	return rc;
}

/* A broken file is kept for whoever wants to look, one of them. */
static void
set_aside(struct history *h)
{
	static const char *const ends[] = { "-wal", "-shm" };
	char *to = mem_printf("%s.broken", h->path);
	struct series *s;

	history_file_close(h);
	log_err("history",
	    "%s is broken, or of another version; it is kept as %s, and a new "
	    "one is begun: what was read before is lost, claims are not",
	    h->path, to);
	if (rename(h->path, to) != 0)
		(void)unlink(h->path);
	free(to);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *path = mem_printf("%s%s", h->path, ends[i]);

		(void)unlink(path);
		free(path);
	}
	SLIST_FOREACH(s, &h->all, next)
	s->id = 0;
	h->broken = h->told_garbled = false;
}

int
history_file_ready(struct history *h)
{
	int rc;

	if (h->broken)
		set_aside(h);
	rc = h->db ? SQLITE_OK : open_file(h);
	if (!history_file_is_broken(rc))
		return rc;
	set_aside(h);
	return open_file(h);
}

static const char *
column(sqlite3_stmt *st, int i)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	return text ? (const char *)text : "";
}

static void
load_today(sqlite3_stmt *st, struct series *s)
{
	struct sum *t = &s->today.sum;

	if (sqlite3_column_type(st, 15) == SQLITE_NULL)
		return;
	t->from = sqlite3_column_int64(st, 6);
	t->min.mant = sqlite3_column_int64(st, 7);
	t->min.dec = (uint8_t)sqlite3_column_int(st, 8);
	t->min_at = sqlite3_column_int64(st, 9);
	t->max.mant = sqlite3_column_int64(st, 10);
	t->max.dec = (uint8_t)sqlite3_column_int(st, 11);
	t->max_at = sqlite3_column_int64(st, 12);
	t->n = t->min.dec <= NUM_DEC_MAX && t->max.dec <= NUM_DEC_MAX &&
	    sqlite3_column_int64(st, 15) == history_today_sum(s);
}

int
history_file_load(struct history *h)
{
	sqlite3_stmt *st = h->st[ST_SERIES];
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const struct history_of of = { { column(st, 2), column(st, 1),
						   column(st, 3) },
			column(st, 13) };
		struct series *s =
		    history_find(h, &of, column(st, 4), column(st, 14));
		int64_t id = sqlite3_column_int64(st, 0);

		if (id <= 0 || id > ID_MAX) {
			rc = SQLITE_CORRUPT;
			break;
		}
		s->id = id;
		s->keep_ms = sqlite3_column_int64(st, 5);
		load_today(st, s);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void
history_file_note(struct history *h, int rc)
{
	bool ok = rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW;

	if (history_file_is_broken(rc)) {
		/* The next that is written begins a new one, and says so. */
		h->broken = true;
		h->flush_mono = clock_mono(h->clock);
		return;
	}
	if (ok && *h->trouble)
		log_info("history", "%s is written again", h->path);
	if (ok) {
		*h->trouble = '\0';
		return;
	}
	if (!*h->trouble)
		log_warn("history",
		    "%s cannot be read or written: %s; readings wait in "
		    "memory, the oldest stay; see whether the disk is full or "
		    "fails",
		    h->path, sqlite3_errstr(rc));
	snprintf(h->trouble, sizeof(h->trouble), "%s", sqlite3_errstr(rc));
}
