/*
 * Which name servers are asked (dns/servers.h).
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/servers.h"
#include "system/file_state.h"
#include "text.h"

#define PORT 53

/* An address, IPv6 also with the interface of its link: fe80::1%eth0. */
static bool server_set(union dns_server *server, char *address, unsigned long port)
{
	char *link = strchr(address, '%');

	memset(server, 0, sizeof(*server));
	if (!strchr(address, ':')) {
		server->in.sin_family = AF_INET;
		server->in.sin_port = htons((uint16_t)port);
		return inet_pton(AF_INET, address, &server->in.sin_addr) == 1;
	}
	if (link)
		*link++ = '\0';
	server->in6.sin6_family = AF_INET6;
	server->in6.sin6_port = htons((uint16_t)port);
	server->in6.sin6_scope_id = link ? if_nametoindex(link) : 0;
	return inet_pton(AF_INET6, address, &server->in6.sin6_addr) == 1 && (!link || server->in6.sin6_scope_id > 0);
}

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:53" */
static bool server_read(union dns_server *server, char *from)
{
	char *port = NULL, *end;
	unsigned long number = PORT;

	if (from[0] == '[') {
		end = strchr(++from, ']');
		if (!end || (end[1] != ':' && end[1] != '\0'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if (strchr(from, ':') && strchr(from, ':') == strrchr(from, ':')) {
		port = strchr(from, ':') + 1;
		port[-1] = '\0';
	}
	if (port) {
		number = strtoul(port, &end, 10);
		if (port[0] < '0' || port[0] > '9' || *end != '\0' || number < 1 || number > 65535)
			return false;
	}
	return server_set(server, from, number);
}

bool dns_servers_list(struct dns_servers *servers, const char *list, char *error, size_t size)
{
	char copy[1024], *rest = copy, *server;
	struct text text;

	text_init(&text, copy, sizeof(copy));
	text_str(&text, list);
	servers->count = 0;
	while ((server = strsep(&rest, ",")) != NULL) {
		server += strspn(server, " ");
		if (text.cut || servers->count == DNS_SERVERS) {
			snprintf(error, size, "name servers: more than %d; two or three are enough", DNS_SERVERS);
			return false;
		}
		if (!server_read(&servers->at[servers->count++], server)) {
			snprintf(error, size,
				 "name servers: not ADDRESS[:PORT], such as 127.0.0.1, 192.0.2.1:5353 or [::1]:53");
			return false;
		}
	}
	return true;
}

void dns_servers_file(struct dns_servers *servers, const char *path)
{
	char line[512], localhost[] = "127.0.0.1", *rest, *word;
	struct stat now = { 0 };
	FILE *file;

	(void)!stat(path, &now);
	if (servers->count > 0 && file_state_same(&now, &servers->file))
		return;
	servers->file = now;
	servers->count = 0;
	file = fopen(path, "re");
	while (file && servers->count < DNS_SERVERS && fgets(line, sizeof(line), file)) {
		word = strtok_r(line, " \t\r\n", &rest);
		if (!word || strcmp(word, "nameserver") != 0)
			continue;
		word = strtok_r(NULL, " \t\r\n", &rest);
		if (word && server_set(&servers->at[servers->count], word, PORT))
			servers->count++;
	}
	if (file)
		fclose(file);
	if (servers->count == 0)
		servers->count = server_set(&servers->at[0], localhost, PORT);
}

bool dns_server_same(const union dns_server *a, const union dns_server *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

socklen_t dns_server_size(const union dns_server *server)
{
	return server->any.sa_family == AF_INET6 ? sizeof(server->in6) : sizeof(server->in);
}
