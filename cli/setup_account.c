/* The account, its password, the registry: questions, and where the answers
 * go. */
#include "cli/say.h"
#include "cli/setup.h"
#include "common/mem.h"
#include "config/save.h"
#include "config/secret.h"
#include "config/value.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "xmpp-password"

static bool
fits_jid(const char *text, struct errbuf *eb)
{
	bool local = false, resource;

	if (value_jid(text, &local, &resource) && local)
		return true;
	errbuf_set(
	    eb, ERR_RANGE, "\"%s\" is no account, as plant7@example.org", text);
	return false;
}

static bool
fits_yes(const char *text, struct errbuf *eb)
{
	if (strcasecmp(text, "yes") == 0 || strcasecmp(text, "no") == 0 ||
	    strcasecmp(text, "y") == 0 || strcasecmp(text, "n") == 0)
		return true;
	errbuf_set(eb, ERR_RANGE, "yes or no?");
	return false;
}

static bool
fits_host(const char *text, struct errbuf *eb)
{
	char host[VALUE_HOST];
	int port;

	if (!*text || value_hostport(text, 0, host, &port) == OK)
		return true;
	errbuf_set(eb, ERR_RANGE, "\"%s\" is not HOST or HOST:PORT", text);
	return false;
}

static bool
fits_registry(const char *text, struct errbuf *eb)
{
	if (!*text || value_jid(text, NULL, NULL))
		return true;
	errbuf_set(
	    eb, ERR_RANGE, "\"%s\" is not like registry.example.org", text);
	return false;
}

static bool
fits_file(const char *text, struct errbuf *eb)
{
	if (!*text || access(text, R_OK) == 0)
		return true;
	errbuf_errno(eb, "cannot read %s", text);
	return false;
}

static bool
fits_password(const char *text, struct errbuf *eb)
{
	if (strlen(text) <= SECRET_MAX / 2)
		return true;
	errbuf_set(eb, ERR_RANGE, "that is too long for a password");
	return false;
}

static const struct question of_jid = { "jid", "The gateway's account",
	"Its own, at an XMPP server: as plant7@example.org.", false, fits_jid };
static const struct question of_exists = { "exists",
	"Does this account exist already?",
	"no: the gateway creates it, where the server lets it (XEP-0077).",
	false, fits_yes };
static const struct question of_host = { "host", "Its server, HOST[:PORT]",
	"Empty: found by the account's domain, which is right nearly always.",
	false, fits_host };
static const struct question of_password = { "password",
	"The account's password (not shown)",
	"Kept in secrets/" SECRET ", for root alone.", true, fits_password };
static const struct question of_new_password = { "password",
	"A password for the new account (not shown)",
	"Empty: the gateway makes one and keeps it.", true, fits_password };
static const struct question of_registry = { "registry",
	"The Thing Registry, as registry.example.org",
	"Empty: looked for among the server's services.", false,
	fits_registry };
static const struct question of_ca = { "ca_file",
	"File with the certificate to trust (PEM)",
	"For a server whose certificate no public authority has signed.", false,
	fits_file };

static int
keep_password(struct setup *s, const char *password)
{
	char *copy = mem_strdup(s->conf);
	char *folder = mem_printf("%s/secrets", dirname(copy));
	char *path = mem_printf("%s/" SECRET, folder);
	struct buf text = { 0 };
	struct errbuf eb;
	enum err e;

	(void)mkdir(folder, 0700); /* writing tells what is wrong */
	buf_printf(&text, "%s\n", password);
	e = save_write(path, &text, 0600, &eb);
	explicit_bzero(text.data, text.len);
	buf_fini(&text);
	free(path);
	free(folder);
	free(copy);
	s->restart = true;
	return e == OK ? EXIT_OK : say_exit(EXIT_FAILED, "%s", eb.text);
}

char *
setup_account(struct setup *s)
{
	const char *jid = setup_value(s, "xmpp", "jid");

	return jid && *jid ? mem_strdup(jid) : NULL;
}

/* The resource is ours to choose. */
static char *
full_jid(const char *jid)
{
	bool local, resource = false;

	(void)value_jid(jid, &local, &resource); /* it was asked for */
	return mem_printf("%s%s", jid, resource ? "" : "/gateway");
}

/* All of it at once: without a password the configuration would have errors. */
static int
write_account(struct setup *s, const char *jid, const char *host, bool exists,
    const char *password)
{
	char *full;
	int code = *password ? keep_password(s, password) : EXIT_OK;

	if (code != EXIT_OK)
		return code;
	full = full_jid(jid);
	code = setup_set(s, "xmpp",
	    (const struct setup_key[]){
		{ "jid", full },
		{ "password", "@secret:" SECRET },
		{ "host", *host ? host : NULL },
		{ "register", exists ? NULL : "yes" },
	    },
	    4, false);
	free(full);
	return code;
}

int
setup_ask_account(struct setup *s)
{
	char *host = NULL, *password = NULL, *exists = NULL;
	char *jid = ask(&s->asker, &of_jid, NULL);
	bool is_there = false;
	int code = EXIT_PARTLY;

	if (jid)
		exists = ask(&s->asker, &of_exists, "yes");
	is_there = exists && strchr("yY", exists[0]);
	if (exists)
		host = ask(&s->asker, &of_host, "");
	if (host)
		password =
		    ask(&s->asker, is_there ? &of_password : &of_new_password,
			is_there ? NULL : "");
	code = password ? write_account(s, jid, host, is_there, password)
			: setup_left();
	free(jid);
	free(exists);
	free(host);
	mem_free_secret(password);
	return code;
}

/* One that is to be created may do without. */
char *
setup_password(struct setup *s)
{
	const char *value = setup_value(s, "xmpp", "password");
	const char *name = value ? secret_name(value) : NULL;
	const char *created = setup_value(s, "xmpp", "register");
	struct buf unseen = { 0 };
	struct notes notes = { .out = &unseen };
	bool there = name &&
	    secret_look(
		name, s->conf, (struct place){ s->conf, 0, NULL }, &notes);

	buf_fini(&unseen);
	if (there)
		return mem_printf("kept as the secret %s", name);
	if (created && strcmp(created, "yes") == 0)
		return mem_strdup("to be made, as the account is");
	return NULL;
}

int
setup_ask_password(struct setup *s)
{
	const char *value = setup_value(s, "xmpp", "password");
	char *password = ask(&s->asker, &of_password, NULL);
	int code = password ? keep_password(s, password) : setup_left();

	mem_free_secret(password);
	if (code != EXIT_OK || (value && strcmp(value, "@secret:" SECRET) == 0))
		return code;
	return setup_set(s, "xmpp",
	    &(const struct setup_key){ "password", "@secret:" SECRET }, 1,
	    false);
}

char *
setup_registry(struct setup *s)
{
	const char *jid = setup_value(s, "registry", "jid");

	if (!setup_value(s, "registry", ""))
		return NULL;
	return mem_strdup(
	    jid && *jid ? jid : "as the configuration says, or looked for");
}

int
setup_ask_registry(struct setup *s)
{
	char *jid = ask(&s->asker, &of_registry, "");
	int code = jid ? setup_set(s, "registry",
			     &(const struct setup_key){ "jid", jid }, 1, false)
		       : setup_left();

	free(jid);
	s->restart = true;
	return code;
}

static int
ask_key(struct setup *s, const char *section, const char *key,
    const struct question *q)
{
	const char *now = setup_value(s, section, key);
	char *answer = ask(&s->asker, q, now ? now : "");
	char *value = answer && q == &of_jid ? full_jid(answer) : NULL;
	int code = answer
	    ? setup_set(s, section,
		  &(const struct setup_key){ key, value ? value : answer }, 1,
		  false)
	    : setup_left();

	free(value);
	free(answer);
	s->restart = true;
	return code;
}

int
setup_change(struct setup *s, const char *what)
{
	static const struct {
		const char *name, *section, *key;
		const struct question *q;
	} keys[] = {
		{ "account", "xmpp", "jid", &of_jid },
		{ "host", "xmpp", "host", &of_host },
		{ "ca_file", "xmpp", "ca_file", &of_ca },
		{ "registry", "registry", "jid", &of_registry },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, what) == 0)
			return ask_key(
			    s, keys[i].section, keys[i].key, keys[i].q);
	}
	return setup_ask_password(s);
}
