#include "broken.h"
#include "config/config.h"
#include "config/secret.h"
#include "config/stable_name.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define XMPP                                         \
	"[xmpp]\njid = plant7@example.org/gateway\n" \
	"password = @secret:xmpp-password\n"
#define REGISTRY "[registry]\njid = registry.example.org\n"
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
	    TEST_DATA "/config/broken", "thingbridge.conf", 110, load_notes);
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
put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(chmod(path, mode), 0);
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
		{ "a text device among Modbus devices, at its own speed",
		    XMPP LINE METER("a", "address = 3\n") "[node b]\n"
							  "bus = rs485\n"
							  "template = "
							  "generic.xy-md02-"
							  "ascii\n" },
		{ "a Modbus unit and a text device with one address",
		    XMPP LINE METER("a", "address = 3\n") "[node b]\n"
							  "bus = rs485\n"
							  "address = 3\n"
							  "template = "
							  "vaisala.wxt\n" },
		{ "the speed of a line behind TCP, for its pauses",
		    XMPP "[bus b]\ntype = modbus-rtu-tcp\nserial = 9600\n"
			 "host = 192.0.2.10:4001\ngap = 5ms\n"
			 "[bus c]\ntype = serial\nserial = 300 7E1\n"
			 "host = 192.0.2.10:4002\nchar_delay = 1ms\n" },
		{ "a line whose direction this program switches",
		    XMPP LINE "rs485 = rts-down\nrts_before = 200us\n"
			      "rts_after = 2ms\nchar_delay = 3ms\n" },
		{ "a tag of [tags] replaced by one of its type",
		    XMPP PLC "[tags]\n#LAT = 1.5\nCITY = Kiruna\n"
			     "[node a]\nbus = plc\naddress = 1\n"
			     "template = generic.relay8\ntag.#lat = 2\n"
			     "tag.CITY = Luleå\n" },
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
	assert_false(c->registry.announced || c->registry.predefined);
	assert_false(c->provisioning.announced || c->provisioning.predefined);
	assert_null(c->registry.moved_from);
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

/* The warning names what leads to the port. */
static void
port_names(void **state)
{
	static const char *const links[] = { "by-id/usb-B", "by-id/usb-A",
		"by-path/pci-1" };
	char dir[] = "/tmp/tb-serial-XXXXXX", *device, *other, *found;
	char *path[3], *both;

	(void)state;
	assert_non_null(mkdtemp(dir));
	device = mem_printf("%s/ttyUSB0", dir);
	other = mem_printf("%s/ttyUSB1", dir);
	put(device, "", 0600);
	put(other, "", 0600);
	found = mem_printf("%s/by-path", dir);
	assert_int_equal(mkdir(found, 0700), 0);
	path[2] = mem_printf("%s/%s", dir, links[2]);
	assert_int_equal(symlink(device, path[2]), 0);
	free(found);
	found = stable_name(dir, device);
	assert_string_equal(found, path[2]);
	free(found);
	found = stable_names(dir);
	assert_string_equal(found, path[2]);
	free(found);
	found = mem_printf("%s/by-id", dir);
	assert_int_equal(mkdir(found, 0700), 0);
	free(found);
	for (size_t i = 0; i < 2; i++) {
		path[i] = mem_printf("%s/%s", dir, links[i]);
		assert_int_equal(symlink(i ? device : other, path[i]), 0);
	}
	found = stable_name(dir, device);
	assert_string_equal(found, path[1]);
	free(found);
	assert_null(stable_name(dir, "/nonexistent"));
	assert_null(stable_names("/nonexistent"));
	found = stable_names(dir);
	both = mem_printf("%s, %s", path[1], path[0]);
	assert_string_equal(found, both);
	free(both);
	free(found);
	for (size_t i = 0; i < 3; i++) {
		unlink(path[i]);
		*strrchr(path[i], '/') = '\0';
		rmdir(path[i]);
		free(path[i]);
	}
	unlink(device);
	unlink(other);
	free(device);
	free(other);
	assert_int_equal(rmdir(dir), 0);
}

static void
lines(void **state)
{
	struct cfg *c = load(
	    XMPP LINE "rs485 = rts-up\nrts_before = 250us\nrts_after = 2ms\n"
		      "char_delay = 3ms\n"
		      "[node w]\nbus = rs485\n"
		      "template = generic.xy-md02-ascii\n"
		      "[bus t]\ntype = modbus-rtu-tcp\nhost = h:4001\n"
		      "[bus s]\ntype = serial\nhost = h:4002\n"
		      "[node n]\nbus = s\ntemplate = vaisala.wxt-nmea\n");

	(void)state;
	assert_int_equal(c->buses[0].rs485, CFG_RS485_RTS_UP);
	assert_int_equal(c->buses[0].rts_before_us, 250);
	assert_int_equal(c->buses[0].rts_after_us, 2000);
	assert_int_equal(c->buses[0].char_delay_ms, 3);
	assert_int_equal(c->buses[0].serial.baud, 9600);
	assert_int_equal(c->buses[1].serial.baud, 9600);
	assert_int_equal(c->buses[2].serial.baud, 4800);
	assert_int_equal(c->nodes[0].tmpl->kind, TMPL_TEXT);
	cfg_free(c);
}

/* Nodes that change a template alike have one copy. */
static void
changes(void **state)
{
	struct cfg *c = load(XMPP LINE METER("a", "address = 3\n") METER("b",
	    "address = 4\nfield.power_l1.poll = 1s\n"
	    "field.power_l1.deadband = 10\n") METER("c",
	    "address = 5\nfield.power_l1.poll = 1s\n"
	    "field.power_l1.deadband = 10\n")
		METER("d", "address = 6\nfield.power_l1.poll =\n"));
	const struct tmpl *t = c->nodes[1].tmpl;
	struct cfg *other = load(XMPP LINE METER(
	    "a", "address = 3\nfield.power.max = 1000\n") METER("b",
	    "address = 4\nfield.power_l1.poll = 1s\n"
	    "field.power_l1.deadband = 10\n"));

	(void)state;
	assert_ptr_equal(c->nodes[2].tmpl, t);
	assert_ptr_not_equal(c->nodes[0].tmpl, t);
	assert_ptr_equal(c->nodes[3].tmpl, c->nodes[0].tmpl);
	assert_int_equal(c->n_templates, 2);
	assert_string_equal(t->id, "eastron.sdm630");
	assert_int_equal(tmpl_poll_ms(t, tmpl_find(t, "power_l1"), 0), 1000);
	assert_int_equal(tmpl_find(t, "power_l1")->deadband.mant, 10);
	assert_false(cfg_node_equal(&c->nodes[0], &other->nodes[0]));
	assert_true(cfg_node_equal(&c->nodes[1], &other->nodes[1]));
	cfg_free(c);
	cfg_free(other);
}

static void
unknown_template(void **state)
{
	static const struct {
		const char *id, *hint;
	} rows[] = {
		{ "eastron.sdm360", "(did you mean \"eastron.sdm630\"?  " },
		{ "sdm630", "(did you mean \"eastron.sdm630\"?  " },
		{ "acme.em24", "(did you mean \"gavazzi.em24\"?  " },
		{ "zzz.9", "(" },
		{ "acme.ups80", "(" }, /* holds the s8 of senseair.s8 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = mem_printf(XMPP PLC
		    "[node a]\nbus = plc\naddress = 1\ntemplate = %s\n",
		    rows[i].id);
		char *got = notes_of(text);
		char *want = mem_printf(
		    "t:10: error: [node a] there is no template \"%s\" "
		    "%ssearched: %s, ./templates, /etc/thingbridge/templates, ",
		    rows[i].id, rows[i].hint, TEST_TEMPLATES);

		print_message("  %s", got);
		assert_memory_equal(got, want, strlen(want));
		assert_non_null(
		    strstr(got, "/usr/share/thingbridge/templates)"));
		free(text);
		free(got);
		free(want);
	}
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

/* A folder with the secret that all but the tests of secrets need. */
static char credentials[] = "/tmp/tb-config-XXXXXX";

struct site {
	char dir[64];
	char *conf, *secrets, *secret;
};

static void
site_init(struct site *s)
{
	snprintf(s->dir, sizeof(s->dir), "/tmp/tb-config-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->conf = mem_printf("%s/thingbridge.conf", s->dir);
	s->secrets = mem_printf("%s/secrets", s->dir);
	s->secret = mem_printf("%s/secrets/xmpp-password", s->dir);
	assert_int_equal(mkdir(s->secrets, 0700), 0);
	put(s->conf, XMPP REGISTRY, 0644);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
site_fini(struct site *s)
{
	unlink(s->conf);
	unlink(s->secret);
	rmdir(s->secrets);
	rmdir(s->dir);
	setenv("CREDENTIALS_DIRECTORY", credentials, 1);
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

static char *
check_notes(const char *path, enum err want)
{
	struct buf notes = { 0 };
	struct cfg *c;

	assert_int_equal(cfg_load(path, false, &c, &notes), want);
	cfg_free(c);
	return buf_take(&notes);
}

/* A check reads no secret, and says what the daemon would. */
static void
secret_looked_at(void **state)
{
	struct site s;
	char *got;

	(void)state;
	site_init(&s);
	got = check_notes(s.conf, ERR_CONFIG);
	assert_non_null(strstr(got, "there is no secret \"xmpp-password\""));
	free(got);
	put(s.secret, "geheim\n", 0644);
	got = check_notes(s.conf, ERR_CONFIG);
	assert_non_null(strstr(got, "others can read the secret"));
	free(got);
	put(s.secret, "\n", 0600);
	got = check_notes(s.conf, ERR_CONFIG);
	assert_non_null(strstr(got, "is empty"));
	free(got);
	/* no read of it succeeds: half a secret would be a wrong one */
	assert_int_equal(unlink(s.secret), 0);
	assert_int_equal(symlink("/proc/self/mem", s.secret), 0);
	got = check_notes(s.conf, ERR_CONFIG);
	assert_non_null(strstr(got, "cannot be read to its end"));
	free(got);
	assert_int_equal(unlink(s.secret), 0);
	put(s.secret, "geheim\n", 0600);
	got = check_notes(s.conf, OK);
	assert_string_equal(got, "");
	free(got);
	site_fini(&s);
}

/* As a user who may look at neither the folder nor the file. */
static void
secret_of_others(void **state)
{
	struct site s;
	char *got;

	(void)state;
	if (geteuid() != 0)
		skip();
	site_init(&s);
	assert_int_equal(chmod(s.dir, 0755), 0);
	put(s.secret, "geheim\n", 0600);
	assert_int_equal(seteuid(65534), 0);
	got = check_notes(s.conf, OK);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(got,
	    ":3: warning: [xmpp] this user may not "
	    "look for the secret \"xmpp-password\""));
	free(got);
	assert_int_equal(chmod(s.secrets, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	got = check_notes(s.conf, OK);
	assert_int_equal(seteuid(0), 0);
	assert_string_equal(got, "");
	free(got);
	assert_int_equal(chmod(s.secret, 0620), 0);
	assert_int_equal(seteuid(65534), 0);
	got = check_notes(s.conf, ERR_CONFIG);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(got, "others can read the secret"));
	free(got);
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

/* --- what the configuration names --- */

static void
outside(void **state)
{
	struct site s;
	char *text, *got;

	(void)state;
	site_init(&s);
	put(s.secret, "geheim\n", 0600);
	text = mem_printf(XMPP "ca_file = %s\n" REGISTRY
			       "[gateway]\nstate = %s/no/state.db\n",
	    s.conf, s.dir);
	put(s.conf, text, 0644);
	got = check_notes(s.conf, OK);
	assert_non_null(strstr(got, ":8: warning: [gateway] the folder "));
	assert_int_equal(strchr(got, '\n')[1], '\0');
	free(got);
	free(text);
	put(s.conf, XMPP, 0644); /* the registry is searched then */
	got = check_notes(s.conf, OK);
	assert_null(strstr(got, "[registry]"));
	free(got);
	put(s.conf, XMPP "[registry]\nuser = registry\n", 0644);
	got = check_notes(s.conf, OK);
	assert_non_null(strstr(got, "warning: [registry] user trusts"));
	free(got);
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
	    "/nonexistent/x.conf: error: is not there (is the name right?  "
	    "sudo thingbridge setup makes one)\n");
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

static const char *const registry_clients[][2] = {
	{ "[client]\njid = example.org\npassword = @secret:xmpp-password\n",
	    ":2: error: [client] jid must be an account, as "
	    "registry@example.org\n" },
	{ "[client]\njid = r@example.org\npassword = geheim\n",
	    ":3: error: [client] password must be @secret:NAME (secrets stand "
	    "in files of their own)\n" },
	{ "[client]\njid = r@example.org\npassword = @secret:xmpp-password\n"
	  "host = a:b:c\n",
	    ":4: error: [client] host must be host[:port], not \"a:b:c\"\n" },
	{ "[client]\njid = r@example.org\npassword = @secret:xmpp-password\n"
	  "host = 192.0.2.1\ntls = optional\n",
	    ":5: error: [client] tls = optional is allowed only with a host on "
	    "this machine (host = 127.0.0.1)\n" },
	{ "[client]\npassword = @secret:xmpp-password\n",
	    ":1: error: [client] jid is missing (the registry's account, as "
	    "registry@example.org; its resource, if it names none, is "
	    "registry)\n" },
	{ "[store]\npath = /x.db\n",
	    ": error: [client] either [component] or [client] must be there, "
	    "and not both\n" },
	{ "[component]\njid = r.example.org\nsecret = @secret:xmpp-password\n"
	  "[client]\njid = r@example.org\npassword = @secret:xmpp-password\n",
	    ":1: error: [component] either [component] or [client] must be "
	    "there, and not both\n" },
	{ "[client]\njid = r@example.org\npassword = @secret:xmpp-password\n"
	  "[limits]\nfriends = 0\n",
	    ":5: error: [limits] friends must be a number from 1 to 1000000, "
	    "not \"0\"\n" },
};

static void
registry_client_wrong(void **state)
{
	size_t n = sizeof(registry_clients) / sizeof(registry_clients[0]);
	struct cfg_component r;
	struct buf notes = { 0 };
	struct site s;

	(void)state;
	site_init(&s);
	put(s.secret, "geheim\n", 0600);
	for (size_t i = 0; i < n; i++) {
		put(s.conf, registry_clients[i][0], 0644);
		assert_int_equal(
		    cfg_load_registryd(s.conf, &r, &notes), ERR_CONFIG);
		assert_ptr_equal(strstr(notes.data, s.conf), notes.data);
		assert_string_equal(
		    notes.data + strlen(s.conf), registry_clients[i][1]);
		assert_null(strstr(notes.data, "geheim"));
		buf_fini(&notes);
	}
	site_fini(&s);
}

static void
registry_client(void **state)
{
	struct cfg_component r;
	struct buf notes = { 0 };
	struct site s;

	(void)state;
	site_init(&s);
	put(s.secret, "geheim\n", 0600);
	put(s.conf,
	    "[client]\njid = r@example.org\n"
	    "password = @secret:xmpp-password\nlog = debug\n",
	    0644);
	assert_int_equal(cfg_load_registryd(s.conf, &r, &notes), OK);
	assert_null(r.jid);
	assert_string_equal(r.client.jid, "r@example.org/registry");
	assert_string_equal(r.client.password, "geheim");
	assert_int_equal(r.client.tls, CFG_TLS_REQUIRED);
	assert_false(r.client.register_);
	assert_int_equal(r.log, 3);
	assert_int_equal(r.friends, 10000);
	assert_int_equal(r.friend_idle_ms, 86400000);
	cfg_component_fini(&r);
	put(s.conf,
	    "[client]\njid = r@example.org/own\n"
	    "password = @secret:xmpp-password\n",
	    0644);
	assert_int_equal(cfg_load_registryd(s.conf, &r, &notes), OK);
	assert_string_equal(r.client.jid, "r@example.org/own");
	cfg_component_fini(&r);
	assert_null(notes.data);
	site_fini(&s);
}

static int
give_secret(void **state)
{
	char *path;

	(void)state;
	if (!mkdtemp(credentials))
		return 1;
	path = mem_printf("%s/xmpp-password", credentials);
	put(path, "geheim\n", 0600);
	free(path);
	return setenv("CREDENTIALS_DIRECTORY", credentials, 1);
}

static int
take_secret(void **state)
{
	char *path = mem_printf("%s/xmpp-password", credentials);

	(void)state;
	unlink(path);
	free(path);
	return rmdir(credentials);
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
		cmocka_unit_test(port_names),
		cmocka_unit_test(lines),
		cmocka_unit_test(changes),
		cmocka_unit_test(unknown_template),
		cmocka_unit_test(several),
		cmocka_unit_test(limits),
		cmocka_unit_test(comparing),
		cmocka_unit_test(restarts),
		cmocka_unit_test(secret_files),
		cmocka_unit_test(secret_missing),
		cmocka_unit_test(secret_looked_at),
		cmocka_unit_test(secret_of_others),
		cmocka_unit_test(secret_credentials),
		cmocka_unit_test(outside),
		cmocka_unit_test(parts),
		cmocka_unit_test(no_file),
		cmocka_unit_test(printing),
		cmocka_unit_test(manual),
		cmocka_unit_test(help),
		cmocka_unit_test(examples),
		cmocka_unit_test(example_others),
		cmocka_unit_test(other_files),
		cmocka_unit_test(other_files_wrong),
		cmocka_unit_test(registry_client_wrong),
		cmocka_unit_test(registry_client),
	};

	setenv("THINGBRIDGE_TEMPLATES", TEST_TEMPLATES, 1);
	return cmocka_run_group_tests(tests, give_secret, take_secret);
}
