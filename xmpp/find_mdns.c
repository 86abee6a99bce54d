#include "xmpp/find_mdns.h"

#include "common/log.h"
#include "common/num.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define HELPER TB_LIBEXECDIR "/thingbridge-mdns"
#define SERVICE "_xmpp-client._tcp"

enum {
	STEP_MS = 100,
	TXT_MAX = 1024,
	LINE_SIZE = 4096,
	OUTPUT_MAX = 64 * LINE_SIZE,
	WORDS = 5,
};

extern char **environ;

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
explain(struct mdns_found *out, const char *what, const char *detail)
{
	char safe[LOG_SAFE];

	snprintf(out->why, sizeof(out->why), "mDNS: %s%s", what,
	    log_safe(safe, detail));
}

/* ------------------------------------------------------------------- a line */

static bool
read_address(const char *text, struct address *to)
{
	char bare[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");
	struct in6_addr six;
	struct in_addr four;

	if (len >= sizeof(bare) || strlen(text) >= sizeof(to->text))
		return false;
	memcpy(bare, text, len);
	bare[len] = '\0';
	for (size_t i = len; text[i]; i++)
		if (!isgraph((unsigned char)text[i]))
			return false;
	if (inet_pton(AF_INET, text, &four) == 1)
		to->loopback = ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	else if (inet_pton(AF_INET6, bare, &six) == 1)
		to->loopback = IN6_IS_ADDR_LOOPBACK(&six);
	else
		return false;
	memcpy(to->text, text, strlen(text) + 1);
	return true;
}

static bool
read_port(const char *text, uint16_t *port)
{
	unsigned long n;
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 5 || text[len])
		return false;
	n = strtoul(text, NULL, 10);
	if (n == 0 || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool
read_text(const char *hex, struct hints *out)
{
	uint8_t data[TXT_MAX];
	size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex);

	if (len % 2 || len / 2 > sizeof(data))
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = num_hex(hex[i]), low = num_hex(hex[i + 1]);

		if (high < 0 || low < 0)
			return false;
		data[i / 2] = (uint8_t)(high * 16 + low);
	}
	txt_read(data, len / 2, out);
	return true;
}

static void
add(struct mdns_found *f, const struct mdns_server *s)
{
	if (f->n == MDNS_SERVERS)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].address.port == s->address.port &&
		    strcmp(f->v[i].address.text, s->address.text) == 0)
			return;
	f->v[f->n++] = *s;
}

void
mdns_take(struct mdns_found *out, char *line)
{
	char *word[WORDS] = { NULL }, *at = line;
	struct mdns_server s;
	size_t n = 0;

	if (strncmp(line, "error ", 6) == 0) {
		explain(out, "", line + 6);
		return;
	}
	while (n < WORDS && (word[n] = strsep(&at, " ")))
		n++;
	memset(&s, 0, sizeof(s));
	if (n != WORDS || at || strcmp(word[0], "server") != 0 ||
	    !read_address(word[1], &s.address) ||
	    !read_port(word[2], &s.address.port) || !word[3][0] ||
	    strlen(word[3]) >= sizeof(s.hints.domain) ||
	    !read_text(word[4], &s.hints))
		return;
	if (!s.hints.domain[0])
		memcpy(s.hints.domain, word[3], strlen(word[3]) + 1);
	add(out, &s);
}

/* --------------------------------------------------------------- the helper */

struct helper {
	pid_t pid;
	int fd; /* its standard output */
	char line[LINE_SIZE];
	size_t len, total;
};

static int
spawn(struct helper *h, int out)
{
	const char *path = /* nothing of ours ever changes the environment */
	    getenv("THINGBRIDGE_MDNS"); /* NOLINT(concurrency-mt-unsafe) */
	char name[] = "thingbridge-mdns", *argv[] = { name, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int e;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	e = posix_spawn(&h->pid, path && path[0] ? path : HELPER, &files, &attr,
	    argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

/* False: the line or all of it is longer than any that the helper writes. */
static bool
take_bytes(struct helper *h, struct mdns_found *out, size_t n)
{
	char *end;

	h->len += n;
	h->total += n;
	while ((end = memchr(h->line, '\n', h->len))) {
		size_t used = (size_t)(end - h->line) + 1;

		*end = '\0';
		if (strlen(h->line) == used - 1)
			mdns_take(out, h->line);
		h->len -= used;
		memmove(h->line, end + 1, h->len);
	}
	return h->len < sizeof(h->line) && h->total < OUTPUT_MAX;
}

static void
listen_to(struct helper *h, struct mdns_found *out, const atomic_bool *stop)
{
	int64_t end = now_ms() + MDNS_BROWSE_MS;
	ssize_t n;

	while (!atomic_load(stop) && now_ms() < end) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN };

		if (poll(&p, 1, STEP_MS) <= 0)
			continue;
		n = read(h->fd, h->line + h->len, sizeof(h->line) - h->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !take_bytes(h, out, (size_t)n))
			return;
	}
}

static void
end_helper(struct helper *h)
{
	(void)kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

void
mdns_browse(struct mdns_found *out, const atomic_bool *stop)
{
	struct helper h = { .len = 0 };
	int fds[2], e;

	memset(out, 0, sizeof(*out));
	if (uv_pipe(fds, 0, 0) != 0) {
		explain(out, "out of descriptors", "");
		return;
	}
	explain(out, "no server announces itself (" SERVICE ")", "");
	h.fd = fds[0];
	e = spawn(&h, fds[1]);
	close(fds[1]);
	if (e == 0) {
		listen_to(&h, out, stop);
		end_helper(&h);
	} else {
		explain(out,
		    "its helper " HELPER " cannot be run: ", uv_strerror(-e));
	}
	close(fds[0]);
}
