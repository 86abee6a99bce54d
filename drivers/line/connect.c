#include "drivers/line/connect.h"

#include "drivers/line/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HOST = 256,
	SERVICE = 16,
	CONNECT_US = 3000000,
	SLICE_MS = 100, /* how long connecting is deaf to stop */
};

struct peer {
	char host[HOST], service[SERVICE];
};

/* host, host:port, [v6], [v6]:port, or a bare v6 address */
static enum err
split(const char *text, struct peer *out)
{
	const char *end, *port = NULL;
	size_t len;

	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (!end)
			return ERR_CONFIG;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(text, ':');
		if (end && strchr(end + 1, ':'))
			end = NULL;
		port = end ? end + 1 : NULL;
	}
	len = end ? (size_t)(end - text) : strlen(text);
	if (len == 0 || len >= HOST || (port && strlen(port) >= SERVICE))
		return ERR_CONFIG;
	memcpy(out->host, text, len);
	out->host[len] = '\0';
	if (port && *port)
		snprintf(out->service, SERVICE, "%s", port);
	else
		snprintf(out->service, SERVICE, "%d", CFG_MODBUS_PORT);
	return OK;
}

static enum err
fail(const struct line *l, int code, struct errbuf *why)
{
	static const struct {
		int code;
		const char *hint;
	} hints[] = {
		{ ECONNREFUSED,
		    "it refuses the connection: is this service switched on in "
		    "the device, is the port right?" },
		{ ETIMEDOUT,
		    "no answer: is it switched on, is the address right, does "
		    "a firewall stand between?" },
		{ EHOSTUNREACH,
		    "it cannot be reached: check cable, address and network" },
		{ ENETUNREACH,
		    "its network cannot be reached: check this machine's "
		    "address and gateway" },
		{ EMFILE,
		    "too many files are open for another connection: raise "
		    "LimitNOFILE of the service" },
	};
	char reason[LINE_REASON];

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (hints[i].code == code)
			return errbuf_set(why, ERR_IO, "bus %s: %s: %s",
			    l->cfg->name, l->cfg->host, hints[i].hint);
	}
	return errbuf_set(why, ERR_IO, "bus %s: %s: %s", l->cfg->name,
	    l->cfg->host, line_reason(code, reason));
}

/* What became of a connection that is being made: 0 or an errno. */
static int
await_connection(const struct line *l, int fd)
{
	int64_t end = line_now_us() + CONNECT_US;
	struct pollfd p = { fd, POLLOUT, 0 };
	int code = 0;
	socklen_t len = sizeof(code);

	while (line_now_us() < end && !line_stopped(l)) {
		if (poll(&p, 1, SLICE_MS) <= 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
			return errno;
		return code;
	}
	return ETIMEDOUT;
}

/* Small packets go at once.  A peer that vanished is noticed after 10 s without
 * acknowledgement, and in a minute by a line that only listens. */
static void
tune(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 10 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 10000 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value));
}

/* Connects to one address; returns 0 or an errno. */
static int
connect_one(struct line *l, const struct addrinfo *ai)
{
	int fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code = 0;

	if (fd < 0)
		return errno;
	fd = line_high(fd);
	tune(fd);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0)
		code = errno == EINPROGRESS ? await_connection(l, fd) : errno;
	if (code == 0)
		l->fd = fd;
	else
		close(fd);
	return code;
}

enum err
connect_open(struct line *l, struct errbuf *why)
{
	struct addrinfo *list = NULL, *ai;
	int rc, code = EADDRNOTAVAIL;
	struct peer peer;

	if (!l->cfg->host || split(l->cfg->host, &peer) != OK)
		return errbuf_set(why, ERR_CONFIG,
		    "bus %s: host must be ADDRESS or ADDRESS:PORT",
		    l->cfg->name);
	rc = lookup_addresses(peer.host, peer.service, l, &list);
	if (rc != 0)
		return errbuf_set(why, ERR_IO,
		    "bus %s: no address for %s (%s): check host= and the DNS",
		    l->cfg->name, peer.host, gai_strerror(rc));
	for (ai = list; ai && code != 0 && !line_stopped(l); ai = ai->ai_next)
		code = connect_one(l, ai);
	freeaddrinfo(list);
	return code == 0 ? OK : fail(l, code, why);
}

void
connect_close(struct line *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
