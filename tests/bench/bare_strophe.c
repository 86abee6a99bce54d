/* Registers nodes with a Thing Registry and does nothing else: libstrophe
 * alone, what nodes.py measures the gateway by.
 *
 *     bare_strophe JID HOST PORT CAFILE REGISTRY NODES WINDOW
 *
 * The password comes in the environment (BARE_PASSWORD).  Prints the seconds
 * from the first register to the last answer. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <time.h>

#define NS "urn:xmpp:iot:discovery"

struct bare {
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	const char *registry;
	int nodes, window, sent, answered, refused;
	double began;
};

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
add_tag(struct bare *b, xmpp_stanza_t *reg, const char *name, const char *value)
{
	xmpp_stanza_t *tag = xmpp_stanza_new(b->ctx);

	xmpp_stanza_set_name(tag, "str");
	xmpp_stanza_set_attribute(tag, "name", name);
	xmpp_stanza_set_attribute(tag, "value", value);
	xmpp_stanza_add_child(reg, tag);
	xmpp_stanza_release(tag);
}

/* The tags that the gateway registers a node of generic.xy-md02 with. */
static void
send_one(struct bare *b)
{
	xmpp_stanza_t *reg = xmpp_stanza_new(b->ctx), *iq;
	char id[32], text[64];

	snprintf(id, sizeof(id), "bare-%d", ++b->sent);
	iq = xmpp_iq_new(b->ctx, "set", id);
	xmpp_stanza_set_to(iq, b->registry);
	xmpp_stanza_set_name(reg, "register");
	xmpp_stanza_set_ns(reg, NS);
	snprintf(text, sizeof(text), "n%05d", b->sent);
	xmpp_stanza_set_attribute(reg, "nodeId", text);
	add_tag(b, reg, "MAN", "generic");
	add_tag(b, reg, "MODEL", "XY-MD02");
	snprintf(text, sizeof(text), "bare-%05d", b->sent);
	add_tag(b, reg, "SN", text);
	snprintf(text, sizeof(text), "ABCDEFGHIJKLMNOPQRSTU%05d", b->sent);
	add_tag(b, reg, "KEY", text);
	xmpp_stanza_add_child(iq, reg);
	xmpp_stanza_release(reg);
	xmpp_send(b->conn, iq);
	xmpp_stanza_release(iq);
}

static int
on_iq(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct bare *b = arg;
	const char *id = xmpp_stanza_get_id(stanza);
	const char *type = xmpp_stanza_get_type(stanza);

	if (!id || strncmp(id, "bare-", 5) != 0 || !type)
		return 1;
	b->answered++;
	b->refused += strcmp(type, "result") != 0;
	if (b->sent < b->nodes)
		send_one(b);
	else if (b->answered == b->nodes)
		xmpp_disconnect(conn);
	if (b->answered == b->nodes)
		printf("%.3f %d\n", now_s() - b->began, b->refused);
	return 1;
}

static void
on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
    xmpp_stream_error_t *stream_error, void *arg)
{
	struct bare *b = arg;

	(void)error;
	(void)stream_error;
	if (event != XMPP_CONN_CONNECT) {
		xmpp_stop(b->ctx);
		return;
	}
	xmpp_handler_add(conn, on_iq, NULL, "iq", NULL, b);
	b->began = now_s();
	while (b->sent < b->nodes && b->sent < b->window)
		send_one(b);
}

int
main(int argc, char **argv)
{
	const char *password = getenv("BARE_PASSWORD");
	struct bare b = { 0 };

	if (argc != 8 || !password) {
		fprintf(stderr,
		    "usage: BARE_PASSWORD=... bare_strophe JID HOST PORT "
		    "CAFILE REGISTRY NODES WINDOW\n");
		return 2;
	}
	b.registry = argv[5];
	b.nodes = (int)strtol(argv[6], NULL, 10);
	b.window = (int)strtol(argv[7], NULL, 10);
	xmpp_initialize();
	b.ctx = xmpp_ctx_new(NULL, NULL);
	b.conn = xmpp_conn_new(b.ctx);
	xmpp_conn_set_jid(b.conn, argv[1]);
	xmpp_conn_set_pass(b.conn, password);
	xmpp_conn_set_cafile(b.conn, argv[4]);
	xmpp_conn_set_flags(b.conn, XMPP_CONN_FLAG_MANDATORY_TLS);
	if (xmpp_connect_client(b.conn, argv[2],
		(unsigned short)strtol(argv[3], NULL, 10), on_connection,
		&b) == XMPP_EOK)
		xmpp_run(b.ctx);
	xmpp_conn_release(b.conn);
	xmpp_ctx_free(b.ctx);
	xmpp_shutdown();
	return b.nodes && b.answered == b.nodes ? 0 : 1;
}
