#include "broken.h"
#include "config/config.h"
#include "config/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define XMPP                                         \
	"[xmpp]\njid = plant7@example.org/gateway\n" \
	"password = @secret:xmpp-password\n"
#define PLC "[bus plc]\ntype = modbus-tcp\nhost = 192.0.2.10\n"
#define LINE "[bus rs485]\ntype = modbus-rtu\nport = /dev/ttyS0\n"
#define METER(id, more)                \
	"[node " id "]\nbus = rs485\n" \
	"template = eastron.sdm630\n" more

static char *
load_notes(const char *path)
{
	struct buf notes = { 0 };
	struct cfg *c;
	enum err e = cfg_load(path, false, &c, &notes);

	assert_int_equal(e, ERR_CONFIG);
	assert_int_equal(err_exit(e), EXIT_CONFIG);
	assert_null(c);
	return buf_take(&notes);
}

static void
broken(void **state)
{
	(void)state;
	broken_all(
	    TEST_DATA "/config/broken", "thingbridge.conf", 70, load_notes);
}

/* Loads text that must be right; *said has the notes and is freed with it. */
static struct cfg *
load(const char *text)
{
	struct buf notes = { 0 };
	struct cfg *c;
	enum err e = cfg_load_text("t", text, strlen(text), &c, &notes);

	if (notes.data)
		print_message("%s", notes.data);
	assert_int_equal(e, OK);
	assert_null(notes.data);
	return c;
}

static char *
notes_of(const char *text)
{
	struct buf notes = { 0 };
	struct cfg *c;

	if (cfg_load_text("t", text, strlen(text), &c, &notes) == OK)
		cfg_free(c);
	return buf_take(&notes);
}

static void
defaults(void **state)
{
	struct cfg *c = load(XMPP);

	(void)state;
	assert_string_equal(c->gateway.state, "/var/lib/thingbridge/state.db");
	assert_string_equal(
	    c->gateway.control, "/run/thingbridge/control.sock");
	assert_int_equal(c->gateway.log, 2);
	assert_null(c->xmpp.host);
	assert_null(c->xmpp.password);
	assert_int_equal(c->xmpp.tls, CFG_TLS_REQUIRED);
	assert_false(c->xmpp.register_);
	assert_int_equal(c->xmpp.window, 16);
	assert_null(c->registry.jid);
	assert_int_equal(c->registry.key_after_disown, CFG_KEY_RENEW);
	assert_int_equal(c->registry.key_clear_ms, 30000);
	assert_int_equal(c->registry.min_interval_ms, 60000);
	assert_null(c->provisioning.jid);
	cfg_free(c);
}

static void
plant(void **state)
{
	struct cfg *c = load(
	    XMPP "[tags] ; of every node; #NAME = number\n"
		 "COUNTRY = SE\n#LAT = -33.008055\n" PLC LINE METER("meter1",
		     "address = 3\npoll = 5s\nname = Main incomer\n"
		     "claim.SN = 39;4872\nclaim.#V = 1.2\n"
		     "tag.ROOM = Plant room 1 ; pushed\n"
		     "tag.#LON = @voltage_l1\n") METER("meter2",
		     "address = 0x04\nenabled = no\n"
		     "source = Other\ncache = c\nself_owned = yes\n"
		     "claim.SN = @serial\n") "[node w]\nbus = plc\ntemplate = "
					     "wago.750-8di8do\n");
	const struct cfg_node *n = c->nodes;

	(void)state;
	assert_int_equal(c->n_buses, 2);
	assert_int_equal(c->n_nodes, 3);
	assert_int_equal(c->n_templates, 2);
	assert_int_equal(c->n_tags, 2);
	assert_string_equal(c->tags[1].name, "LAT");
	assert_true(c->tags[1].num);
	assert_string_equal(c->tags[1].value, "-33.008055");
	assert_ptr_equal(n[0].on, &c->buses[1]);
	assert_string_equal(n[0].name_id, "meter1");
	assert_string_equal(n[0].source, "MeteringTopology");
	assert_string_equal(n[0].cache, "");
	assert_int_equal(n[0].address, 3);
	assert_int_equal(n[0].poll_ms, 5000);
	assert_string_equal(n[0].claim[0].value, "39;4872");
	assert_true(n[0].claim[1].num);
	assert_string_equal(n[0].tags[0].value, "Plant room 1");
	assert_string_equal(n[0].tags[1].name, "LON");
	assert_true(n[0].enabled);
	assert_int_equal(n[1].address, 4);
	assert_string_equal(n[1].name, "meter2");
	assert_false(n[1].enabled);
	assert_true(n[1].self_owned);
	assert_string_equal(n[1].source, "Other");
	assert_int_equal(n[2].address, 1);
	assert_int_equal(c->buses[1].serial.baud, 9600);
	assert_ptr_equal(n[0].tmpl, n[1].tmpl);
	cfg_free(c);
}

/* What is allowed and looks as if it were not. */
static void
allowed(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "tls = optional on this machine",
		    XMPP "tls = optional\nhost = 127.0.0.1:5222\n" },
		{ "registry by sub-domain",
		    XMPP "[registry]\nsubdomain = registry\n" },
		{ "an address of a node that is not enabled",
		    XMPP LINE METER("a", "address = 3\nenabled = no\n")
			METER("b", "address = 3\n") },
		{ "unit 0 on TCP",
		    XMPP PLC "[node a]\nbus = plc\naddress = 0\n"
			     "template = generic.relay8\n" },
		{ "a bus that overrides what its templates want",
		    XMPP
		    "[bus w]\ntype = serial\nport = /dev/ttyS1\n"
		    "serial = 4800 8N1\n"
		    "[node a]\nbus = w\naddress = 1\n"
		    "template = vaisala.wxt\n"
		    "[node b]\nbus = w\ntemplate = generic.xy-md02-ascii\n" },
		{ "serial over TCP",
		    XMPP "[bus w]\ntype = serial\nhost = 192.0.2.1:4001\n"
			 "[node a]\nbus = w\ntemplate = vaisala.wxt-nmea\n" },
		{ "two ports of one host",
		    XMPP PLC "[bus b]\ntype = modbus-rtu-tcp\n"
			     "host = 192.0.2.10:503\n" },
		{ "a field of one node among [tags] and tag.",
		    XMPP LINE
		    "[tags]\n#ALT = @power\n" METER("a", "address = 3\n") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		cfg_free(load(rows[i].text));
	}
}

static void
peers(void **state)
{
	struct cfg *c = load(XMPP "[registry]\nsubdomain = registry\n"
				  "[provisioning]\nuser = provision\n");

	(void)state;
	assert_string_equal(c->registry.jid, "registry.example.org");
	assert_string_equal(c->provisioning.jid, "provision@example.org");
	cfg_free(c);
}

static void
by_id(void **state)
{
	char *got = notes_of(XMPP "[bus a]\ntype = modbus-rtu\n"
				  "port = /dev/ttyUSB0\n");

	(void)state;
	assert_string_equal(got,
	    "t:6: warning: [bus a] /dev/ttyUSB0 may be another device after a "
	    "reboot (use its name in /dev/serial/by-id/ or by-path/)\n");
	free(got);
}

static void
several(void **state)
{
	char *got =
	    notes_of("[gateway]\nlog = loud\n[xmpp]\nhost = a b\n"
		     "[bus x]\ntype = can\n" METER("a", "address = 999\n"));

	(void)state;
	assert_string_equal(got,
	    "t:2: error: [gateway] log must be one of "
	    "error|warning|info|debug, not \"loud\"\n"
	    "t:3: error: [xmpp] jid is missing (the account, as "
	    "plant7@example.org/gateway)\n"
	    "t:3: error: [xmpp] password is missing (its password, in a file "
	    "of its own)\n"
	    "t:6: error: [bus x] type must be one of "
	    "modbus-tcp|modbus-rtu|modbus-rtu-tcp|serial, not \"can\"\n"
	    "t:10: error: [node a] address must be a number from 0 to 255, not "
	    "\"999\"\n"
	    "t:4: error: [xmpp] host must be host[:port], not "
	    "\"a b\"\n"
	    "t:8: error: [node a] there is no [bus rs485]\n");
	free(got);
}

static void
limits(void **state)
{
	struct buf text = { 0 };
	char *got;

	(void)state;
	buf_puts(&text, XMPP LINE "serial = 9600 8N1\n");
	for (int i = 0; i <= CFG_NODES_MAX; i++)
		buf_printf(
		    &text, METER("n%d", "address = 1\nenabled = no\n"), i);
	got = notes_of(text.data);
	assert_string_equal(got,
	    "t:50008: error: [node n10000] there are more "
	    "than 10000 nodes\n");
	free(got);
	buf_fini(&text);
	buf_puts(&text, XMPP);
	for (int i = 0; i <= CFG_BUSES_MAX; i++)
		buf_printf(
		    &text, "[bus b%d]\ntype = modbus-tcp\nhost = h%d\n", i, i);
	got = notes_of(text.data);
	assert_string_equal(got,
	    "t:3004: error: [bus b1000] there are more "
	    "than 1000 buses\n");
	free(got);
	buf_fini(&text);
	buf_puts(&text, XMPP "[tags]\n");
	for (int i = 0; i <= CFG_TAGS_MAX; i++)
		buf_printf(&text, "T%d = x\n", i);
	got = notes_of(text.data);
	assert_string_equal(got,
	    "t:37: error: [tags] tag T32: there are more "
	    "than 32\n");
	free(got);
	buf_fini(&text);
}

/* --- what a reload compares --- */

#define SITE                                                    \
	XMPP PLC LINE METER("a", "address = 3\ntag.ROOM = 1\n") \
	    METER("b", "address = 4\n")

static void
comparing(void **state)
{
	struct cfg *a = load(SITE), *b = load("; again\n" SITE);
	struct cfg *c =
	    load(XMPP PLC "timeout = 2s\n" LINE "serial = 9600 8E1\n" METER("a",
		"address = 3\ntag.ROOM = 2\n") METER("b", "address = 5\n"));

	(void)state;
	assert_true(cfg_bus_equal(&a->buses[0], &b->buses[0]));
	assert_true(cfg_bus_equal(&a->buses[1], &b->buses[1]));
	assert_false(cfg_bus_equal(&a->buses[0], &c->buses[0]));
	assert_false(cfg_bus_equal(&a->buses[1], &c->buses[1]));
	assert_true(cfg_node_equal(&a->nodes[0], &b->nodes[0]));
	assert_false(cfg_node_equal(&a->nodes[0], &a->nodes[1]));
	assert_false(cfg_node_equal(&a->nodes[0], &c->nodes[0]));
	assert_false(cfg_node_equal(&a->nodes[1], &c->nodes[1]));
	assert_false(cfg_tags_equal(a->nodes[0].tags, 1, c->nodes[0].tags, 1));
	assert_true(cfg_tags_equal(a->nodes[0].tags, 1, b->nodes[0].tags, 1));
	cfg_free(a);
	cfg_free(b);
	cfg_free(c);
}

static void
restarts(void **state)
{
	struct cfg *a = load(SITE);
	struct cfg *b = load("[xmpp]\njid = other@example.org\nwindow = 8\n"
			     "password = @secret:x\n"
			     "[gateway]\nlog = debug\nstate = /x\n");
	struct buf keys = { 0 };

	(void)state;
	cfg_restart(a, a, &keys);
	assert_int_equal(keys.len, 0);
	cfg_restart(a, b, &keys);
	assert_string_equal(keys.data, "gateway.state, xmpp.jid");
	buf_fini(&keys);
	cfg_free(a);
	cfg_free(b);
}

/* --- secrets --- */

struct site {
	char dir[64];
	char *conf, *secrets, *secret;
};

static void
put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(chmod(path, mode), 0);
}

static void
site_init(struct site *s)
{
	snprintf(s->dir, sizeof(s->dir), "/tmp/tb-config-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->conf = mem_printf("%s/thingbridge.conf", s->dir);
	s->secrets = mem_printf("%s/secrets", s->dir);
	s->secret = mem_printf("%s/secrets/xmpp-password", s->dir);
	assert_int_equal(mkdir(s->secrets, 0700), 0);
	put(s->conf, XMPP, 0644);
}

static void
site_fini(struct site *s)
{
	unlink(s->conf);
	unlink(s->secret);
	rmdir(s->secrets);
	rmdir(s->dir);
	free(s->conf);
	free(s->secrets);
	free(s->secret);
}

static void
secret_files(void **state)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		const char *want; /* NULL: refused */
		const char *says;
	} rows[] = {
		{ "a line", "hunter2\n", 0600, "hunter2", NULL },
		{ "no line's end", "hunter2", 0400, "hunter2", NULL },
		{ "blanks belong to it", " h;2 \r\n", 0600, " h;2 ", NULL },
		{ "group may read", "hunter2\n", 0640, NULL,
		    "others can read the secret (run: chmod 600 " },
		{ "others may read", "hunter2\n", 0604, NULL,
		    "others can read the secret (run: chmod 600 " },
		{ "empty", "\n", 0600, NULL, "is empty" },
		{ "two lines", "a\nb\n", 0600, NULL, "has more than one line" },
		{ "not text", "\xff\n", 0600, NULL, "is not text" },
	};
	struct site s;

	(void)state;
	site_init(&s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf notes = { 0 };
		struct cfg *c;
		enum err e;

		print_message("  %s\n", rows[i].name);
		put(s.secret, rows[i].text, rows[i].mode);
		e = cfg_load(s.conf, true, &c, &notes);
		assert_int_equal(e, rows[i].want ? OK : ERR_CONFIG);
		if (rows[i].want)
			assert_string_equal(c->xmpp.password, rows[i].want);
		else
			assert_non_null(strstr(notes.data, rows[i].says));
		if (notes.data)
			assert_null(strstr(notes.data, "hunter2"));
		cfg_free(c);
		buf_fini(&notes);
	}
	site_fini(&s);
}

static void
secret_missing(void **state)
{
	struct buf notes = { 0 };
	struct cfg *c;
	struct site s;
	char *want;

	(void)state;
	site_init(&s);
	want = mem_printf("%s:3: error: [xmpp] there is no secret "
			  "\"xmpp-password\" (put it into %s, mode 600)\n",
	    s.conf, s.secret);
	assert_int_equal(cfg_load(s.conf, true, &c, &notes), ERR_CONFIG);
	assert_string_equal(notes.data, want);
	free(want);
	buf_fini(&notes);
	site_fini(&s);
}

/* systemd's directory comes first, and its modes are its own business. */
static void
secret_credentials(void **state)
{
	struct buf notes = { 0 };
	char *first, *second;
	struct cfg *c;
	struct site s;

	(void)state;
	site_init(&s);
	first = mem_printf("%s/secrets_xmpp-password", s.dir);
	second = mem_printf("%s/xmpp-password", s.dir);
	put(s.secret, "last\n", 0600);
	put(second, "second\n", 0440);
	setenv("CREDENTIALS_DIRECTORY", s.dir, 1);
	assert_int_equal(cfg_load(s.conf, true, &c, &notes), OK);
	assert_string_equal(c->xmpp.password, "second");
	cfg_free(c);
	put(first, "first\n", 0440);
	assert_int_equal(cfg_load(s.conf, true, &c, &notes), OK);
	assert_string_equal(c->xmpp.password, "first");
	cfg_free(c);
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(first);
	unlink(second);
	free(first);
	free(second);
	buf_fini(&notes);
	site_fini(&s);
}

/* --- files --- */

static void
parts(void **state)
{
	char *dir = mem_strdup(TEST_DATA "/config/good");
	char *path = mem_printf("%s/thingbridge.conf", dir);
	struct buf notes = { 0 };
	struct cfg *c;

	(void)state;
	assert_int_equal(cfg_load(path, false, &c, &notes), OK);
	assert_int_equal(c->n_files, 3);
	assert_non_null(strstr(c->files[1], "/conf.d/10-buses.conf"));
	assert_non_null(strstr(c->files[2], "/conf.d/Z_nodes.conf"));
	assert_int_equal(c->n_nodes, 1);
	assert_string_equal(c->nodes[0].tmpl->id, "site.meter");
	cfg_free(c);
	buf_fini(&notes);
	free(path);
	free(dir);
}

static void
no_file(void **state)
{
	struct buf notes = { 0 };
	struct cfg *c;

	(void)state;
	assert_int_equal(
	    cfg_load("/nonexistent/x.conf", true, &c, &notes), ERR_IO);
	assert_null(c);
	assert_string_equal(notes.data,
	    "/nonexistent/x.conf: error: cannot be "
	    "read: No such file or directory\n");
	buf_fini(&notes);
}

static void
printed(const struct cfg *c, char **text)
{
	size_t size = 0;
	FILE *out = open_memstream(text, &size);

	cfg_print(c, out);
	fclose(out);
}

/* What is printed is a file again, but for the password. */
static void
printing(void **state)
{
	struct cfg *c = load(SITE), *again;
	char *text, *file;
	ptrdiff_t head;

	(void)state;
	printed(c, &text);
	assert_non_null(strstr(text, "log = info ; default\n"));
	assert_non_null(strstr(text, "address = 3\n"));
	assert_non_null(strstr(text, "tag.ROOM = 1\n"));
	assert_non_null(strstr(text, "; password is not shown\n"));
	assert_null(strstr(text, "xmpp-password"));
	head = strstr(text, "; password is not shown\n") - text;
	file = mem_printf(
	    "%.*spassword = @secret:x\n%s", (int)head, text, text + head);
	again = load(file);
	assert_true(cfg_node_equal(&c->nodes[0], &again->nodes[0]));
	assert_true(cfg_bus_equal(&c->buses[1], &again->buses[1]));
	free(file);
	free(text);
	cfg_free(c);
	cfg_free(again);
}

/* --- documents --- */

static char *
page_text(void)
{
	char *page = mem_zalloc(1 << 17);
	FILE *in = fopen(TEST_MAN "/thingbridge.conf.5", "re");

	assert_non_null(in);
	assert_true(fread(page, 1, (1 << 17) - 1, in) > 0);
	fclose(in);
	return page;
}

static void
manual(void **state)
{
	static void (*const tables[])(
	    FILE *) = { cfg_mdoc, cfg_mdoc_registryd, cfg_mdoc_account };
	char *page = page_text();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		tables[i](out);
		fclose(out);
		assert_non_null(strstr(page, text));
		free(text);
	}
	free(page);
}

static void
help(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	cfg_help(out);
	cfg_help_registryd(out);
	cfg_help_account(out);
	fclose(out);
	assert_non_null(strstr(text, "[bus NAME]"));
	assert_non_null(strstr(text,
	    "a time with its unit, 0s to 1h; "
	    "default 30s"));
	assert_non_null(strstr(text, "@secret:NAME; required"));
	free(text);
}

static void
examples(void **state)
{
	struct buf notes = { 0 };
	struct cfg *c;

	(void)state;
	assert_int_equal(
	    cfg_load(TEST_EXAMPLES "/thingbridge.conf", false, &c, &notes), OK);
	assert_null(notes.data);
	assert_int_equal(c->n_nodes, 2);
	cfg_free(c);
}

/* Right but for the secrets, which are not there. */
static void
example_others(void **state)
{
	struct cfg_component r;
	struct cfg_account a;
	struct buf notes = { 0 };

	(void)state;
	assert_int_equal(cfg_load_registryd(
			     TEST_EXAMPLES "/thingregistryd.conf", &r, &notes),
	    ERR_CONFIG);
	assert_non_null(strstr(notes.data, "there is no secret \"component\""));
	assert_int_equal(strchr(notes.data, '\n')[1], '\0');
	buf_fini(&notes);
	assert_int_equal(
	    cfg_load_account(TEST_EXAMPLES "/account.conf", &a, &notes),
	    ERR_CONFIG);
	assert_non_null(strstr(notes.data, "there is no secret \"owner\""));
	assert_int_equal(strchr(notes.data, '\n')[1], '\0');
	buf_fini(&notes);
}

/* --- the other programs --- */

static void
other_files(void **state)
{
	struct cfg_component r;
	struct cfg_account a;
	struct buf notes = { 0 };
	struct site s;

	(void)state;
	site_init(&s);
	put(s.secret, "geheim\n", 0600);
	put(s.conf,
	    "[component]\njid = registry.example.org\n"
	    "secret = @secret:xmpp-password\n"
	    "[store]\npath = /x.db\n"
	    "[limits]\nrequire_key = yes\nmax_count = 20\n",
	    0644);
	assert_int_equal(cfg_load_registryd(s.conf, &r, &notes), OK);
	assert_string_equal(r.jid, "registry.example.org");
	assert_string_equal(r.secret, "geheim");
	assert_string_equal(r.host, "127.0.0.1:5347");
	assert_string_equal(r.store, "/x.db");
	assert_int_equal(r.max_count, 20);
	assert_int_equal(r.tags, 64);
	assert_true(r.require_key);
	cfg_component_fini(&r);
	put(s.conf,
	    "[account]\njid = owner@example.org\n"
	    "password = @secret:xmpp-password\n"
	    "host = localhost\ntls = optional\n"
	    "registry = registry.example.org\n",
	    0644);
	assert_int_equal(cfg_load_account(s.conf, &a, &notes), OK);
	assert_string_equal(a.password, "geheim");
	assert_int_equal(a.tls, CFG_TLS_OPTIONAL);
	assert_null(a.ca_file);
	cfg_account_fini(&a);
	assert_null(notes.data);
	site_fini(&s);
}

static void
other_files_wrong(void **state)
{
	struct cfg_component r;
	struct cfg_account a;
	struct buf notes = { 0 };
	struct site s;
	char *want;

	(void)state;
	site_init(&s);
	put(s.secret, "geheim\n", 0600);
	put(s.conf,
	    "[component]\njid = a@example.org\nhost = x\n"
	    "secret = @secret:xmpp-password\n",
	    0644);
	assert_int_equal(cfg_load_registryd(s.conf, &r, &notes), ERR_CONFIG);
	want = mem_printf("%s:2: error: [component] jid of a component is a "
			  "domain, not \"a@example.org\"\n"
			  "%s:3: error: [component] host must be host:port, "
			  "not \"x\"\n",
	    s.conf, s.conf);
	assert_string_equal(notes.data, want);
	assert_null(r.secret);
	free(want);
	buf_fini(&notes);
	put(s.conf,
	    "[account]\njid = o@example.org\nhost = 192.0.2.1\n"
	    "tls = optional\npassword = geheim\n",
	    0644);
	assert_int_equal(cfg_load_account(s.conf, &a, &notes), ERR_CONFIG);
	want = mem_printf("%s:5: error: [account] password must be "
			  "@secret:NAME (secrets stand in files of their own)\n"
			  "%s:4: error: [account] tls = optional is allowed "
			  "only with a host on this machine (host = "
			  "127.0.0.1)\n",
	    s.conf, s.conf);
	assert_string_equal(notes.data, want);
	free(want);
	buf_fini(&notes);
	site_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken),
		cmocka_unit_test(defaults),
		cmocka_unit_test(plant),
		cmocka_unit_test(allowed),
		cmocka_unit_test(peers),
		cmocka_unit_test(by_id),
		cmocka_unit_test(several),
		cmocka_unit_test(limits),
		cmocka_unit_test(comparing),
		cmocka_unit_test(restarts),
		cmocka_unit_test(secret_files),
		cmocka_unit_test(secret_missing),
		cmocka_unit_test(secret_credentials),
		cmocka_unit_test(parts),
		cmocka_unit_test(no_file),
		cmocka_unit_test(printing),
		cmocka_unit_test(manual),
		cmocka_unit_test(help),
		cmocka_unit_test(examples),
		cmocka_unit_test(example_others),
		cmocka_unit_test(other_files),
		cmocka_unit_test(other_files_wrong),
	};

	setenv("THINGBRIDGE_TEMPLATES", TEST_TEMPLATES, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
