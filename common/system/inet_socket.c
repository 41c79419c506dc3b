/*
 * TCP ports by libmilter's names (system/inet_socket.h).
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/inet_socket.h"

static struct addrinfo *address_find(const char *name, int flags)
{
	const char *colon = strchr(name, ':'), *port = colon ? colon + 1 : "", *at = strchr(port, '@');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags }, *found;
	char service[8];

	hints.ai_family = strncmp(name, "inet6:", 6) ? AF_INET : AF_INET6;
	snprintf(service, sizeof(service), "%.*s", (int)strcspn(port, "@"), port);
	return getaddrinfo(at ? at + 1 : NULL, service, &hints, &found) == 0 ? found : NULL;
}

int inet_socket_connect(const char *name)
{
	struct addrinfo *address = address_find(name, 0);
	int fd;

	if (!address)
		return -1;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(address);
	return fd;
}

bool inet_socket_is_free(const char *name)
{
	struct addrinfo *address = address_find(name, AI_PASSIVE);
	int fd, yes = 1;
	bool in_use;

	if (!address)
		return true;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* as libmilter does it: connections that linger in the kernel do not count */
	in_use = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
		 bind(fd, address->ai_addr, address->ai_addrlen) < 0 && errno == EADDRINUSE;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(address);
	return !in_use;
}
