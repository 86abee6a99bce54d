#include "common/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replaces, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_why_not, setup, teardown),
		cmocka_unit_test(writes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
