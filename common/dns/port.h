/*
 * Sockets to name servers: one question at a time, used again for some questions and then replaced, so that source
 * ports are hard to guess and yet cost little. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_PORT_H
#define LEUMUND_DNS_PORT_H

#include <stdint.h>

#include "dns/servers.h"

#define DNS_TCP_SIZE (2 + UINT16_MAX) /* the length, and the longest message */

/*
 * Where events point to, so it stays until the end, and is used again: another thread may have read of one that no
 * longer concerns it.
 */
struct dns_port {
	struct dns_port *next; /* of the idle ones, or of the closed ones */
	int fd;		       /* -1: closed */
	unsigned uses;
	bool tcp;
	union dns_server server;
	void *user;	/* NULL: idle */
	uint8_t *reply; /* of TCP: DNS_TCP_SIZE octets */
};

struct dns_ports {
	int poll; /* where all of them are looked at; its data.ptr is the port, NULL for `kick` */
	struct dns_port *idle, *closed;
	unsigned idle_count;
	uint8_t random[256];
	unsigned random_left;
};

/* False, and errno: they cannot be opened. Close them in any case. */
bool dns_ports_open(struct dns_ports *ports, int kick);

/* Those in use must have been left before. Nobody else looks any more. */
void dns_ports_close(struct dns_ports *ports);

/* Connected, or with `tcp` on the way to it: then writable comes first. NULL: it cannot be had. */
struct dns_port *dns_port_take(struct dns_ports *ports, const union dns_server *server, bool tcp, void *user);

/* From now on only readable matters. */
bool dns_port_listen(struct dns_ports *ports, struct dns_port *port);

/* Without `again` nobody uses it any more: more answers may come. The port may be NULL. */
void dns_port_leave(struct dns_ports *ports, struct dns_port **port, bool again);

/* Something came that is not the answer: somebody may be guessing. It is not used again. */
void dns_port_distrust(struct dns_port *port);

/* An idle one that something came to; others are left alone. */
void dns_port_drop(struct dns_ports *ports, struct dns_port *port);

/* Two octets that nobody can guess. */
void dns_id_random(struct dns_ports *ports, uint8_t id[2]);

#endif
