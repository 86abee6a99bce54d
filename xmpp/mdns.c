/*
 * thingbridge-mdns: asks avahi-daemon for the XMPP servers that announce
 * themselves, for thingbridged, which then needs neither Avahi's library nor
 * D-Bus.  On standard output, a line each:
 *
 *     server ADDRESS PORT HOST TXT    TXT: the record's data in hex, or "-"
 *     error TEXT                      a part of a sentence
 *
 * It ends when all that is known has been told, at most after BROWSE_MS.
 */
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-common/address.h>
#include <avahi-common/error.h>
#include <avahi-common/simple-watch.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVICE "_xmpp-client._tcp"

enum {
	BROWSE_MS = 3000,
	STEP_MS = 100,
	TXT_MAX = 1024,
	RESOLVERS = 64, /* instances on several interfaces */
};

struct browse {
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
print_address(const AvahiAddress *a, AvahiIfIndex interface)
{
	char text[AVAHI_ADDRESS_STR_MAX], name[IF_NAMESIZE];

	avahi_address_snprint(text, sizeof(text), a);
	if (a->proto != AVAHI_PROTO_INET6 || strncmp(text, "fe80:", 5) != 0) {
		printf("server %s", text);
		return true;
	}
	if (!if_indextoname((unsigned)interface, name))
		return false;
	printf("server %s%%%s", text, name);
	return true;
}

static void
print_text(AvahiStringList *txt)
{
	uint8_t data[TXT_MAX];
	size_t len = avahi_string_list_serialize(txt, NULL, 0);

	if (len == 0 || len > sizeof(data)) {
		printf("-");
		return;
	}
	len = avahi_string_list_serialize(txt, data, sizeof(data));
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
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

	(void)protocol;
	(void)type;
	(void)domain;
	(void)name;
	(void)flags;
	b->answered++;
	if (event == AVAHI_RESOLVER_FOUND && port != 0 &&
	    !strpbrk(host, " \r\n") && print_address(address, interface)) {
		printf(" %u %s ", (unsigned)port, host);
		print_text(txt);
		printf("\n");
		(void)fflush(stdout);
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
run(struct browse *b)
{
	int64_t end = now_ms() + BROWSE_MS;

	while (!b->failed && now_ms() < end &&
	    !(b->told && b->answered == b->asked))
		if (avahi_simple_poll_iterate(b->poll, STEP_MS) != 0)
			return;
}

static int
fail(const char *what, int error)
{
	printf("error %s%s%s\n", what, error ? ": " : "",
	    error ? avahi_strerror(error) : "");
	return EXIT_FAILURE;
}

static int
ask(struct browse *b)
{
	AvahiServiceBrowser *browser;
	int error = 0;

	b->client = avahi_client_new(avahi_simple_poll_get(b->poll),
	    (AvahiClientFlags)0, client_changed, b, &error);
	if (!b->client)
		return fail("avahi-daemon is not reached", error);
	browser = avahi_service_browser_new(b->client, AVAHI_IF_UNSPEC,
	    AVAHI_PROTO_UNSPEC, SERVICE, NULL, (AvahiLookupFlags)0, browsed, b);
	if (browser)
		run(b);
	error = !browser || b->failed ? avahi_client_errno(b->client) : 0;
	avahi_client_free(b->client);
	return error ? fail("avahi-daemon refused", error) : EXIT_SUCCESS;
}

int
main(void)
{
	struct browse b = { .told = false };
	int status;

	b.poll = avahi_simple_poll_new();
	if (!b.poll)
		return fail("out of descriptors", 0);
	status = ask(&b);
	avahi_simple_poll_free(b.poll);
	return status;
}
