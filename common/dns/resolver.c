/*
 * The way to the name servers (dns/resolver.h). Each question has a source port of its own: who wants to forge an
 * answer has to guess it, beside the id. Tries end in the order in which they begin.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/port.h"
#include "dns/resolver.h"
#include "dns/servers.h"
#include "dns/wire.h"
#include "system/clock.h"
#include "text.h"

#define FILE_LOOK_MS 5000
#define OPT_SIZE 11
#define HEADER 12
#define TC 0x02

enum { RCODE_FORMERR = 1, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4 };

struct question {
	struct question *newer, *older; /* of the row of those under way */
	dns_resolver_fn *fn;
	void *arg;
	int64_t until_ms;
	struct dns_port *port; /* NULL: none */
	unsigned tries;
	bool tcp;
	size_t len;			   /* of the query */
	size_t written, got;		   /* octets by TCP, with the length in front */
	uint8_t query[2 + DNS_QUERY_SIZE]; /* the length in front is for TCP */
};

struct dns_resolver {
	unsigned timeout_ms, tries;
	bool reads_file;

	pthread_mutex_t lock; /* of all below */
	struct dns_ports ports;
	bool stopped;
	int64_t look_ms;
	struct dns_servers servers;
	struct question *newest, *oldest;
};

/* ---- the row of questions ---------------------------------------------------------------------- */

static void row_leave(struct dns_resolver *resolver, struct question *question)
{
	if (question->newer)
		question->newer->older = question->older;
	else
		resolver->newest = question->older;
	if (question != resolver->oldest)
		question->older->newer = question->newer;
	else
		resolver->oldest = question->newer;
}

static void row_lead(struct dns_resolver *resolver, struct question *question)
{
	question->newer = NULL;
	question->older = resolver->newest;
	if (resolver->newest)
		resolver->newest->newer = question;
	else
		resolver->oldest = question;
	resolver->newest = question;
	question->until_ms = clock_ticks_ms() + resolver->timeout_ms;
}

/* ---- tries ------------------------------------------------------------------------------------- */

static void question_end(struct dns_resolver *resolver, struct question *question, const uint8_t *message, size_t len)
{
	row_leave(resolver, question);
	question->fn(question->arg, message, len);
	dns_port_leave(&resolver->ports, &question->port, message != NULL);
	free(question);
}

static const union dns_server *server_of(const struct dns_resolver *resolver, const struct question *question)
{
	return &resolver->servers.at[question->tries % resolver->servers.count];
}

static bool port_is_for(const struct question *question, const union dns_server *server)
{
	const struct dns_port *port = question->port;

	return port && !port->tcp && !question->tcp && dns_server_same(&port->server, server);
}

/* Sends it to the server whose turn it is. False: it cannot be sent. */
static bool try_begin(struct dns_resolver *resolver, struct question *question)
{
	const union dns_server *server = server_of(resolver, question);

	row_leave(resolver, question);
	row_lead(resolver, question);
	/* Asked again, the same server may still answer the first time. */
	if (!port_is_for(question, server)) {
		question->written = question->got = 0;
		dns_port_leave(&resolver->ports, &question->port, false);
		dns_id_random(&resolver->ports, question->query + 2);
		question->port = dns_port_take(&resolver->ports, server, question->tcp, question);
	}
	/* What the socket does not take at once is as good as lost on its way. */
	return question->port &&
	       (question->tcp || send(question->port->fd, question->query + 2, question->len, MSG_NOSIGNAL) >= 0 ||
		errno == EAGAIN || errno == ENOBUFS);
}

/* False: it has ended. */
static bool try_next(struct dns_resolver *resolver, struct question *question)
{
	do {
		if (++question->tries >= resolver->tries * resolver->servers.count) {
			question_end(resolver, question, NULL, 0);
			return false;
		}
		question->tcp = false;
	} while (!try_begin(resolver, question));
	return true;
}

static bool try_again(struct dns_resolver *resolver, struct question *question)
{
	return try_begin(resolver, question) || try_next(resolver, question);
}

static void try_by_tcp(struct dns_resolver *resolver, struct question *question)
{
	question->tcp = true;
	try_again(resolver, question);
}

/* Servers of before RFC 6891 */
static bool query_strip(struct question *question)
{
	if (question->query[2 + 11] == 0)
		return false;
	question->query[2 + 11] = 0;
	question->len -= OPT_SIZE;
	question->query[0] = (uint8_t)(question->len >> 8);
	question->query[1] = (uint8_t)question->len;
	return true;
}

/* ---- answers ----------------------------------------------------------------------------------- */

/* Its id, and its question in whatever letters; servers that understood nothing leave out the question. */
static bool answer_fits(const struct question *question, const uint8_t *message, size_t len)
{
	const uint8_t *query = question->query + 2;
	const size_t end = question->len - (query[11] ? OPT_SIZE : 0);

	if (len < HEADER || memcmp(message, query, 2) != 0 || !(message[2] & 0x80))
		return false;
	if ((message[3] & 0xf) == RCODE_FORMERR && message[4] == 0 && message[5] == 0)
		return true;
	if (len < end || message[4] != 0 || message[5] != 1)
		return false;
	for (size_t i = HEADER; i < end; i++)
		if (ascii_lower((char)message[i]) != (char)query[i])
			return false;
	return true;
}

static void answer_take(struct dns_resolver *resolver, struct question *question, const uint8_t *message, size_t len)
{
	const unsigned rcode = message[3] & 0xf;

	if ((rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) && query_strip(question))
		try_again(resolver, question);
	else if ((message[2] & TC) && !question->tcp)
		try_by_tcp(resolver, question);
	else if (rcode != 0 && rcode != RCODE_NXDOMAIN && question->tries + 1 < resolver->servers.count)
		try_next(resolver, question); /* another server may know better; the same one was asked just now */
	else
		question_end(resolver, question, message, len);
}

static void udp_read(struct dns_resolver *resolver, struct question *question)
{
	uint8_t TEXT_BUFFER message[4096];

	for (;;) {
		const ssize_t len = recv(question->port->fd, message, sizeof(message), 0);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len < 0) {
			try_next(resolver, question);
			return;
		}
		/* anything else is a forgery, or too late: the true answer may still come */
		if (answer_fits(question, message, (size_t)len)) {
			answer_take(resolver, question, message, (size_t)len);
			return;
		}
		dns_port_distrust(question->port);
	}
}

/* ---- TCP --------------------------------------------------------------------------------------- */

static void tcp_write(struct dns_resolver *resolver, struct question *question)
{
	const size_t whole = 2 + question->len;
	const ssize_t len =
		send(question->port->fd, question->query + question->written, whole - question->written, MSG_NOSIGNAL);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len > 0)
		question->written += (size_t)len;
	if (len < 0 || (question->written == whole && !dns_port_listen(&resolver->ports, question->port)))
		try_next(resolver, question);
}

static void tcp_read(struct dns_resolver *resolver, struct question *question)
{
	const uint8_t *reply = question->port->reply;
	const ssize_t len =
		recv(question->port->fd, question->port->reply + question->got, DNS_TCP_SIZE - question->got, 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len > 0)
		question->got += (size_t)len;

	const size_t size = question->got >= 2 ? (size_t)reply[0] << 8 | reply[1] : DNS_TCP_SIZE;

	if (question->got >= 2 + size && answer_fits(question, reply + 2, size))
		answer_take(resolver, question, reply + 2, size);
	else if (len <= 0 || question->got >= 2 + size)
		try_next(resolver, question);
}

/* ---- for the user ------------------------------------------------------------------------------ */

struct dns_resolver *dns_resolver_open(const struct dns_options *options, int kick, char *error, size_t size)
{
	struct dns_resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver) {
		snprintf(error, size, "look-ups in the DNS: no memory");
		return NULL;
	}
	pthread_mutex_init(&resolver->lock, NULL);
	resolver->timeout_ms = options->timeout_ms;
	resolver->tries = options->tries > 0 ? options->tries : 1;
	resolver->reads_file = !options->servers || !options->servers[0];
	if (!dns_ports_open(&resolver->ports, kick)) {
		snprintf(error, size, "look-ups in the DNS: epoll: %s; raise LimitNOFILE", strerror(errno));
		dns_resolver_close(&resolver);
	} else if (!resolver->reads_file && !dns_servers_list(&resolver->servers, options->servers, error, size)) {
		dns_resolver_close(&resolver);
	}
	return resolver;
}

void dns_resolver_stop(struct dns_resolver *resolver)
{
	pthread_mutex_lock(&resolver->lock);
	resolver->stopped = true;
	while (resolver->oldest)
		question_end(resolver, resolver->oldest, NULL, 0);
	pthread_mutex_unlock(&resolver->lock);
}

void dns_resolver_close(struct dns_resolver **resolver)
{
	if (!*resolver)
		return;
	dns_ports_close(&(*resolver)->ports);
	pthread_mutex_destroy(&(*resolver)->lock);
	free(*resolver);
	*resolver = NULL;
}

/* The host may get other name servers while this runs. */
static void servers_look(struct dns_resolver *resolver)
{
	const int64_t now_ms = clock_ticks_ms();

	if (!resolver->reads_file || (resolver->servers.count > 0 && now_ms < resolver->look_ms))
		return;
	resolver->look_ms = now_ms + FILE_LOOK_MS;
	dns_servers_file(&resolver->servers, RESOLV_CONF);
}

bool dns_resolver_send(struct dns_resolver *resolver, const struct dns_key *key, dns_resolver_fn *fn, void *arg)
{
	struct question *question = malloc(sizeof(*question));
	bool sent;

	if (!question) {
		fn(arg, NULL, 0);
		return false;
	}
	*question = (struct question){ .fn = fn, .arg = arg };
	question->len = dns_query_write(question->query + 2, 0, key);
	question->query[0] = (uint8_t)(question->len >> 8);
	question->query[1] = (uint8_t)question->len;
	pthread_mutex_lock(&resolver->lock);
	servers_look(resolver);
	row_lead(resolver, question);
	sent = !resolver->stopped && try_again(resolver, question);
	if (resolver->stopped)
		question_end(resolver, question, NULL, 0);
	pthread_mutex_unlock(&resolver->lock);
	return sent;
}

/* With the lock held. */
static int64_t oldest_ms(const struct dns_resolver *resolver)
{
	return resolver->oldest ? resolver->oldest->until_ms : clock_ticks_ms() + resolver->timeout_ms;
}

static int until_nap(int64_t until_ms)
{
	const int64_t left = until_ms - clock_ticks_ms();

	return left < 0 ? 0 : left < 60000 ? (int)left : 60000;
}

int dns_resolver_nap(struct dns_resolver *resolver)
{
	int64_t until_ms;

	pthread_mutex_lock(&resolver->lock);
	until_ms = oldest_ms(resolver);
	pthread_mutex_unlock(&resolver->lock);
	return until_nap(until_ms);
}

int dns_resolver_poll(const struct dns_resolver *resolver)
{
	return resolver->ports.poll;
}

/* With the lock held. What it is about may have been done by another thread. */
static void event_take(struct dns_resolver *resolver, struct dns_port *port)
{
	struct question *question = port ? port->user : NULL;

	if (!port)
		return; /* kicked */
	if (!question)
		dns_port_drop(&resolver->ports, port);
	else if (!question->tcp)
		udp_read(resolver, question);
	else if (question->written < 2 + question->len)
		tcp_write(resolver, question);
	else
		tcp_read(resolver, question);
}

void dns_resolver_look(struct dns_resolver *resolver, struct dns_resolver_events *events, int64_t until_ms)
{
	int64_t try_ms;

	pthread_mutex_lock(&resolver->lock);
	try_ms = oldest_ms(resolver);
	pthread_mutex_unlock(&resolver->lock);
	events->count = epoll_wait(resolver->ports.poll, events->at, sizeof(events->at) / sizeof(*events->at),
				   until_nap(try_ms < until_ms ? try_ms : until_ms));
}

void dns_resolver_take(struct dns_resolver *resolver, const struct dns_resolver_events *events)
{
	pthread_mutex_lock(&resolver->lock);
	for (int i = 0; i < events->count; i++)
		event_take(resolver, events->at[i].data.ptr);
	while (resolver->oldest && clock_ticks_ms() >= resolver->oldest->until_ms)
		try_next(resolver, resolver->oldest);
	pthread_mutex_unlock(&resolver->lock);
}
