#include "labels/file.h"

#include "common/disk.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

char *
file_name(const char *path, const char *node)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	const char *base = strrchr(path, '/');
	const char *dot = strrchr(base ? base : path, '.');
	size_t stem = dot ? (size_t)(dot - path) : strlen(path);
	char *safe = mem_strdup(node), *out;

	for (char *p = safe + strspn(safe, plain); *p; p += strspn(p, plain))
		*p = '_';
	out = mem_printf("%.*s-%s%s", (int)stem, path, safe, path + stem);
	free(safe);
	return out;
}

enum err
file_put(int fd, const struct buf *data)
{
	return disk_write(fd, data->data, data->len) ? OK : ERR_IO;
}

enum err
file_write(const char *path, const struct buf *data, struct errbuf *eb)
{
	if (disk_private(path, data->data, data->len))
		return OK;
	return errbuf_errno(eb, "cannot write %s", path);
}
