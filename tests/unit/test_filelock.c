#define _GNU_SOURCE /* syscall */

#include "common/filelock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int
setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "test_filelock_%d", (int)getpid());
	unlink(path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void
the_second_is_refused_until_the_first_is_gone(void **state)
{
	struct errbuf eb = { "" };
	int first, second;

	(void)state;
	assert_int_equal(filelock_take(path, "cat", &first, &eb), OK);
	assert_int_equal(filelock_take(path, "cat", &second, &eb), ERR_BUSY);
	assert_int_equal(second, -1);
	assert_non_null(strstr(eb.text, "another cat uses it"));
	close(first);
	assert_int_equal(filelock_take(path, "cat", &second, &eb), OK);
	close(second);
}

static void
a_link_is_not_followed(void **state)
{
	struct errbuf eb = { "" };
	struct stat st;
	char file[80];
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s.other", path);
	fd = open(file, O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0 && fchmod(fd, 0644) == 0);
	close(fd);
	assert_int_equal(symlink(file, path), 0);
	assert_int_equal(filelock_take(path, "cat", &fd, &eb), ERR_IO);
	assert_non_null(strstr(eb.text, "symbolic link"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	unlink(file);
}

static void
others_may_not_read_it(void **state)
{
	struct errbuf eb = { "" };
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(filelock_take(path, "cat", &fd, &eb), OK);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
}

static void
a_missing_folder_is_told(void **state)
{
	struct errbuf eb = { "" };
	int fd;

	(void)state;
	assert_int_equal(
	    filelock_take("no/such/folder/x", "cat", &fd, &eb), ERR_IO);
	assert_string_equal(eb.text, "No such file or directory");
}

/* Somebody puts another file in its place between open and flock. */
static bool swaps;

int
flock(int fd, int how)
{
	if (swaps) {
		unlink(path);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	return (int)syscall(SYS_flock, fd, how);
}

static void
a_file_that_was_replaced_is_not_taken(void **state)
{
	struct errbuf eb = { "" };
	int fd;

	(void)state;
	swaps = true;
	assert_int_equal(filelock_take(path, "cat", &fd, &eb), ERR_BUSY);
	assert_int_equal(fd, -1);
	swaps = false;
	assert_int_equal(filelock_take(path, "cat", &fd, &eb), OK);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_second_is_refused_until_the_first_is_gone),
		TEST(others_may_not_read_it),
		TEST(a_link_is_not_followed),
		TEST(a_missing_folder_is_told),
		TEST(a_file_that_was_replaced_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
