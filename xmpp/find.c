#include "xmpp/find.h"

#include "common/log.h"
#include "common/mem.h"
#include "xmpp/find_dhcp.h"
#include "xmpp/find_mdns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WHY = 512 };

/* What a worker has found, in the local network or in the leases. */
struct local {
	struct mdns_found mdns;
	struct lease lease;
	unsigned closed;
};

struct find {
	uv_loop_t *loop;
	find_done done;
	void *arg;
	char *host, *domain, *leases;
	uint16_t port;
	unsigned left; /* ways */
	enum find_way way;
	struct resolve *resolve;
	uv_work_t work;
	bool working;
	atomic_bool cancelled;
	struct local *local;
	size_t next_name; /* of the leases */
	struct find_server v[RESOLVE_ADDRESSES];
	size_t n;
	char why[WHY];
};

static const struct {
	enum find_way way;
	const char *name;
} ways[] = {
	{ FIND_HOST, "configured" },
	{ FIND_SRV, "SRV" },
	{ FIND_MDNS, "mDNS" },
	{ FIND_DHCP, "DHCP" },
};

const char *
find_way_name(enum find_way way)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].way == way)
			return ways[i].name;
	return "?";
}

static void
add_why(struct find *f, const char *why)
{
	size_t used = strlen(f->why);

	snprintf(f->why + used, sizeof(f->why) - used, "%s%s", used ? "; " : "",
	    why);
}

static void
finish(struct find *f, enum err e)
{
	struct find_result r = { .e = e,
		.way = f->way,
		.v = f->v,
		.n = e == OK ? f->n : 0,
		.left = f->left,
		.why = f->why };

	if (atomic_load(&f->cancelled))
		r.e = ERR_OFFLINE;
	f->done(f->arg, &r);
	free(f->host);
	free(f->domain);
	free(f->leases);
	free(f->local);
	free(f);
}

static void next_way(struct find *f);
static void next_name(struct find *f);

/* The way that was tried is over. */
static void
way_over(struct find *f)
{
	if (f->n > 0)
		finish(f, OK);
	else
		next_way(f);
}

/* ------------------------------------------------------------------- by DNS */

static void
on_resolved(
    void *arg, enum err e, const struct address *v, size_t n, const char *why)
{
	struct find *f = arg;
	unsigned number = (unsigned)f->next_name;

	f->resolve = NULL;
	for (size_t i = 0; i < n && f->n < RESOLVE_ADDRESSES; i++) {
		memset(&f->v[f->n], 0, sizeof(f->v[f->n]));
		f->v[f->n].address = v[i];
		f->v[f->n++].number = number;
	}
	if (e != OK && why[0])
		add_why(f, why);
	if (atomic_load(&f->cancelled) || e == ERR_REFUSED)
		finish(f, e);
	else if (f->way == FIND_DHCP)
		next_name(f);
	else
		way_over(f);
}

static void
resolve(struct find *f, const char *service, const char *name)
{
	f->resolve =
	    resolve_start(f->loop, service, name, f->port, on_resolved, f);
}

/* ------------------------------------------------------ in the surroundings */

/* A server of another domain does not have our account. */
static void
take_mdns(struct find *f)
{
	const struct mdns_found *m = &f->local->mdns;
	char safe[LOG_SAFE];

	if (m->n == 0)
		add_why(f, m->why);
	for (size_t i = 0; i < m->n; i++) {
		struct find_server *s = &f->v[f->n];

		if (strcasecmp(m->v[i].hints.domain, f->domain) != 0) {
			log_info("xmpp",
			    "a server of another domain announces itself "
			    "domain=%s address=%s",
			    log_safe(safe, m->v[i].hints.domain),
			    m->v[i].address.text);
			continue;
		}
		s->address = m->v[i].address;
		s->number = (unsigned)i;
		s->hints = m->v[i].hints;
		f->n++;
	}
	if (m->n > 0 && f->n == 0)
		add_why(f,
		    "mDNS: the servers that announce themselves serve other "
		    "domains");
}

static void
take_dhcp(struct find *f)
{
	if (f->local->lease.n > 0)
		return;
	add_why(f,
	    f->local->closed
		? "DHCP: no lease that may be read has option 224; let a hook "
		  "tell it"
		: "DHCP: no lease has option 224");
}

/* The option names a machine, not a domain with records of its own. */
static void
next_name(struct find *f)
{
	if (f->next_name < f->local->lease.n)
		resolve(f, NULL, f->local->lease.name[f->next_name++]);
	else
		way_over(f);
}

static void
look_around(uv_work_t *req)
{
	struct find *f = req->data;

	if (f->way == FIND_MDNS)
		mdns_browse(&f->local->mdns, &f->cancelled);
	else
		dhcp_names(f->leases, &f->local->lease, &f->local->closed);
}

static void
looked_around(uv_work_t *req, int status)
{
	struct find *f = req->data;

	f->working = false;
	if (status != 0 || atomic_load(&f->cancelled)) {
		finish(f, ERR_OFFLINE);
		return;
	}
	if (f->way == FIND_MDNS) {
		take_mdns(f);
		way_over(f);
		return;
	}
	take_dhcp(f);
	next_name(f);
}

/* ------------------------------------------------------------------ the ways
 */

static void
next_way(struct find *f)
{
	size_t i = 0;

	while (i < sizeof(ways) / sizeof(ways[0]) && !(f->left & ways[i].way))
		i++;
	if (i == sizeof(ways) / sizeof(ways[0])) {
		finish(f, ERR_NOTFOUND);
		return;
	}
	f->way = ways[i].way;
	f->left &= ~(unsigned)f->way;
	f->next_name = 0;
	if (f->way == FIND_HOST) {
		resolve(f, NULL, f->host);
	} else if (f->way == FIND_SRV) {
		resolve(f, "_xmpp-client._tcp", f->domain);
	} else {
		if (!f->local)
			f->local = mem_zalloc(sizeof(*f->local));
		f->working = true;
		(void)uv_queue_work(
		    f->loop, &f->work, look_around, looked_around);
	}
}

struct find *
find_start(uv_loop_t *loop, const struct find_config *config, find_done done,
    void *arg)
{
	struct find *f = mem_zalloc(sizeof(*f));

	f->loop = loop;
	f->done = done;
	f->arg = arg;
	f->host = mem_strdup(config->host);
	f->domain = mem_strdup(config->domain);
	f->leases = mem_strdup(config->leases);
	f->port = config->port;
	f->left = config->ways;
	f->work.data = f;
	next_way(f);
	return f;
}

void
find_cancel(struct find *f)
{
	atomic_store(&f->cancelled, true);
	if (f->resolve)
		resolve_cancel(f->resolve);
	else if (f->working)
		(void)uv_cancel((uv_req_t *)&f->work);
}
