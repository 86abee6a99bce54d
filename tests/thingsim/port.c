#include "tests/thingsim/port.h"

#include "common/mem.h"
#include "tests/thingsim/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { BACKLOG = 64, SLAVE_NAME = 64 };

static bool
set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static void
on_client(void *arg, uint32_t events)
{
	struct bus *b = arg;
	int fd = accept(b->fd, NULL, NULL), yes = 1;

	(void)events;
	if (fd < 0)
		return;
	if (chan_count(b) >= (size_t)b->limits.connections ||
	    !set_nonblock(fd)) {
		b->refused++;
		close(fd);
		return;
	}
	b->accepted++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	chan_new(b, fd, NULL);
}

/* "[::1]:502" and "127.0.0.1:502" */
static enum err
resolve(const char *text, struct addrinfo **out)
{
	struct addrinfo want = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char *host;
	int rc;

	if (!colon)
		return ERR_CONFIG;
	if (len > 1 && text[0] == '[' && text[len - 1] == ']')
		host = mem_strndup(text + 1, len - 2);
	else
		host = mem_strndup(text, len);
	rc = getaddrinfo(host, colon + 1, &want, out);
	free(host);
	return rc == 0 ? OK : ERR_CONFIG;
}

static int
listen_at(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype, 0), yes = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (set_nonblock(fd) && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
name_socket(struct bus *b)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	char host[64], port[16];
	bool six;

	if (getsockname(b->fd, (struct sockaddr *)&a, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	six = strchr(host, ':') != NULL;
	snprintf(b->where, sizeof(b->where), "tcp %s%s%s:%s", six ? "[" : "",
	    host, six ? "]" : "", port);
	mem_set(&b->listen, b->where + strlen("tcp "));
}

static enum err
open_tcp(struct bus *b, struct errbuf *eb)
{
	struct addrinfo *ai;

	if (resolve(b->listen, &ai) != OK)
		return errbuf_set(eb, ERR_CONFIG,
		    "bus %s: listen = %s is not ADDRESS:PORT", b->name,
		    b->listen);
	b->fd = listen_at(ai);
	freeaddrinfo(ai);
	if (b->fd < 0)
		return errbuf_set(eb, ERR_IO, "bus %s: cannot listen at %s: %s",
		    b->name, b->listen, strerror(errno));
	name_socket(b);
	loop_watch(b->plant->loop, b->fd, LOOP_READABLE, on_client, b);
	return OK;
}

/* Only a link is replaced, never a file of somebody's. */
static bool
make_link(const char *target, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		unlink(path);
	return symlink(target, path) == 0;
}

/* The mode stays with the pty, so it is raw even for a master that sets none;
 * the slave is closed again, to see whether a master has it open. */
static int
make_pty(char slave[SLAVE_NAME])
{
	struct termios raw = { .c_cflag = CREAD | CS8 | B9600 };
	int fd, other;

	cfmakeraw(&raw);
	if (openpty(&fd, &other, slave, &raw, NULL) != 0)
		return -1;
	close(other);
	if (set_nonblock(fd))
		return fd;
	close(fd);
	return -1;
}

/* make_other_pty makes one whose name is not that of the last. */
static int
make_other_pty(const struct bus *b, char slave[SLAVE_NAME])
{
	int fd = make_pty(slave), other;

	if (fd < 0 || !b->slave || strcmp(b->slave, slave) != 0)
		return fd;
	other = make_pty(slave);
	close(fd);
	return other;
}

static enum err
open_pty(struct bus *b, struct errbuf *eb)
{
	char slave[SLAVE_NAME];
	int fd = make_other_pty(b, slave);

	if (fd < 0)
		return errbuf_set(eb, ERR_IO, "bus %s: cannot make a pty: %s",
		    b->name, strerror(errno));
	if (b->link && !make_link(slave, b->link)) {
		errbuf_set(eb, ERR_IO, "bus %s: cannot make the link %s: %s",
		    b->name, b->link, strerror(errno));
		close(fd);
		return ERR_IO;
	}
	mem_set(&b->slave, slave);
	snprintf(
	    b->where, sizeof(b->where), "pty %s", b->link ? b->link : slave);
	chan_new(b, fd, slave);
	return OK;
}

enum err
port_open(struct bus *b, struct errbuf *eb)
{
	return b->listen ? open_tcp(b, eb) : open_pty(b, eb);
}

static bool
link_is_ours(const struct bus *b)
{
	char target[SLAVE_NAME];
	ssize_t n = readlink(b->link, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	for (const struct chan *c = b->chans; c; c = c->next)
		if (!c->dead && strcmp(c->slave, target) == 0)
			return true;
	return false;
}

void
port_close(struct bus *b)
{
	if (b->link && link_is_ours(b))
		unlink(b->link);
	chan_close_all(b);
	if (b->fd >= 0) {
		loop_unwatch(b->plant->loop, b->fd);
		close(b->fd);
		b->fd = -1;
	}
}

bool
port_is_open(const struct bus *b)
{
	return b->fd >= 0 || chan_count(b) > 0;
}
