#include "xmpp/resolve.h"

#include "common/key.h"
#include "common/mem.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DNS_ANSWER_MAX = 8192, DNS_RETRANS_S = 2, DNS_RETRIES = 2 };

struct resolve {
	uv_loop_t *loop;
	uv_work_t work;
	uv_getaddrinfo_t lookup;
	resolve_done done;
	void *arg;
	char *service, *name;
	uint16_t port;
	bool cancelled;
	uv_req_t *active;
	struct srv target[RESOLVE_TARGETS];
	size_t n_targets, next;
	struct address v[RESOLVE_ADDRESSES];
	size_t n;
	int status; /* of the last lookup that failed */
};

static void
finish(struct resolve *r)
{
	char why[SRV_NAME * 2];
	enum err e = OK;

	why[0] = '\0';
	if (r->n_targets == 1 && strcmp(r->target[0].target, ".") == 0) {
		e = ERR_REFUSED;
		snprintf(why, sizeof(why),
		    "%s offers no XMPP service (its SRV record says so)",
		    r->name);
	} else if (r->n == 0) {
		e = ERR_NOTFOUND;
		snprintf(why, sizeof(why), "cannot find the address of %s: %s",
		    r->next > 0 ? r->target[r->next - 1].target : r->name,
		    r->status ? uv_strerror(r->status) : "none");
	}
	if (r->cancelled)
		e = ERR_OFFLINE;
	r->done(r->arg, e, r->v, e == OK ? r->n : 0, why);
	free(r->service);
	free(r->name);
	free(r);
}

static bool
is_loopback(const struct sockaddr *sa)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&in6, sa, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

static void
take_addresses(struct resolve *r, const struct addrinfo *list)
{
	for (; list && r->n < RESOLVE_ADDRESSES; list = list->ai_next) {
		struct address *a = &r->v[r->n];

		if (getnameinfo(list->ai_addr, list->ai_addrlen, a->text,
			sizeof(a->text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		a->port = r->target[r->next - 1].port;
		a->loopback = is_loopback(list->ai_addr);
		r->n++;
	}
}

static void next_target(struct resolve *r);

static void
looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct resolve *r = req->data;

	if (status == 0)
		take_addresses(r, list);
	else
		r->status = status;
	uv_freeaddrinfo(list);
	next_target(r);
}

/* Targets are looked up one after the other; all their addresses are tried in
 * this order. */
static void
next_target(struct resolve *r)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };

	while (!r->cancelled && r->next < r->n_targets &&
	    r->n < RESOLVE_ADDRESSES) {
		const struct srv *t = &r->target[r->next++];
		int e;

		if (strcmp(t->target, ".") == 0)
			continue;
		e = uv_getaddrinfo(
		    r->loop, &r->lookup, looked_up, t->target, NULL, &hints);
		if (e == 0) {
			r->active = (uv_req_t *)&r->lookup;
			return;
		}
		r->status = e;
	}
	finish(r);
}

static void
srv_work(uv_work_t *req)
{
	struct resolve *r = req->data;
	unsigned char *msg;
	struct __res_state st;
	char question[SRV_NAME * 2];
	int len, n;

	memset(&st, 0, sizeof(st));
	if (r->service[0] == '\0' || res_ninit(&st) != 0)
		return;
	st.retrans = DNS_RETRANS_S;
	st.retry = DNS_RETRIES;
	snprintf(question, sizeof(question), "%s.%s", r->service, r->name);
	msg = mem_zalloc(DNS_ANSWER_MAX);
	len = res_nquery(&st, question, ns_c_in, ns_t_srv, msg, DNS_ANSWER_MAX);
	n = len > DNS_ANSWER_MAX
	    ? 0
	    : srv_parse(msg, len, r->target, RESOLVE_TARGETS);
	r->n_targets = n > 0 ? (size_t)n : 0;
	free(msg);
	res_nclose(&st);
}

static void
srv_done(uv_work_t *req, int status)
{
	struct resolve *r = req->data;

	(void)status;
	if (r->n_targets == 0) {
		snprintf(r->target[0].target, sizeof(r->target[0].target), "%s",
		    r->name);
		r->target[0].port = r->port;
		r->n_targets = 1;
	}
	srv_order(r->target, r->n_targets, random_below);
	next_target(r);
}

struct resolve *
resolve_start(uv_loop_t *loop, const char *service, const char *name,
    uint16_t port, resolve_done done, void *arg)
{
	struct resolve *r = mem_zalloc(sizeof(*r));

	r->loop = loop;
	r->done = done;
	r->arg = arg;
	r->name = mem_strdup(name);
	r->service = mem_strdup(service ? service : "");
	r->port = port;
	r->work.data = r->lookup.data = r;
	r->active = (uv_req_t *)&r->work;
	(void)uv_queue_work(loop, &r->work, srv_work, srv_done);
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	r->cancelled = true;
	(void)uv_cancel(r->active);
}

/* The DNS library checks every bound of the message. */
int
srv_parse(const unsigned char *msg, int len, struct srv *out, int max)
{
	ns_msg m;
	int n = 0;

	if (len < 0 || ns_initparse(msg, len, &m) != 0)
		return -1;
	for (int i = 0; i < ns_msg_count(m, ns_s_an) && n < max; i++) {
		const unsigned char *data;
		struct srv s;
		ns_rr rr;

		if (ns_parserr(&m, ns_s_an, i, &rr) != 0)
			return n;
		if (ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) < 7)
			continue;
		data = ns_rr_rdata(rr);
		s.priority = (uint16_t)ns_get16(data);
		s.weight = (uint16_t)ns_get16(data + 2);
		s.port = (uint16_t)ns_get16(data + 4);
		if (dn_expand(msg, msg + len, data + 6, s.target,
			sizeof(s.target)) < 0)
			continue;
		if (s.target[0] == '\0')
			strcpy(s.target, ".");
		out[n++] = s;
	}
	return n;
}

/* The next of the n records of the lowest priority, drawn by weight. */
static size_t
draw(const struct srv *v, size_t n, uint32_t (*below)(uint32_t n))
{
	uint16_t lowest = UINT16_MAX;
	uint32_t total = 0, at;

	for (size_t i = 0; i < n; i++)
		if (v[i].priority < lowest)
			lowest = v[i].priority;
	for (size_t i = 0; i < n; i++)
		if (v[i].priority == lowest)
			total += v[i].weight;
	at = below(total + 1);
	for (size_t i = 0; i < n; i++) {
		if (v[i].priority != lowest)
			continue;
		if (at <= v[i].weight)
			return i;
		at -= v[i].weight;
	}
	return 0;
}

void
srv_order(struct srv *v, size_t n, uint32_t (*below)(uint32_t n))
{
	for (size_t i = 0; i + 1 < n; i++) {
		size_t j = i + draw(v + i, n - i, below);
		struct srv s = v[j];

		v[j] = v[i];
		v[i] = s;
	}
}
