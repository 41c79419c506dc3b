/*
 * Who holds the other end of a connection that comes from this host (system/peer.h).
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
#include "system/clock.h"
#include "system/peer.h"

#define INTERFACES_KEEP_MS 60000
#define LINE_MAX_BYTES 512

static struct {
	pthread_mutex_t lock;
	int64_t read_at_ms;
	size_t count;
	struct in6_addr *at; /* a host may have thousands */
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

/* Under the lock. What was known stays in force where it cannot be read. */
static void interfaces_read(void)
{
	struct ifaddrs *all;
	struct in6_addr *at;
	size_t most = 0;
	uint16_t port;

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *one = all; one; one = one->ifa_next)
		most++;
	at = calloc(most + 1, sizeof(*at));
	if (at) {
		free(own.at);
		own.at = at;
		own.count = 0;
		for (struct ifaddrs *one = all; one; one = one->ifa_next)
			if (one->ifa_addr && address_wide(one->ifa_addr, &own.at[own.count], &port))
				own.count++;
		own.read_at_ms = clock_ticks_ms();
	}
	freeifaddrs(all);
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

/* Whoever holds sockets of this address and port, which tell each other apart by their other ends only. */
struct owners {
	struct in6_addr address;
	uint16_t port;
	unsigned to_mail, to_others; /* how many there are, with their other end at a port of mail or elsewhere */
	uint32_t mail_uid, other_uid;
	bool mail_differ, others_differ;
};

static void owner_note(struct owners *owners, unsigned long remote_port, uint32_t uid)
{
	if (remote_port == 25 || remote_port == 465 || remote_port == 587) {
		owners->mail_differ |= owners->to_mail > 0 && owners->mail_uid != uid;
		owners->mail_uid = uid;
		owners->to_mail++;
	} else {
		owners->others_differ |= owners->to_others > 0 && owners->other_uid != uid;
		owners->other_uid = uid;
		owners->to_others++;
	}
}

/*
 * "  1: 0100007F:BC1C 0100007F:0019 01 00000000:00000000 00:00000000 00000000 10001 0 6229962 ..."
 * A socket that its process has closed has no inode and, but for the newest kernels, root for an owner, who is shown as
 * nobody (65534) where root is unknown: whoever closes it early is not root.
 */
static bool is_orphan(const char *inode, const char *uid)
{
	return !strcmp(inode, "0") && (!strcmp(uid, "0") || !strcmp(uid, "65534"));
}

static void line_read(char *line, struct owners *owners)
{
	enum { LOCAL = 1, REMOTE, STATE, UID = 7, INODE = 9, FIELDS };
	struct in6_addr wide;
	char *save = NULL, *field[FIELDS] = { NULL }, *colon, *remote;
	size_t n = 0;

	for (char *at = strtok_r(line, " ", &save); at && n < FIELDS; at = strtok_r(NULL, " ", &save))
		field[n++] = at;
	if (n < FIELDS || !(colon = strchr(field[LOCAL], ':')) || !(remote = strchr(field[REMOTE], ':')))
		return;
	if (strtoul(colon + 1, NULL, 16) != owners->port || is_orphan(field[INODE], field[UID]) ||
	    !strcmp(field[STATE], "0A") || /* it listens */
	    !hex_address(field[LOCAL], (size_t)(colon - field[LOCAL]), &wide) ||
	    memcmp(&wide, &owners->address, sizeof(wide)) != 0)
		return;
	owner_note(owners, strtoul(remote + 1, NULL, 16), (uint32_t)strtoul(field[UID], NULL, 10));
}

static void table_read(const char *table, struct owners *owners)
{
	char buffer[32768];
	size_t have = 0;
	int fd = open(table, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	for (;;) {
		ssize_t n = read(fd, buffer + have, sizeof(buffer) - 1 - have);
		char *line = buffer, *end;

		if (n <= 0)
			break;
		have += (size_t)n;
		buffer[have] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			line_read(line, owners);
			line = end + 1;
		}
		have -= (size_t)(line - buffer);
		memmove(buffer, line, have);
		if (have > LINE_MAX_BYTES)
			break; /* no line of this table is so long: not the table we know */
	}
	close(fd);
}

bool peer_owner(const struct sockaddr *address, uint32_t *uid)
{
	struct owners owners = { .port = 0 };

	if (!address_wide(address, &owners.address, &owners.port) || owners.port == 0)
		return false;
	table_read("/proc/net/tcp", &owners);
	table_read("/proc/net/tcp6", &owners);
	*uid = owners.to_mail ? owners.mail_uid : owners.other_uid;
	return owners.to_mail ? !owners.mail_differ : owners.to_others && !owners.others_differ;
}
