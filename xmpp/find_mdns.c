#include "xmpp/find_mdns.h"

#include "common/log.h"

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-common/address.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SERVICE "_xmpp-client._tcp"

enum {
	STEP_MS = 100,
	TXT_MAX = 4096,
	RESOLVERS = 4 * MDNS_SERVERS, /* instances on several interfaces */
};

struct browse {
	struct mdns_found *out;
	AvahiSimplePoll *poll;
	AvahiClient *client;
	unsigned asked, answered; /* resolvers */
	bool told;                /* the daemon has told what it knows */
	bool failed;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A link-local IPv6 address needs its interface. */
static bool
write_address(struct address *to, const AvahiAddress *a, AvahiIfIndex interface)
{
	char text[AVAHI_ADDRESS_STR_MAX], name[IF_NAMESIZE];

	avahi_address_snprint(text, sizeof(text), a);
	if (a->proto == AVAHI_PROTO_INET6 && strncmp(text, "fe80:", 5) == 0) {
		if (!if_indextoname((unsigned)interface, name))
			return false;
		snprintf(to->text, sizeof(to->text), "%s%%%s", text, name);
	} else {
		snprintf(to->text, sizeof(to->text), "%s", text);
	}
	to->loopback = a->proto == AVAHI_PROTO_INET
	    ? ntohl(a->data.ipv4.address) >> 24 == IN_LOOPBACKNET
	    : strcmp(text, "::1") == 0;
	return true;
}

static void
read_text(AvahiStringList *txt, struct hints *out)
{
	uint8_t data[TXT_MAX];

	memset(out, 0, sizeof(*out));
	if (avahi_string_list_serialize(txt, NULL, 0) > sizeof(data))
		return;
	txt_read(
	    data, avahi_string_list_serialize(txt, data, sizeof(data)), out);
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

/* NOLINTBEGIN(readability-function-size): the parameters are Avahi's. */
static void
resolved(AvahiServiceResolver *r, AvahiIfIndex interface,
    AvahiProtocol protocol, AvahiResolverEvent event, const char *name,
    const char *type, const char *domain, const char *host,
    const AvahiAddress *address, uint16_t port, AvahiStringList *txt,
    AvahiLookupResultFlags flags, void *arg)
{
	struct browse *b = arg;
	struct mdns_server s;

	(void)protocol;
	(void)type;
	(void)domain;
	(void)name;
	(void)flags;
	b->answered++;
	if (event == AVAHI_RESOLVER_FOUND && port != 0) {
		memset(&s, 0, sizeof(s));
		read_text(txt, &s.hints);
		if (!s.hints.domain[0])
			snprintf(
			    s.hints.domain, sizeof(s.hints.domain), "%s", host);
		s.address.port = port;
		if (write_address(&s.address, address, interface))
			add(b->out, &s);
	}
	avahi_service_resolver_free(r);
}

static void
browsed(AvahiServiceBrowser *browser, AvahiIfIndex interface,
    AvahiProtocol protocol, AvahiBrowserEvent event, const char *name,
    const char *type, const char *domain, AvahiLookupResultFlags flags,
    void *arg)
{
	struct browse *b = arg;

	(void)browser;
	(void)flags;
	if (event == AVAHI_BROWSER_ALL_FOR_NOW)
		b->told = true;
	else if (event == AVAHI_BROWSER_FAILURE)
		b->failed = true;
	if (event != AVAHI_BROWSER_NEW || b->asked == RESOLVERS)
		return;
	if (avahi_service_resolver_new(b->client, interface, protocol, name,
		type, domain, AVAHI_PROTO_UNSPEC, (AvahiLookupFlags)0, resolved,
		b))
		b->asked++;
}
/* NOLINTEND(readability-function-size) */

static void
client_changed(AvahiClient *client, AvahiClientState state, void *arg)
{
	struct browse *b = arg;

	(void)client;
	if (state == AVAHI_CLIENT_FAILURE)
		b->failed = true;
}

static void
run(struct browse *b, const atomic_bool *stop)
{
	int64_t end = now_ms() + MDNS_BROWSE_MS;

	while (!atomic_load(stop) && !b->failed && now_ms() < end &&
	    !(b->told && b->answered == b->asked))
		if (avahi_simple_poll_iterate(b->poll, STEP_MS) != 0)
			return;
}

static void
explain(struct mdns_found *out, const char *what, int error)
{
	snprintf(out->why, sizeof(out->why), "mDNS: %s%s%s", what,
	    error ? ": " : "", error ? avahi_strerror(error) : "");
}

static void
ask(struct browse *b, const atomic_bool *stop)
{
	AvahiServiceBrowser *browser;
	int error = 0;

	b->client = avahi_client_new(avahi_simple_poll_get(b->poll),
	    (AvahiClientFlags)0, client_changed, b, &error);
	if (!b->client) {
		explain(b->out, "avahi-daemon is not reached", error);
		return;
	}
	browser = avahi_service_browser_new(b->client, AVAHI_IF_UNSPEC,
	    AVAHI_PROTO_UNSPEC, SERVICE, NULL, (AvahiLookupFlags)0, browsed, b);
	if (browser)
		run(b, stop);
	if (!browser || b->failed)
		explain(b->out, "avahi-daemon refused",
		    avahi_client_errno(b->client));
	else if (b->out->n == 0)
		explain(b->out, "no server announces itself (" SERVICE ")", 0);
	avahi_client_free(b->client);
}

void
mdns_browse(struct mdns_found *out, const atomic_bool *stop)
{
	struct browse b = { .out = out };

	memset(out, 0, sizeof(*out));
	b.poll = avahi_simple_poll_new();
	if (!b.poll) {
		explain(out, "out of descriptors", 0);
		return;
	}
	ask(&b, stop);
	avahi_simple_poll_free(b.poll);
}
