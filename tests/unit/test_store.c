/* What the state file keeps, and what it gives back when it cannot be written.
 */
#include "gateway/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

struct fixture {
	char dir[64], path[96];
	struct store *store;
	struct nodes nodes;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct errbuf eb;

	strcpy(f->dir, "/tmp/tbstoreXXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/state.db", f->dir);
	assert_int_equal(store_open(f->path, &f->store, &eb), OK);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[160];

	nodes_fini(&f->nodes);
	store_close(f->store);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	free(f);
	return 0;
}

static void
reopen(struct fixture *f)
{
	struct errbuf eb;

	store_close(f->store);
	nodes_fini(&f->nodes);
	assert_int_equal(store_open(f->path, &f->store, &eb), OK);
	assert_int_equal(store_load(f->store, &f->nodes, &eb), OK);
}

static struct node *
claimed_node(struct fixture *f)
{
	struct node_ref ref = { "meter1", "MeteringTopology", "" };
	struct node *n = nodes_add(&f->nodes, &ref);

	n->thing.claim = CLAIM_PUBLIC;
	strcpy(n->thing.owner, "anna@example.org");
	n->thing.key_cleared = true;
	strcpy(n->key, "0123456789ABCDEFGHJKMNPQRS");
	n->key_gen = 3;
	n->frozen = true;
	n->printed_gen = 2;
	n->printed_utc = INT64_C(1790000000123);
	n->printed_copies = 3;
	assert_int_equal(tags_add(&n->claim, "SN", "39487", false, NULL), OK);
	assert_int_equal(tags_add(&n->claim, "V", "1.20", true, NULL), OK);
	assert_int_equal(tags_add(&n->acked, "ROOM", "Größe", false, NULL), OK);
	assert_int_equal(tags_add(&n->meta, "CITY", "Malmö", false, NULL), OK);
	assert_int_equal(store_node(f->store, n), OK);
	assert_int_equal(store_tags(f->store, n, STORE_CLAIM), OK);
	assert_int_equal(store_tags(f->store, n, STORE_ACKED), OK);
	assert_int_equal(store_tags(f->store, n, STORE_META), OK);
	return n;
}

static void
keeps_a_claim(void **state)
{
	struct fixture *f = *state;
	struct errbuf eb;
	struct node *n;

	claimed_node(f);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_int_equal(f->nodes.n, 1);
	n = f->nodes.v[0];
	assert_string_equal(n->id, "meter1");
	assert_string_equal(n->source, "MeteringTopology");
	assert_int_equal(n->thing.claim, CLAIM_PUBLIC);
	assert_string_equal(n->thing.owner, "anna@example.org");
	assert_true(n->thing.key_cleared);
	assert_false(n->thing.unregister_due);
	assert_string_equal(n->key, "0123456789ABCDEFGHJKMNPQRS");
	assert_int_equal(n->key_gen, 3);
	assert_true(n->frozen);
	assert_int_equal(n->printed_gen, 2);
	assert_true(n->printed_utc == INT64_C(1790000000123));
	assert_int_equal(n->printed_copies, 3);
	assert_int_equal(n->claim.n, 2);
	assert_string_equal(n->claim.v[1].value, "1.20");
	assert_true(n->claim.v[1].num);
	assert_string_equal(tags_find(&n->acked, "ROOM")->value, "Größe");
	assert_string_equal(tags_find(&n->meta, "CITY")->value, "Malmö");
}

static void
uncommitted_is_not_kept(void **state)
{
	struct fixture *f = *state;

	claimed_node(f);
	reopen(f);
	assert_int_equal(f->nodes.n, 0);
}

static void
update_and_delete(void **state)
{
	struct fixture *f = *state;
	struct errbuf eb;
	struct node *n = claimed_node(f);

	n->thing.claim = CLAIM_REMOVED;
	assert_int_equal(store_node(f->store, n), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_int_equal(f->nodes.n, 1);
	assert_int_equal(f->nodes.v[0]->thing.claim, CLAIM_REMOVED);
	assert_int_equal(store_delete(f->store, f->nodes.v[0]), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_int_equal(f->nodes.n, 0);
}

static void
private_file_one_daemon(void **state)
{
	struct fixture *f = *state;
	struct store *second;
	struct errbuf eb;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(store_open(f->path, &second, &eb), ERR_BUSY);
	assert_null(second);
	assert_non_null(strstr(eb.text, "another thingbridged"));
}

/* A full disk, as the file size limit gives it: the claim is not kept, and the
 * node goes back to what the file says; later writes work again. */
static void
full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, tiny = { 0, 0 };
	struct errbuf eb;
	struct node *n = claimed_node(f);

	assert_int_equal(store_commit(f->store, &eb), OK);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tiny.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	strcpy(n->thing.owner, "eve@example.org");
	store_node(f->store, n);
	assert_int_equal(store_commit(f->store, &eb), ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(store_reload(f->store, n), OK);
	assert_string_equal(n->thing.owner, "anna@example.org");
	assert_int_equal(n->claim.n, 2);
	strcpy(n->thing.owner, "bert@example.org");
	assert_int_equal(store_node(f->store, n), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_string_equal(f->nodes.v[0]->thing.owner, "bert@example.org");
}

/* A node whose first write failed has no row: what is written of it later must
 * not go to a row that is not there, or is another's. */
static void
full_disk_at_first_write(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, tiny = { 0, 0 };
	struct errbuf eb;
	struct node_ref ref = { "meter2", "", "" };
	struct node *n = claimed_node(f), *other;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tiny.rlim_max = was.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	assert_int_equal(store_commit(f->store, &eb), ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(store_reload(f->store, n), ERR_NOTFOUND);
	assert_int_equal(n->thing.claim, CLAIM_NEW);
	assert_string_equal(n->thing.owner, "");
	assert_false(n->frozen);
	assert_int_equal(n->claim.n, 0);
	assert_string_equal(n->key, "0123456789ABCDEFGHJKMNPQRS");

	other = nodes_add(&f->nodes, &ref);
	assert_int_equal(store_node(f->store, other), OK);
	assert_int_equal(tags_add(&n->meta, "CITY", "Lund", false, NULL), OK);
	assert_int_equal(store_tags(f->store, n, STORE_META), OK);
	strcpy(n->thing.owner, "bert@example.org");
	assert_int_equal(store_node(f->store, n), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_int_equal(f->nodes.n, 2);
	n = f->nodes.v[1];
	assert_string_equal(n->id, "meter1");
	assert_string_equal(n->thing.owner, "bert@example.org");
	assert_string_equal(tags_find(&n->meta, "CITY")->value, "Lund");
	assert_int_equal(f->nodes.v[0]->meta.n, 0);
}

/* An update that finds no row is no success: a claim would be acknowledged and
 * forgotten. */
static void
row_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct errbuf eb;
	struct node *n = claimed_node(f);

	assert_int_equal(store_commit(f->store, &eb), OK);
	assert_int_equal(store_delete(f->store, n), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	assert_int_equal(store_node(f->store, n), ERR_IO);
	assert_int_equal(store_commit(f->store, &eb), ERR_IO);
}

/* What was learned of a device is kept with the template it is of, and goes
 * with its node. */
static void
keeps_what_was_learned(void **state)
{
	struct fixture *f = *state;
	struct errbuf eb;
	struct node *n = claimed_node(f);

	n->learned.tmpl = INT64_C(-77);
	learned_add(&n->learned, "voltage_l1");
	learned_add(&n->learned, "serial");
	assert_int_equal(store_learned(f->store, n), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	n = f->nodes.v[0];
	assert_true(n->learned.tmpl == INT64_C(-77));
	assert_int_equal(n->learned.n, 2);
	assert_string_equal(n->learned.fields[0], "serial");
	assert_string_equal(n->learned.fields[1], "voltage_l1");

	learned_fini(&n->learned);
	assert_int_equal(store_learned(f->store, n), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_int_equal(f->nodes.v[0]->learned.n, 0);

	learned_add(&f->nodes.v[0]->learned, "serial");
	assert_int_equal(store_learned(f->store, f->nodes.v[0]), OK);
	assert_int_equal(store_delete(f->store, f->nodes.v[0]), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
	reopen(f);
	assert_int_equal(f->nodes.n, 0);
}

/* A state file of the first version is taken over as it is. */
static void
older_file(void **state)
{
	struct fixture *f = *state;
	struct errbuf eb;
	sqlite3 *db;

	claimed_node(f);
	assert_int_equal(store_commit(f->store, &eb), OK);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
			     "DROP TABLE learned; DROP TABLE known; "
			     "DROP TABLE share; DROP TABLE decision; "
			     "ALTER TABLE node DROP printed_copies; "
			     "PRAGMA user_version=1;",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	nodes_fini(&f->nodes);
	assert_int_equal(store_open(f->path, &f->store, &eb), OK);
	assert_int_equal(store_load(f->store, &f->nodes, &eb), OK);
	assert_int_equal(f->nodes.n, 1);
	assert_string_equal(f->nodes.v[0]->thing.owner, "anna@example.org");
	assert_int_equal(f->nodes.v[0]->printed_copies, 1);
	learned_add(&f->nodes.v[0]->learned, "serial");
	assert_int_equal(store_learned(f->store, f->nodes.v[0]), OK);
	assert_int_equal(store_commit(f->store, &eb), OK);
}

static void
not_a_database(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct store *s;
	struct errbuf eb;
	FILE *file;

	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 100; i++)
		fputs("this is no database at all\n", file);
	fclose(file);
	assert_int_equal(store_open(path, &s, &eb), ERR_IO);
	assert_non_null(strstr(eb.text, "other.db"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_a_claim, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    uncommitted_is_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    update_and_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    private_file_one_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    full_disk_at_first_write, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    row_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    keeps_what_was_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(older_file, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    not_a_database, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
