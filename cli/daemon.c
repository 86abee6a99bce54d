#include "cli/daemon.h"

#include "cli/say.h"
#include "common/buf.h"
#include "common/mem.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The socket may lie in a directory that cannot be entered: then its group is
 * the one that matters. */
static int
no_permission(const char *path)
{
	char *copy = mem_strdup(path), name[64] = "", text[1024];
	struct group gr, *found = NULL;
	struct stat st;

	if (stat(path, &st) == 0 || stat(dirname(copy), &st) == 0)
		getgrgid_r(st.st_gid, &gr, text, sizeof(text), &found);
	if (found && strcmp(gr.gr_name, "root") != 0)
		snprintf(name, sizeof(name), "%s", gr.gr_name);
	free(copy);
	if (*name)
		return say_exit(EXIT_REFUSED,
		    "no permission to use %s: it is for the group %s; join it "
		    "(sudo adduser $USER %s, then log in again) or use sudo",
		    path, name, name);
	return say_exit(EXIT_REFUSED,
	    "no permission to use %s: it is for root alone; use sudo", path);
}

static int
cannot_connect(const char *path)
{
	struct errbuf eb;

	if (errno == EACCES || errno == EPERM)
		return no_permission(path);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return say_exit(EXIT_NODAEMON,
		    "thingbridged is not running: nobody answers at %s; start "
		    "it with: systemctl start thingbridge",
		    path);
	errbuf_errno(&eb, "cannot connect to %s", path);
	return say_exit(EXIT_NODAEMON, "%s", eb.text);
}

static int
open_socket(const char *path, int *out)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, code;

	if (strlen(path) >= sizeof(sa.sun_path))
		return say_exit(EXIT_CONFIG,
		    "the path of the control socket is too long: %s", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return say_exit(EXIT_FAILED, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0) {
		*out = fd;
		return EXIT_OK;
	}
	code = cannot_connect(path);
	close(fd);
	return code;
}

static int
lost(void)
{
	return say_exit(EXIT_NODAEMON,
	    "thingbridged closed the connection without an answer; see: "
	    "journalctl -u thingbridge");
}

static int
write_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lost();
		s += n;
		len -= (size_t)n;
	}
	return EXIT_OK;
}

/* read_line reads up to the end of the first line. */
static int
read_line(int fd, struct buf *in)
{
	char block[16384];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int ready = poll(&p, 1, DAEMON_WAIT_MS);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return say_exit(EXIT_TIMEOUT,
			    "thingbridged has not answered for %d s",
			    DAEMON_WAIT_MS / 1000);
		n = read(fd, block, sizeof(block));
		if (n <= 0)
			return lost();
		buf_add(in, block, (size_t)n);
		explicit_bzero(block, (size_t)n);
		if (memchr(in->data, '\n', in->len))
			return EXIT_OK;
		if (in->len > DAEMON_ANSWER_MAX)
			return say_exit(EXIT_FAILED, "the answer is too long");
	}
}

/* take_answer unpacks {"ok": true, "data": {}} or says what the daemon said. */
static int
take_answer(const struct buf *in, json_t **data)
{
	json_t *a = json_loadb(in->data, in->len, 0, NULL);
	const char *text = json_string_value(json_object_get(a, "text"));
	json_int_t code = json_integer_value(json_object_get(a, "exit"));
	int result = EXIT_OK;

	if (json_is_true(json_object_get(a, "ok")))
		*data = json_incref(json_object_get(a, "data"));
	else if (text)
		result = say_exit(
		    code > 0 && code < 256 ? (enum exit_code)code : EXIT_FAILED,
		    "%s", text);
	if (!*data && result == EXIT_OK)
		result = say_exit(EXIT_FAILED,
		    "that was no answer of a thingbridged; are both of one "
		    "version?");
	json_decref(a);
	return result;
}

int
daemon_ask(const char *path, json_t *request, json_t **data)
{
	char *line = json_dumps(request, JSON_COMPACT);
	struct buf in = { 0 };
	int fd = -1, code;

	*data = NULL;
	json_decref(request);
	if (!line)
		return say_exit(EXIT_USAGE, "the arguments are not UTF-8");
	code = open_socket(path, &fd);
	if (code == EXIT_OK)
		code = write_all(fd, line, strlen(line));
	if (code == EXIT_OK)
		code = write_all(fd, "\n", 1);
	if (code == EXIT_OK)
		code = read_line(fd, &in);
	if (code == EXIT_OK)
		code = take_answer(&in, data);
	if (fd >= 0)
		close(fd);
	if (in.data)
		explicit_bzero(in.data, in.cap); /* may hold a KEY */
	buf_fini(&in);
	free(line);
	return code;
}
