/*
 * Sockets to name servers (dns/port.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/port.h"

#define USES 32 /* questions, one after the other */
#define IDLE 128

bool dns_ports_open(struct dns_ports *ports, int kick)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	memset(ports, 0, sizeof(*ports));
	ports->poll = epoll_create1(EPOLL_CLOEXEC);
	return ports->poll >= 0 && epoll_ctl(ports->poll, EPOLL_CTL_ADD, kick, &event) == 0;
}

static void port_close(struct dns_ports *ports, struct dns_port *port)
{
	if (port->fd >= 0)
		close(port->fd);
	free(port->reply);
	*port = (struct dns_port){ .next = ports->closed, .fd = -1 };
	ports->closed = port;
}

void dns_ports_close(struct dns_ports *ports)
{
	struct dns_port *port;

	while ((port = ports->idle)) {
		ports->idle = port->next;
		port_close(ports, port);
	}
	while ((port = ports->closed)) {
		ports->closed = port->next;
		free(port);
	}
	if (ports->poll >= 0)
		close(ports->poll);
}

static struct dns_port *idle_take(struct dns_ports *ports, const union dns_server *server)
{
	struct dns_port **at = &ports->idle, *port;

	while (*at && !dns_server_same(&(*at)->server, server))
		at = &(*at)->next;
	port = *at;
	if (!port)
		return NULL;
	*at = port->next;
	ports->idle_count--;
	return port;
}

/* NULL: no memory. */
static struct dns_port *closed_take(struct dns_ports *ports)
{
	struct dns_port *port = ports->closed;

	if (port)
		ports->closed = port->next;
	else
		port = malloc(sizeof(*port));
	if (port)
		*port = (struct dns_port){ .fd = -1 };
	return port;
}

static bool port_connect(struct dns_ports *ports, struct dns_port *port)
{
	struct epoll_event event = { .events = port->tcp ? EPOLLOUT : EPOLLIN, .data.ptr = port };
	const int type = (port->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;

	port->fd = socket(port->server.any.sa_family, type, 0);
	if (port->fd < 0)
		return false;
	if (connect(port->fd, &port->server.any, dns_server_size(&port->server)) < 0 &&
	    !(port->tcp && errno == EINPROGRESS))
		return false;
	return epoll_ctl(ports->poll, EPOLL_CTL_ADD, port->fd, &event) == 0;
}

struct dns_port *dns_port_take(struct dns_ports *ports, const union dns_server *server, bool tcp, void *user)
{
	struct dns_port *port = tcp ? NULL : idle_take(ports, server);

	if (!port) {
		port = closed_take(ports);
		if (!port)
			return NULL;
		port->server = *server;
		port->tcp = tcp;
		port->reply = tcp ? malloc(DNS_TCP_SIZE) : NULL;
		if ((tcp && !port->reply) || !port_connect(ports, port)) {
			port_close(ports, port);
			return NULL;
		}
	}
	port->uses++;
	port->user = user;
	return port;
}

bool dns_port_listen(struct dns_ports *ports, struct dns_port *port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = port };

	return epoll_ctl(ports->poll, EPOLL_CTL_MOD, port->fd, &event) == 0;
}

void dns_port_leave(struct dns_ports *ports, struct dns_port **left, bool again)
{
	struct dns_port *port = *left;

	*left = NULL;
	if (!port)
		return;
	if (!again || port->tcp || port->uses >= USES || ports->idle_count >= IDLE) {
		port_close(ports, port);
		return;
	}
	port->user = NULL;
	port->next = ports->idle;
	ports->idle = port;
	ports->idle_count++;
}

void dns_port_distrust(struct dns_port *port)
{
	port->uses = USES;
}

void dns_port_drop(struct dns_ports *ports, struct dns_port *port)
{
	struct dns_port **at = &ports->idle;

	while (*at && *at != port)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = port->next;
	ports->idle_count--;
	port_close(ports, port);
}

void dns_id_random(struct dns_ports *ports, uint8_t id[2])
{
	if (ports->random_left < 2) {
		/* Up to 256 bytes always come, once the kernel has any: random(7). */
		(void)!getrandom(ports->random, sizeof(ports->random), 0);
		ports->random_left = sizeof(ports->random);
	}
	ports->random_left -= 2;
	memcpy(id, ports->random + ports->random_left, 2);
}
