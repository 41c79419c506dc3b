/*
 * Who holds the other end of a connection that comes from this host (peer.h).
 * The kernel's own table is asked, so nothing that a client says or runs can change the answer.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cidr.h"
#include "clock.h"
#include "peer.h"

#define INTERFACES_MAX 256
#define INTERFACES_KEEP_MS 60000
#define LINE_MAX_BYTES 512

static struct {
	pthread_mutex_t lock;
	int64_t read_at_ms;
	size_t count;
	struct in6_addr at[INTERFACES_MAX];
} own = { .lock = PTHREAD_MUTEX_INITIALIZER, .read_at_ms = -INTERFACES_KEEP_MS };

/* All addresses are compared as IPv6; IPv4 as ::ffff:a.b.c.d. */
static bool address_wide(const struct sockaddr *address, struct in6_addr *wide, uint16_t *port)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

		memset(wide, 0, sizeof(*wide));
		wide->s6_addr[10] = wide->s6_addr[11] = 0xff;
		memcpy(wide->s6_addr + 12, &in->sin_addr, 4);
		*port = ntohs(in->sin_port);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;

		*wide = in6->sin6_addr;
		*port = ntohs(in6->sin6_port);
		return true;
	}
	return false;
}

static void interfaces_read(void)
{
	struct ifaddrs *all;
	uint16_t port;

	if (getifaddrs(&all) < 0)
		return;
	own.count = 0;
	for (struct ifaddrs *one = all; one && own.count < INTERFACES_MAX; one = one->ifa_next)
		if (one->ifa_addr && address_wide(one->ifa_addr, &own.at[own.count], &port))
			own.count++;
	freeifaddrs(all);
	own.read_at_ms = clock_ticks_ms();
}

bool peer_is_local(const struct sockaddr *address)
{
	struct in6_addr wide;
	uint16_t port;
	bool found = false;

	if (address_is_loopback(address))
		return true;
	if (!address_wide(address, &wide, &port))
		return false;
	pthread_mutex_lock(&own.lock);
	if (clock_ticks_ms() - own.read_at_ms >= INTERFACES_KEEP_MS)
		interfaces_read();
	for (size_t i = 0; i < own.count && !found; i++)
		found = !memcmp(&own.at[i], &wide, sizeof(wide));
	pthread_mutex_unlock(&own.lock);
	return found;
}

/* The kernel prints addresses as 32-bit words in the host's byte order. */
static bool hex_address(const char *from, size_t digits, struct in6_addr *wide)
{
	char word[9] = "";

	memset(wide, 0, sizeof(*wide));
	if (digits != 8 && digits != 32)
		return false;
	if (digits == 8)
		wide->s6_addr[10] = wide->s6_addr[11] = 0xff;
	for (size_t i = 0; i < digits / 8; i++) {
		uint32_t value;

		memcpy(word, from + i * 8, 8);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(wide->s6_addr + (digits == 8 ? 12 : i * 4), &value, 4);
	}
	return true;
}

/* "  1: 0100007F:BC1C 0100007F:0019 01 00000000:00000000 00:00000000 00000000 10001 ..." */
static bool line_owner(char *line, const struct in6_addr *wanted, uint16_t port, uint32_t *uid)
{
	struct in6_addr wide;
	char *save = NULL, *field[8] = { NULL }, *colon;
	size_t n = 0;

	for (char *at = strtok_r(line, " ", &save); at && n < 8; at = strtok_r(NULL, " ", &save))
		field[n++] = at;
	if (n < 8 || !(colon = strchr(field[1], ':')))
		return false;
	if (strtoul(colon + 1, NULL, 16) != port || !hex_address(field[1], (size_t)(colon - field[1]), &wide))
		return false;
	if (memcmp(&wide, wanted, sizeof(wide)) != 0)
		return false;
	*uid = (uint32_t)strtoul(field[7], NULL, 10);
	return true;
}

static bool table_owner(const char *table, const struct in6_addr *wanted, uint16_t port, uint32_t *uid)
{
	char buffer[32768];
	size_t have = 0;
	bool found = false;
	int fd = open(table, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while (!found) {
		ssize_t n = read(fd, buffer + have, sizeof(buffer) - 1 - have);
		char *line = buffer, *end;

		if (n <= 0)
			break;
		have += (size_t)n;
		buffer[have] = '\0';
		while (!found && (end = strchr(line, '\n'))) {
			*end = '\0';
			found = line_owner(line, wanted, port, uid);
			line = end + 1;
		}
		have -= (size_t)(line - buffer);
		memmove(buffer, line, have);
		if (have > LINE_MAX_BYTES)
			break; /* no line of this table is so long: not the table we know */
	}
	close(fd);
	return found;
}

bool peer_owner(const struct sockaddr *address, uint32_t *uid)
{
	struct in6_addr wide;
	uint16_t port;

	if (!address_wide(address, &wide, &port) || port == 0)
		return false;
	return table_owner("/proc/net/tcp", &wide, port, uid) || table_owner("/proc/net/tcp6", &wide, port, uid);
}
