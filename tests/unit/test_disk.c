#include "common/disk.h"

#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32], fresh[48], path[48];

static int
setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/disk.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(fresh, sizeof(fresh), "%s/fresh", folder);
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(fresh);
	unlink(path);
	return rmdir(folder);
}

static int
make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_true(disk_write(fd, text, strlen(text)));
	return fd;
}

static void
replaces(void **state)
{
	char text[8] = "";
	int old = make(path, "old"), new = make(fresh, "new"), fd;

	(void)state;
	assert_true(disk_place(new, fresh, path));
	assert_int_equal(access(fresh, F_OK), -1);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "new");
	close(fd);
	close(old);
	close(new);
}

static void
tells_why_not(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	errno = 0;
	assert_false(disk_write(fd, "x", 1));
	assert_int_equal(errno, ENOSPC);
	close(fd);
	fd = make(fresh, "new");
	errno = 0;
	assert_false(disk_place(fd, fresh, "/tmp/no/such/folder"));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(access(fresh, F_OK), 0);
	errno = 0;
	assert_false(disk_sync_folder("/tmp/no/such/folder"));
	assert_int_equal(errno, ENOENT);
	close(fd);
	assert_false(disk_place(-1, fresh, path)); /* not on disk: no name */
	assert_int_equal(access(path, F_OK), -1);
}

/* More than a pipe takes at once. */
static void
writes_all(void **state)
{
	enum { MUCH = 200000 };
	static char data[MUCH], part[4096];
	size_t got = 0;
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	if (fork() == 0) {
		close(ends[0]);
		_exit(!disk_write(ends[1], data, sizeof(data)));
	}
	close(ends[1]);
	while ((n = read(ends[0], part, sizeof(part))) > 0)
		got += (size_t)n;
	assert_int_equal(got, MUCH);
	close(ends[0]);
}

static struct stat
stat_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st;
}

static void
private_is_fresh(void **state)
{
	int old = make(path, "old and longer");
	char text[16] = "";

	(void)state;
	assert_int_equal(fchmod(old, 0644), 0);
	assert_true(disk_private(path, "new", 3));
	assert_int_equal(stat_of(path).st_mode & 0777, 0600);
	assert_int_equal(stat_of(path).st_size, 3);
	assert_int_equal(pread(old, text, sizeof(text) - 1, 0), 14);
	close(old);
}

static void
private_follows_our_link(void **state)
{
	close(make(fresh, "old and longer"));
	(void)state;
	assert_int_equal(chmod(fresh, 0644), 0);
	assert_int_equal(symlink(fresh, path), 0);
	assert_true(disk_private(path, "new", 3));
	assert_true(S_ISLNK(stat_of(path).st_mode));
	assert_int_equal(stat_of(fresh).st_mode & 0777, 0600);
	assert_int_equal(stat_of(fresh).st_size, 3);
}

enum { STRANGER = 65534 };

/* What somebody else has put there would hand him the KEYs. */
static void
private_is_not_given_away(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	close(make(fresh, "old"));
	assert_int_equal(chown(fresh, STRANGER, STRANGER), 0);
	assert_int_equal(symlink(fresh, path), 0);
	assert_false(disk_private(path, "new", 3)); /* our link, his file */
	assert_int_equal(errno, EPERM);
	assert_int_equal(stat_of(fresh).st_size, 3);
	assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
	assert_false(disk_private(path, "new", 3)); /* his link */
	assert_int_equal(errno, EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
	assert_false(disk_private(path, "new", 3)); /* and does not wait */
	assert_int_equal(errno, EPERM);
	assert_true(disk_private(fresh, "new", 3)); /* his file gives way */
	assert_int_equal(stat_of(fresh).st_uid, 0);
}

static void
private_is_his_who_ran_sudo(void **state)
{
	static const struct {
		const char *uid, *gid;
		uid_t want;
	} rows[] = {
		{ "65534", "65533", STRANGER },
		{ "65534", NULL, 0 },
		{ "65534x", "1", 0 },
		{ " 65534", "1", 0 },
		{ "-1", "1", 0 },
		{ "", "1", 0 },
		{ "4294967295", "1", 0 },
		{ "18446744073709551617", "1", 0 },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].uid);
		setenv("SUDO_UID", rows[i].uid, 1);
		unsetenv("SUDO_GID");
		if (rows[i].gid)
			setenv("SUDO_GID", rows[i].gid, 1);
		assert_true(disk_private(path, "new", 3));
		assert_int_equal(stat_of(path).st_uid, rows[i].want);
		assert_int_equal(stat_of(path).st_mode & 0777, 0600);
		unlink(path);
	}
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

static void
private_says_why_not(void **state)
{
	char *nowhere = mem_printf("%s/none/file", folder);

	(void)state;
	assert_false(disk_private(nowhere, "new", 3));
	assert_int_equal(errno, ENOENT);
	assert_true(disk_private("/dev/null", "new", 3));
	assert_false(disk_private("/dev/full", "new", 3));
	assert_int_equal(errno, ENOSPC);
	free(nowhere);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_why_not, setup, teardown),
		cmocka_unit_test(writes_all),
		cmocka_unit_test_setup_teardown(
		    private_is_fresh, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    private_follows_our_link, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    private_is_not_given_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    private_is_his_who_ran_sudo, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    private_says_why_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
