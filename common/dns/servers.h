/*
 * Which name servers are asked. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_SERVERS_H
#define LEUMUND_DNS_SERVERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define DNS_SERVERS 8
#define RESOLV_CONF "/etc/resolv.conf"

union dns_server {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct dns_servers {
	union dns_server at[DNS_SERVERS];
	unsigned count;	  /* at least 1 */
	struct stat file; /* what they were read from */
};

/* "ADDRESS[:PORT][,...]". False and a sentence: it is no such list. */
bool dns_servers_list(struct dns_servers *servers, const char *list, char *error, size_t size);

/*
 * Those of resolv.conf(5); without any, as the C library does, the one on this host. Called again, it does nothing
 * while the file is the same.
 */
void dns_servers_file(struct dns_servers *servers, const char *path);

bool dns_server_same(const union dns_server *a, const union dns_server *b);
socklen_t dns_server_size(const union dns_server *server);

#endif
