/*
 * Section `store` of conf.d: its rows, and what makes sense of address and password file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "store_key.h"

static const char *check_address(const char *value)
{
	const char *colon = strrchr(value, ':');

	if (!*value || *value == '/' || *value == '.' ||
	    (colon && colon != value && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1)))
		return NULL;
	return "is no address; allowed are \"\" (private server), \"/path/of/a.sock\" and \"host:port\"";
}

/* clang-format off */
static const struct option store_rows[] = {
	{ OPTION_STRING, "address", "\"\"", 0, 0, NULL, check_address, offsetof(struct store_options, address),
	  "Where Redis or Valkey is: \"/path/of/a.sock\" or \"host:port\"; "
	  "empty means the private server that leumund starts itself." },
	{ OPTION_STRING, "user", "\"\"", 0, 0, NULL, NULL, offsetof(struct store_options, user),
	  "ACL user to log in as (redis/users.acl.example); empty means the server's default user." },
	{ OPTION_STRING, "password_file", "\"\"", 0, 0, NULL, NULL, offsetof(struct store_options, password_file),
	  "File whose first line is the password; it must not be readable by others (chmod o=)." },
	{ OPTION_BOOL, "tls", "false", 0, 0, NULL, NULL, offsetof(struct store_options, tls),
	  "Speak TLS to host:port; needs a build with hiredis 1.0 or later." },
	{ OPTION_STRING, "tls_ca", "\"\"", 0, 0, NULL, NULL, offsetof(struct store_options, tls_ca),
	  "File with the certificate authority that signed the server's certificate; empty means the system's own." },
	{ OPTION_NUMBER, "deadline_ms", "100", 10, 1000, NULL, NULL, offsetof(struct store_options, deadline_ms),
	  "The longest a message waits for the store, in milliseconds; after that it is decided without." },
	{ OPTION_TIME, "history_keep", "72h", 3600, 2592000, NULL, NULL, offsetof(struct store_options, history_keep),
	  "How long the decisions about an account are kept." },
	{ OPTION_NUMBER, "history_max", "5000", 10, 1000000, NULL, NULL, offsetof(struct store_options, history_max),
	  "How many decisions are kept of one account, about (up to 100 more)." },
	{ OPTION_STRING, "server", "\"redis-server\"", 0, 0, NULL, NULL, offsetof(struct store_options, server),
	  "Program of the private server: redis-server or valkey-server." },
	{ OPTION_STRING, "data", "\"\"", 0, 0, NULL, NULL, offsetof(struct store_options, data),
	  "Directory where the private server keeps its data; empty means the run directory, which a reboot empties." },
	{ 0, NULL, NULL, 0, 0, NULL, NULL, 0, NULL },
};
/* clang-format on */

const struct section store_section = {
	"store",
	"What all services and servers share: histories, counters, states, kept in Redis or Valkey.",
	store_rows,
	sizeof(struct store_options),
};

bool store_address_split(const char *address, char *host, size_t host_size, char *port, size_t port_size)
{
	const char *colon = strrchr(address, ':');
	const bool bracket = *address == '[' && colon && colon > address && colon[-1] == ']';

	*host = *port = '\0';
	if (*address == '/' ||
	    *address == '.') /* a private server's socket lies in the run directory, which we are in */
		return strlen(address) < sizeof(((struct sockaddr_un *)0)->sun_path);
	if (check_address(address) || !colon)
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
