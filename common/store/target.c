/*
 * Where the server is and how one logs in there (store/target.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "store/target.h"

/* A private server's socket lies in the run directory, which we are in. */
static bool is_path(const char *address)
{
	return *address == '/' || *address == '.';
}

bool store_address_fits(const char *address)
{
	const char *colon = strrchr(address, ':');

	return !*address || is_path(address) ||
	       (colon && colon != address && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1));
}

bool store_address_split(const char *address, char *host, size_t host_size, char *port, size_t port_size)
{
	const char *colon = strrchr(address, ':');
	const bool bracket = *address == '[' && colon && colon > address && colon[-1] == ']';

	*host = *port = '\0';
	if (is_path(address))
		return strlen(address) < sizeof(((struct sockaddr_un *)0)->sun_path);
	if (!store_address_fits(address) || !colon)
		return false;
	const int len = (int)(colon - address) - (bracket ? 2 : 0);
	const int host_len = snprintf(host, host_size, "%.*s", len, address + (bracket ? 1 : 0));
	const int port_len = snprintf(port, port_size, "%s", colon + 1);
	return host_len > 0 && (size_t)host_len < host_size && port_len > 0 && (size_t)port_len < port_size;
}

bool store_password_read(const char *path, char *out, size_t out_size, char *error, size_t size)
{
	struct stat about;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = -1;

	if (fd < 0 || fstat(fd, &about) < 0) {
		snprintf(error, size, "store.password_file: cannot read %s: %s", path, strerror(errno));
	} else if (about.st_mode & S_IRWXO) {
		snprintf(error, size, "store.password_file: %s is open to all users of this server; chmod o= it", path);
	} else {
		len = read(fd, out, out_size - 1);
		if (len < 0 || (size_t)len == out_size - 1)
			snprintf(error, size, "store.password_file: %s does not hold one line with a password", path);
	}
	if (fd >= 0)
		close(fd);
	if (len < 0 || (size_t)len == out_size - 1)
		return false;
	out[len] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	if (!*out)
		snprintf(error, size, "store.password_file: the first line of %s is empty", path);
	return *out != '\0';
}

bool store_target_read(struct store_target *target, const struct store_options *options, const char *socket,
		       char *error, size_t size)
{
	const char *address = *options->address ? options->address : socket;

	target->user = options->user;
	if (!store_address_split(address, target->host, sizeof(target->host), target->port, sizeof(target->port)) ||
	    snprintf(target->address, sizeof(target->address), "%s", address) >= (int)sizeof(target->address)) {
		snprintf(error, size,
			 "store.address: %.200s is neither the path of a unix socket nor host:port, or it is too long",
			 address);
		return false;
	}
	if (*options->user && !*options->password_file) {
		snprintf(error, size, "store.user: needs store.password_file too");
		return false;
	}
	if (options->tls && !*target->host) {
		snprintf(error, size,
			 "store.tls: a unix socket needs no TLS; set it to false, or store.address to host:port");
		return false;
	}
	return !*options->password_file ||
	       store_password_read(options->password_file, target->password, sizeof(target->password), error, size);
}

void store_target_forget(struct store_target *target)
{
	explicit_bzero(target->password, sizeof(target->password));
}

const char *store_target_ip(const struct store_target *target, unsigned attempt, char *ip, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	unsigned count = 1;
	int failed = getaddrinfo(target->host, target->port, &hints, &list);

	if (failed || !list)
		return gai_strerror(failed);
	for (struct addrinfo *at = list->ai_next; at; at = at->ai_next)
		count++;
	struct addrinfo *chosen = list;
	for (unsigned i = attempt % count; i > 0; i--)
		chosen = chosen->ai_next;
	failed = getnameinfo(chosen->ai_addr, chosen->ai_addrlen, ip, (socklen_t)size, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(list);
	return failed ? gai_strerror(failed) : NULL;
}
