/*
 * name_server: a DNS server that is no bottleneck, over UDP on 127.0.0.1. All names exist and have one TXT record: a
 * sender NAME includes a.NAME, b.NAME and c.NAME; in all 25 networks, four look-ups. The last of them holds
 * 192.0.2.0/24.
 *
 * usage: name_server [PORT]    prints its port, answers until its standard input ends
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define HEADER 12
#define SIZE 2048
#define TYPE_TXT 16

static const char *const included[] = {
	"v=spf1 ip4:203.0.113.0/28 ip4:203.0.113.16/28 ip4:203.0.113.32/28 ip4:203.0.113.48/28 ip4:203.0.113.64/28 "
	"ip4:203.0.113.80/28 ip4:203.0.113.96/28 ip4:203.0.113.112/28 ~all",
	"v=spf1 ip4:198.51.101.0/28 ip4:198.51.102.0/28 ip4:198.51.103.0/28 ip4:198.51.104.0/28 ip4:198.51.105.0/28 "
	"ip4:198.51.106.0/28 ip4:198.51.107.0/28 ip4:198.51.108.0/28 ~all",
	"v=spf1 ip4:198.51.109.0/28 ip4:198.51.110.0/28 ip4:198.51.111.0/28 ip4:198.51.112.0/28 ip4:198.51.113.0/28 "
	"ip4:198.51.114.0/28 ip4:198.51.115.0/28 ip4:192.0.2.0/24 ~all",
};

/* The name's text; its length in the message, or 0: no question that is answered here. */
static size_t name_read(const uint8_t *message, size_t len, char *text)
{
	size_t at = HEADER;

	while (at < len && message[at] != 0) {
		size_t label = message[at];

		if (label > 63 || at + 1 + label >= len)
			return 0;
		memcpy(text, message + at + 1, label);
		text += label;
		*text++ = '.';
		at += 1 + label;
	}
	if (at <= HEADER || at > HEADER + 254 || at + 5 > len)
		return 0;
	text[-1] = '\0';
	return at + 1 - HEADER;
}

static int txt_write(const char *name, char *txt, size_t size)
{
	if (name[0] >= 'a' && name[0] <= 'c' && name[1] == '.')
		return snprintf(txt, size, "%s", included[name[0] - 'a']);
	return snprintf(txt, size, "v=spf1 ip4:198.51.100.0/24 include:a.%s include:b.%s include:c.%s -all", name, name,
			name);
}

/* Strings of 255 octets, with their length in front; the place behind them. */
static uint8_t *data_write(uint8_t *to, const char *txt, int left)
{
	const int strings = (left + 254) / 255;

	*to++ = (uint8_t)((left + strings) >> 8);
	*to++ = (uint8_t)(left + strings);
	for (int at = 0; at < left; at += 255) {
		const int some = left - at < 255 ? left - at : 255;

		*to++ = (uint8_t)some;
		memcpy(to, txt + at, (size_t)some);
		to += some;
	}
	return to;
}

/* The message becomes its own answer; its new length, or 0. */
static size_t answer(uint8_t *message, size_t len)
{
	static const uint8_t flags[] = { 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0 };
	static const uint8_t record[] = { 0xc0, HEADER, 0, TYPE_TXT, 0, 1, 0, 0, 0x0e, 0x10 };
	char name[SIZE], txt[SIZE];
	const size_t name_len = name_read(message, len, name);
	uint8_t *to = message + HEADER + name_len + 4;

	if (name_len == 0)
		return 0;
	memcpy(message + 2, flags, sizeof(flags));
	if (to[-3] != TYPE_TXT) {
		message[7] = 0;
		return (size_t)(to - message);
	}
	memcpy(to, record, sizeof(record));
	to = data_write(to + sizeof(record), txt, txt_write(name, txt, sizeof(txt)));
	return (size_t)(to - message);
}

static void serve(int fd)
{
	static uint8_t bytes[BATCH][SIZE];
	struct sockaddr_in from[BATCH];
	struct mmsghdr in[BATCH] = { 0 };
	struct iovec parts[BATCH];
	int count, kept = 0;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ bytes[i], 512 };
		in[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &parts[i], .msg_iovlen = 1
		};
	}
	count = recvmmsg(fd, in, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		parts[i].iov_len = answer(bytes[i], in[i].msg_len);
		if (parts[i].iov_len > 0)
			in[kept++].msg_hdr = in[i].msg_hdr;
	}
	if (kept > 0)
		(void)!sendmmsg(fd, in, (unsigned)kept, 0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(at);
	const int room = 8 << 20;
	struct pollfd ready[2] = { { .fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN },
				   { .fd = STDIN_FILENO, .events = POLLIN } };

	at.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
	setsockopt(ready[0].fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(ready[0].fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(ready[0].fd, (struct sockaddr *)&at, &size) < 0) {
		perror("name_server");
		return 1;
	}
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	while (poll(ready, 2, -1) > 0 && !ready[1].revents)
		serve(ready[0].fd);
	return 0;
}
