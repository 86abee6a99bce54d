#include "cli/own.h"

#include "cli/ask.h"
#include "cli/say.h"
#include "common/buf.h"
#include "common/disk.h"
#include "common/mem.h"
#include "protocol/jid.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_NAME "thingowner-password"

static const struct column columns[] = {
	{ .title = "JID", .member = "jid" },
	{ .title = "Server", .member = "server" },
	{ .title = "TLS", .member = "tls" },
	{ .title = "Account", .member = "account" },
	{ .title = NULL },
};

static const struct question of_jid = { "jid", "Your JID",
	"As anna@example.org.", false, NULL };
static const struct question of_password = { "password", "Password (not shown)",
	"Kept beside the account, for you alone.", true, NULL };
static const struct question of_registry = { "registry", "Registry's JID",
	"Empty: named by each sticker.", false, NULL };
static const struct question of_host = { "host", "Server, host[:port]",
	"Empty: found by the JID.", false, NULL };

/* make_folder makes the folders above a file, for its owner alone. */
static void
make_folder(const char *file)
{
	char *path = mem_strdup(file);

	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		/* What cannot be made shows when the file is written. */
		(void)mkdir(path, S_IRWXU);
		*p = '/';
	}
	free(path);
}

/* The new one has its name when it is whole. */
static enum err
write_file(const char *path, const char *content, struct errbuf *eb)
{
	char *fresh = mem_printf("%s.new", path);
	enum err e = OK;
	int fd;

	make_folder(path);
	unlink(fresh);
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0 || !disk_write(fd, content, strlen(content)) ||
	    !disk_place(fd, fresh, path)) {
		e = errbuf_errno(eb, "cannot write %s", path);
		unlink(fresh);
	}
	if (fd >= 0)
		close(fd);
	free(fresh);
	return e;
}

static void
add_key(struct buf *b, const char *key, const char *value)
{
	if (value && *value)
		buf_printf(b, "%s = %s\n", key, value);
}

/* store writes the password beside the account file and the account last, so
 * that an account file that is there is whole. */
static int
store(const char *file, const struct cfg_account *a)
{
	char *copy = mem_strdup(file);
	char *secret = mem_printf("%s/secrets/%s", dirname(copy), SECRET_NAME);
	char *line = mem_printf("%s\n", a->password);
	struct errbuf eb = { "" };
	struct buf b = { 0 };
	enum err e = write_file(secret, line, &eb);

	buf_puts(&b, "[account]\n");
	add_key(&b, "jid", a->jid);
	add_key(&b, "password", "@secret:" SECRET_NAME);
	add_key(&b, "host", a->host);
	add_key(&b, "registry", a->registry);
	if (e == OK)
		e = write_file(file, b.data, &eb);
	buf_fini(&b);
	mem_free_secret(line);
	free(secret);
	free(copy);
	if (e == OK)
		return EXIT_OK;
	return say_exit(EXIT_FAILED, "%s", eb.text);
}

static int
ask_account(const char *file, struct cfg_account *a)
{
	struct asker on_terminal = { .from_file = false };
	struct jid j;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return say_exit(EXIT_CONFIG,
		    "there is no account file %s; run login on a terminal, or "
		    "write:\n"
		    "    [account]\n"
		    "    jid      = anna@example.org\n"
		    "    password = @secret:%s   (file secrets/%s beside it)\n"
		    "    registry = registry.example.org",
		    file, SECRET_NAME, SECRET_NAME);
	if (!(a->jid = ask(&on_terminal, &of_jid, NULL)) ||
	    !(a->password = ask(&on_terminal, &of_password, NULL)) ||
	    !(a->registry = ask(&on_terminal, &of_registry, "")) ||
	    !(a->host = ask(&on_terminal, &of_host, "")))
		return say_exit(EXIT_PARTLY, "left here; nothing was kept");
	a->tls = CFG_TLS_REQUIRED;
	if (jid_parse(a->jid, &j) != OK || !*j.local)
		return say_exit(EXIT_USAGE,
		    "\"%s\" is no JID like anna@example.org", a->jid);
	return EXIT_OK;
}

struct login {
	const struct call *call;
	const char *file;
};

static void
ready(struct online *o, void *arg)
{
	struct login *l = arg;
	struct session *s = online_session(o);
	enum out_mode mode = own_mode(l->call);
	json_t *d = json_pack("{s:i, s:s, s:s, s:b, s:s}", "schema", 1, "jid",
	    session_jid(s), "server", session_server(s), "tls",
	    session_secured(s), "account", l->file);

	if (mode == OUT_JSON)
		out_json(d);
	else
		out_fields(mode, columns, d);
	json_decref(d);
	online_end(o, EXIT_OK);
}

int
own_login(const struct call *c)
{
	struct cfg_account account = { 0 };
	char *file = own_account_file(c);
	bool is_new = access(file, F_OK) != 0 && errno == ENOENT;
	struct login l = { c, file };
	int64_t timeout_ms = 0;
	int code = own_timeout(c, &timeout_ms);

	if (code == EXIT_OK)
		code = is_new ? ask_account(file, &account)
			      : own_account(c, file, &account);
	if (code == EXIT_OK)
		code = online_run(&account, timeout_ms, ready, &l);
	/* An account that does not work is not worth keeping. */
	if (code == EXIT_OK && is_new) {
		code = store(file, &account);
		if (code == EXIT_OK)
			say("kept in %s", file);
	}
	cfg_account_fini(&account);
	free(file);
	return code;
}
