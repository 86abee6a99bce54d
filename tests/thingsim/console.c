#include "tests/thingsim/console.h"

#include "common/mem.h"
#include "tests/thingsim/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS_MAX = 16, LINE_MAX_BYTES = 4096 };

struct client {
	struct console *con;
	int fd; /* -1: free */
	struct buf in;
};

struct console {
	struct plant *plant;
	char *path;
	int fd;
	struct client clients[CLIENTS_MAX];
};

static void
drop_client(struct client *c)
{
	if (c->fd < 0)
		return;
	loop_unwatch(c->con->plant->loop, c->fd);
	close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
}

static bool
answer_line(struct client *c, char *line, size_t len)
{
	struct buf out = { 0 };
	bool sent;

	line[len] = '\0';
	if (len && line[len - 1] == '\r')
		line[len - 1] = '\0';
	command_run(c->con->plant, line, &out);
	buf_putc(&out, '\n');
	/* A client that does not read its answers is not waited for. */
	sent = write(c->fd, out.data, out.len) == (ssize_t)out.len;
	buf_fini(&out);
	return sent;
}

static void
on_line(void *arg, uint32_t events)
{
	struct client *c = arg;
	char data[1024], *nl;
	ssize_t n = read(c->fd, data, sizeof(data));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->in.len > LINE_MAX_BYTES) {
		drop_client(c);
		return;
	}
	buf_add(&c->in, data, (size_t)n);
	while (c->in.len && (nl = memchr(c->in.data, '\n', c->in.len))) {
		size_t len = (size_t)(nl - c->in.data);

		if (!answer_line(c, c->in.data, len)) {
			drop_client(c);
			return;
		}
		buf_consume(&c->in, len + 1);
	}
}

static void
on_client(void *arg, uint32_t events)
{
	struct console *con = arg;
	int fd = accept(con->fd, NULL, NULL);

	(void)events;
	if (fd < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &con->clients[i];

		if (c->fd >= 0)
			continue;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		*c = (struct client){ .con = con, .fd = fd };
		loop_watch(con->plant->loop, fd, LOOP_READABLE, on_line, c);
		return;
	}
	close(fd);
}

enum err
console_open(
    struct plant *p, const char *path, struct console **out, struct errbuf *eb)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct console *con;
	struct stat st;
	int fd;

	*out = NULL;
	if (strlen(path) >= sizeof(a.sun_path))
		return errbuf_set(
		    eb, ERR_IO, "%s: too long for a socket", path);
	memcpy(a.sun_path, path, strlen(path));
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, CLIENTS_MAX) != 0) {
		errbuf_set(eb, ERR_IO, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	con = mem_zalloc(sizeof(*con));
	con->plant = p;
	con->path = mem_strdup(path);
	con->fd = fd;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		con->clients[i].fd = -1;
	loop_watch(p->loop, fd, LOOP_READABLE, on_client, con);
	*out = con;
	return OK;
}

void
console_close(struct console *con)
{
	if (!con)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		drop_client(&con->clients[i]);
	loop_unwatch(con->plant->loop, con->fd);
	close(con->fd);
	unlink(con->path);
	free(con->path);
	free(con);
}
