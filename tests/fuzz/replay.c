/* Runs a fuzz harness over files: every argument is a file, or a directory
 * whose files are taken.  An empty corpus is an error, else a test of nothing
 * would pass. */
#include "common/mem.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Returns how many files were run, or -1. */
static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, n;

	if (!f) {
		perror(path);
		return -1;
	}
	do {
		data = mem_resize(data, size + 65536, 1);
		n = fread(data + size, 1, 65536, f);
		size += n;
	} while (n > 0);
	n = ferror(f) ? 1 : 0;
	fclose(f);
	if (n == 0) {
		/* Exactly as long as the input, so a read beyond it shows. */
		data = mem_resize(data, size, 1);
		LLVMFuzzerTestOneInput(data, size);
	}
	free(data);
	return n == 0 ? 1 : -1;
}

static int
run_directory(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	int count = 0;

	if (!d) {
		perror(path);
		return -1;
	}
	/* One thread, and the stream is its own. */
	while (count >= 0 && (entry = readdir(d))) { /* NOLINT */
		char *file = mem_printf("%s/%s", path, entry->d_name);

		if (!is_directory(file))
			count = run_file(file) < 0 ? -1 : count + 1;
		free(file);
	}
	closedir(d);
	return count;
}

int
main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = is_directory(argv[i]) ? run_directory(argv[i])
					      : run_file(argv[i]);

		if (n < 0)
			return EXIT_FAILURE;
		total += n;
	}
	printf("%d inputs\n", total);
	return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
