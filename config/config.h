/* The gateway's configuration: loaded and checked whole, or not at all. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "common/buf.h"
#include "common/err.h"
#include "config/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Beside a state file, added to its name: it was restored, and the daemon must
 * not trust what it remembers of others' decisions. */
#define CFG_RESTORED ".restored"

struct cfg_gateway {
	char *state, *control;
	int log; /* enum log_level */
};

struct cfg_xmpp {
	char *jid, *password, *host, *leases, *ca_file;
	int tls; /* enum cfg_tls */
	bool register_;
	bool legacy_rejected; /* sensor data: also as of version 0.2 */
	int64_t window;       /* requests in flight */
	char *new_secret; /* where a password is to be made, for there is none
			     yet and the account is to be created; or NULL */
};
enum cfg_tls { CFG_TLS_REQUIRED, CFG_TLS_OPTIONAL };

struct cfg_registry {
	char *jid; /* also made of subdomain or user and the server's domain;
		      NULL: the server's components are searched */
	char *subdomain, *user;
	bool announced, predefined; /* accounts by their names, too */
	char *moved_from;           /* the one that had the claims before */
	int key_after_disown;       /* enum cfg_key */
	int64_t key_clear_ms;       /* delay of KEY='' after a public claim */
	int64_t check_every_ms;     /* between questions about a quiet node */
	int64_t
	    min_interval_ms; /* between updates of a tag that follows a field */
};
enum cfg_key { CFG_KEY_RENEW, CFG_KEY_KEEP };

struct cfg_provisioning {
	char *jid, *subdomain, *user; /* as of the registry */
	bool announced, predefined;
};

struct cfg_history {
	int64_t flush_ms, max_mb;
};

/* A tag as configured: value is text, or "@field". */
struct cfg_tag {
	char *name, *value;
	bool num;
	int line;
	const char *file;
};

/* What a node changes of a field of its template: field.NAME.OPTION. */
struct cfg_change {
	char *field, *option, *value;
	int line;
	const char *file;
};

enum cfg_bus_type {
	BUS_MODBUS_TCP,
	BUS_MODBUS_RTU,
	BUS_MODBUS_RTU_TCP,
	BUS_SERIAL
};
/* Who switches the direction of an RS-485 line: the kernel when it can; nobody
 * (the adapter does); the kernel, or it is an error; this program, with RTS
 * high or low while it sends. */
enum cfg_rs485 {
	CFG_RS485_AUTO,
	CFG_RS485_OFF,
	CFG_RS485_ON,
	CFG_RS485_RTS_UP,
	CFG_RS485_RTS_DOWN
};

struct cfg_bus {
	char *name;
	int type;   /* enum cfg_bus_type */
	char *host; /* host[:port], [v6]:port: modbus-tcp, and modbus-rtu-tcp
		       and serial over TCP */
	char *port; /* a device path, links allowed; NULL when host is set */
	char *serial_text;         /* as configured, or NULL */
	struct serial_mode serial; /* in effect: configured, the templates', or
				      9600 8N1 when no node is there */
	int rs485;                 /* enum cfg_rs485 */
	int64_t rts_before_us, rts_after_us; /* pauses around what is sent */
	int64_t char_delay_ms;               /* between characters sent */
	int64_t timeout_ms;                  /* 0: the template's */
	int64_t gap_ms, unit_gap_ms, connect_delay_ms;
	int line; /* of its section, 0: not known; in file (borrowed) */
	const char *file;
};

/* The port of a modbus host that names none. */
enum { CFG_MODBUS_PORT = 502 };

struct cfg_node {
	char *name_id;        /* the node id: [node ID] */
	char *source, *cache; /* "" when none */
	char *bus, *template_id;
	int64_t address; /* unit 1..247 (0..255 on TCP), or a text device's */
	int64_t poll_ms; /* 0: the template's */
	char *name;      /* for people; the node id when not given */
	bool self_owned, enabled;
	struct cfg_tag *claim, *tags; /* claim.X, tag.X */
	size_t n_claim, n_tags;
	struct cfg_change *changes; /* field.NAME.OPTION */
	size_t n_changes;
	const struct tmpl *tmpl;  /* in cfg.templates; with the changes */
	const struct cfg_bus *on; /* in cfg.buses */
};

enum {
	CFG_NODES_MAX = 10000,
	CFG_BUSES_MAX = 1000,
	CFG_TAGS_MAX = 32,
	CFG_CHANGES_MAX = 100
};

struct cfg {
	char *path;   /* of the main file */
	char **files; /* all that were read, in order */
	size_t n_files;
	struct cfg_gateway gateway;
	struct cfg_xmpp xmpp;
	struct cfg_registry registry;
	struct cfg_provisioning provisioning;
	struct cfg_history history;
	struct cfg_tag *tags; /* [tags] */
	size_t n_tags;
	struct cfg_bus *buses;
	size_t n_buses;
	struct cfg_node *nodes;
	size_t n_nodes;
	struct tmpl **templates; /* and those with changes of nodes */
	size_t n_templates;
};

/* cfg_is_part tells whether a file of conf.d counts: ^[A-Za-z0-9_-]+\.conf$;
 * what editors and packages leave behind is not read. */
bool cfg_is_part(const char *name);

/* cfg_load reads path, conf.d beside it, and the templates that nodes name.
 * notes receives every error and warning, a line each:
 *     file:line: error: [section] what (hint)
 * With secrets false it is the check of an installer, who may not be allowed to
 * read them: what of the files that the configuration names would keep the
 * daemon from starting is told as far as it can be seen.  cfg_load_text is the
 * same of data[len] alone, which notes call path, and looks at no secret.
 * Owns: *out is owned, NULL on error.  Errors: ERR_CONFIG, ERR_IO.
 * Thread: any, no state. */
enum err cfg_load(const char *path, bool secrets, struct cfg **out,
    struct buf *notes) MUST_USE;
enum err cfg_load_text(const char *path, const char *data, size_t len,
    struct cfg **out, struct buf *notes) MUST_USE;
void cfg_free(struct cfg *c);

/* cfg_print writes what was understood, defaults marked, secrets hidden. */
void cfg_print(const struct cfg *c, FILE *out);
void cfg_help(FILE *out); /* --help-config */
void cfg_mdoc(FILE *out); /* the same for thingbridge.conf.5 */

/* cfg_bus_equal and cfg_node_equal: nothing that matters has changed.  Of a
 * node that is its keys, its template's content and its tags; cfg_tags_equal
 * tells whether it was only tags.  The bus is compared by name. */
bool cfg_bus_equal(const struct cfg_bus *a, const struct cfg_bus *b);
bool cfg_node_equal(const struct cfg_node *a, const struct cfg_node *b);
bool cfg_tags_equal(
    const struct cfg_tag *a, size_t n, const struct cfg_tag *b, size_t m);

/* cfg_restart appends the keys that differ and that a reload cannot change, as
 * "xmpp.jid, gateway.state"; nothing when there are none. */
void cfg_restart(const struct cfg *a, const struct cfg *b, struct buf *out);

/* cfg_check_ports appends a warning, as cfg_load does, for each bus whose port
 * is not there at present, or is no device. */
void cfg_check_ports(const struct cfg *c, struct buf *notes);

/* The other programs' files, with the same reader and errors. */
struct cfg_component { /* thingregistryd */
	/* The component; or jid is NULL, and client the account. */
	char *jid, *host, *secret;
	struct cfg_client {
		char *jid, *password, *host, *ca_file;
		int tls; /* enum cfg_tls */
		bool register_;
	} client;
	char *store;
	int log;
	int64_t max_count;   /* things in one answer of a search */
	int64_t tags;        /* of one thing */
	char *allow_tags;    /* names between commas, or "*" */
	int64_t things;      /* of one account */
	int64_t rate, burst; /* requests of one account: a second, at once */
	int64_t lease_ms;    /* silence after which a gateway is offline */
	int64_t friends, friend_idle_ms;
	bool require_key, lenient;
	bool provisions; /* it is the provisioning server too */
};
enum err cfg_load_registryd(
    const char *path, struct cfg_component *out, struct buf *notes) MUST_USE;
void cfg_component_fini(struct cfg_component *c);
void cfg_print_registryd(const struct cfg_component *c, FILE *out);
void cfg_help_registryd(FILE *out);
void cfg_mdoc_registryd(FILE *out);

struct cfg_account { /* thingowner */
	char *jid, *password, *host, *ca_file, *registry;
	int tls;
};
enum err cfg_load_account(
    const char *path, struct cfg_account *out, struct buf *notes) MUST_USE;
void cfg_account_fini(struct cfg_account *c);
void cfg_help_account(FILE *out);
void cfg_mdoc_account(FILE *out);

#endif
