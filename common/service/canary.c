/*
 * The canary (service/canary.h): the smallest MTA there is. libmilter has no client side, so the few packets
 * that one message needs are written here.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/canary.h"
#include "system/clock.h"
#include "system/inet_socket.h"
#include "system/unix_socket.h"
#include "text.h"

/* Of the milter protocol, version 6. */
#define PROTOCOL_VERSION 6
#define ACTIONS_OFFERED 0x1ff
#define STEPS_OFFERED 0x1fffff
#define PACKET_MAX 4096

enum { NO_CONNECT = 0x1, NO_MAIL = 0x4, NO_RCPT = 0x8, NO_HEADERS = 0x20 };
enum { QUIET_HEADER = 0x80, QUIET_CONNECT = 0x1000, QUIET_MAIL = 0x4000, QUIET_RCPT = 0x8000 };

struct talk {
	int fd;
	int64_t deadline; /* clock_ticks_ms() */
	uint32_t steps;	  /* as agreed */
};

static bool wait_for(const struct talk *talk, short events)
{
	struct pollfd fd = { .fd = talk->fd, .events = events };
	int64_t left = talk->deadline - clock_ticks_ms();

	return left > 0 && poll(&fd, 1, (int)left) == 1;
}

static bool packet_send(const struct talk *talk, char command, const void *data, size_t len)
{
	char packet[PACKET_MAX];
	uint32_t size = htonl((uint32_t)len + 1);
	size_t total = sizeof(size) + 1 + len;

	if (total > sizeof(packet) || !wait_for(talk, POLLOUT))
		return false;
	memcpy(packet, &size, sizeof(size));
	packet[sizeof(size)] = command;
	memcpy(packet + sizeof(size) + 1, data, len);
	return send(talk->fd, packet, total, MSG_NOSIGNAL) == (ssize_t)total;
}

static bool bytes_read(const struct talk *talk, char *into, size_t len)
{
	while (len > 0) {
		ssize_t n = wait_for(talk, POLLIN) ? recv(talk->fd, into, len, 0) : -1;

		if (n <= 0)
			return false;
		into += n;
		len -= (size_t)n;
	}
	return true;
}

/* The reply's command letter, 0 when there is none; `data` holds what follows. */
static char packet_read(const struct talk *talk, char data[PACKET_MAX])
{
	uint32_t size;

	if (!bytes_read(talk, (char *)&size, sizeof(size)))
		return 0;
	size = ntohl(size);
	if (size < 1 || size > PACKET_MAX || !bytes_read(talk, data, size))
		return 0;
	return data[0];
}

static bool negotiate(struct talk *talk)
{
	uint32_t offer[3] = { htonl(PROTOCOL_VERSION), htonl(ACTIONS_OFFERED), htonl(STEPS_OFFERED) };
	char data[PACKET_MAX];

	if (!packet_send(talk, 'O', offer, sizeof(offer)) || packet_read(talk, data) != 'O')
		return false;
	memcpy(&talk->steps, data + 1 + 2 * sizeof(uint32_t), sizeof(talk->steps));
	talk->steps = ntohl(talk->steps);
	return true;
}

/* NUL-separated strings, the form of most events. */
static size_t strings_put(char out[PACKET_MAX], const char *const *strings, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(strings[i]) + 1;

		if (len + size > PACKET_MAX / 2)
			break;
		memcpy(out + len, strings[i], size);
		len += size;
	}
	return len;
}

static bool is_refusal(char reply)
{
	return reply == 'r' || reply == 't' || reply == 'y' || reply == '4';
}

/* One event; *reply is 'c' where none is sent or none is due. */
static bool event(const struct talk *talk, char command, uint32_t skip, uint32_t quiet, const void *data, size_t len,
		  char *reply)
{
	char answer[PACKET_MAX];

	*reply = 'c';
	if (talk->steps & skip)
		return true;
	if (!packet_send(talk, command, data, len))
		return false;
	if (!(talk->steps & quiet))
		*reply = packet_read(talk, answer);
	return *reply != 0;
}

/* Changes that the milter orders come before its verdict. */
static char verdict_read(const struct talk *talk)
{
	static const char changes[] = "+-2bhimeqp";
	char data[PACKET_MAX], reply;

	do
		reply = packet_read(talk, data);
	while (reply != 0 && strchr(changes, reply));
	return reply;
}

static enum canary_result converse(struct talk *talk, const struct forgery *forgery, const char *login)
{
	char mail[300], rcpt[300], data[PACKET_MAX], reply;
	const char *const macros[] = { "Mi", "canary", "{auth_type}", "CANARY", "{auth_authen}", login };
	const char *const header[] = { "From", forgery->header_from };
	/* a documentation address, RFC 5737: "U" would say that it is not known */
	static const char connect[] = "canary.invalid\0004\x30\x39"
				      "192.0.2.1";
	size_t len;

	snprintf(mail, sizeof(mail), "<%s>", forgery->mail_from);
	snprintf(rcpt, sizeof(rcpt), "<%s>", forgery->rcpt_to);
	if (!negotiate(talk) || !event(talk, 'C', NO_CONNECT, QUIET_CONNECT, connect, sizeof(connect), &reply))
		return CANARY_NO_ANSWER;
	len = strings_put(data, macros, sizeof(macros) / sizeof(*macros));
	if (!packet_send(talk, 'D', data, len) ||
	    !event(talk, 'M', NO_MAIL, QUIET_MAIL, mail, strlen(mail) + 1, &reply))
		return CANARY_NO_ANSWER;
	if (!is_refusal(reply) && !event(talk, 'R', NO_RCPT, QUIET_RCPT, rcpt, strlen(rcpt) + 1, &reply))
		return CANARY_NO_ANSWER;
	if (is_refusal(reply))
		return CANARY_REFUSED;
	len = strings_put(data, header, 2);
	if (!event(talk, 'L', NO_HEADERS, QUIET_HEADER, data, len, &reply) || !packet_send(talk, 'E', "", 0))
		return CANARY_NO_ANSWER;
	reply = verdict_read(talk);
	if (reply == 0)
		return CANARY_NO_ANSWER;
	return is_refusal(reply) ? CANARY_REFUSED : CANARY_PASSED;
}

enum canary_result canary_send(const char *name, const struct forgery *forgery, const char *login, int64_t deadline_ms)
{
	struct talk talk = { .deadline = clock_ticks_ms() + deadline_ms };
	enum canary_result result;

	talk.fd = strncmp(name, "unix:", 5) ? inet_socket_connect(name) : unix_socket_connect(name + 5);
	if (talk.fd < 0)
		return CANARY_NO_ANSWER;
	result = converse(&talk, forgery, login);
	if (result != CANARY_NO_ANSWER)
		(void)packet_send(&talk, 'Q', "", 0);
	close(talk.fd);
	return result;
}
