/*
 * How packets reach libmilter (libmilter/guard.h): many at once, each with a deadline, in memory that is used again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "libmilter/guest.h"
#include "system/clock.h"

#define PACKET_HEAD 5	      /* length and command */
#define PACKET_MAX (1U << 20) /* as the protocol's largest, SMFIP_MDS_1M; Postfix' header fields may have 100 kB */

void __real_free(void *memory);
void __wrap_free(void *memory);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
/* absent from a shared libmilter that hides it, which does not call us either */
char *__real_mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *name) __attribute__((weak));
char *__wrap_mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *name);

/* In place of a command: why no packet came. libmilter's own values, from a header that is not installed. */
enum {
	PACKET_CAME = 0,
	PACKET_LATE = 1,
	PACKET_NO_MEMORY = 3,
	PACKET_FAILED = 4,
	PACKET_NO_MORE = 5,
	PACKET_TOO_BIG = 7
};

static int64_t silence_allowed(void)
{
	switch (atomic_load_explicit(&guest_here->stage, memory_order_relaxed)) {
	case GUEST_MAILED:
		return libmilter_limits.idle_ms;
	case GUEST_NEGOTIATED:
		return libmilter_limits.envelope_ms;
	default:
		return libmilter_limits.packet_ms;
	}
}

/* What has come, or comes before the deadline. */
static char bytes_take(void *into, size_t size, int64_t now, int64_t deadline, size_t *taken)
{
	struct pollfd wanted = { .fd = guest_here->fd, .events = POLLIN };

	for (; now < deadline; now = clock_ticks_ms()) {
		int64_t left = deadline - now;
		int ready = __real_poll(&wanted, 1, left < INT_MAX ? (int)left : INT_MAX);
		ssize_t n = ready > 0 ? read(guest_here->fd, into, size) : -1;

		if (n > 0) {
			*taken = (size_t)n;
			return PACKET_CAME;
		}
		if (n == 0)
			return PACKET_NO_MORE;
		if (ready != 0 && errno != EINTR && errno != EAGAIN)
			return PACKET_FAILED;
	}
	return PACKET_LATE;
}

/* An MTA sends many packets at once; libmilter takes two reads and three polls for each. */
static char ahead_fill(size_t have, int64_t now, int64_t deadline)
{
	size_t taken;
	char fault;

	memmove(guest_here->ahead, guest_here->ahead + guest_here->ahead_at, have);
	guest_here->ahead_at = 0;
	guest_here->ahead_len = have;
	fault = bytes_take(guest_here->ahead + have, sizeof(guest_here->ahead) - have, now, deadline, &taken);
	if (!fault)
		guest_here->ahead_len += taken;
	return fault;
}

/* Length and command. From its first byte on, a packet has its time; before that, silence has. */
static char head_read(unsigned char head[PACKET_HEAD])
{
	size_t have = guest_here->ahead_len - guest_here->ahead_at;
	char fault = PACKET_CAME;

	if (have == 0) {
		int64_t now = clock_ticks_ms();

		atomic_store_explicit(&guest_here->since, now, memory_order_relaxed);
		fault = ahead_fill(0, now, now + silence_allowed());
		atomic_store_explicit(&guest_here->since, 0, memory_order_relaxed);
		have = guest_here->ahead_len;
	}
	if (!fault && have < PACKET_HEAD) {
		int64_t deadline = clock_ticks_ms() + libmilter_limits.packet_ms;

		for (; !fault && have < PACKET_HEAD; have = guest_here->ahead_len)
			fault = ahead_fill(have, clock_ticks_ms(), deadline);
	}
	if (fault)
		return fault;
	memcpy(head, guest_here->ahead + guest_here->ahead_at, PACKET_HEAD);
	guest_here->ahead_at += PACKET_HEAD;
	return PACKET_CAME;
}

static char body_read(char *body, size_t len)
{
	size_t have = guest_here->ahead_len - guest_here->ahead_at, taken;
	char fault = PACKET_CAME;
	int64_t deadline;

	if (have > len)
		have = len;
	memcpy(body, guest_here->ahead + guest_here->ahead_at, have);
	guest_here->ahead_at += have;
	if (have == len)
		return PACKET_CAME;
	for (deadline = clock_ticks_ms() + libmilter_limits.packet_ms; !fault && have < len; have += taken)
		if ((fault = bytes_take(body + have, len - have, clock_ticks_ms(), deadline, &taken)))
			break;
	return fault;
}

/*
 * One packet at a time is in libmilter's hands, unless it holds macros, which it keeps: so the others' memory is
 * used again and again. libmilter gives it back with free().
 */
static char *body_lend(unsigned char command, size_t len)
{
	if (command == 'D' || len > PACKET_LENT || guest_here->body_is_lent)
		return __wrap_malloc(len);
	guest_here->body_is_lent = true;
	memset(guest_here->body + len, 0, PACKET_TAIL);
	return guest_here->body;
}

void __wrap_free(void *memory)
{
	if (guest_here && memory == guest_here->body)
		guest_here->body_is_lent = false;
	else
		__real_free(memory);
}

static void stage_follow(unsigned char command)
{
	if (command == 'M')
		atomic_store_explicit(&guest_here->stage, GUEST_MAILED, memory_order_relaxed);
	else if (command == 'O' && guest_here->stage == GUEST_UNKNOWN)
		atomic_store_explicit(&guest_here->stage, GUEST_NEGOTIATED, memory_order_relaxed);
}

/*
 * libmilter's mi_rd_cmd(): the body of the next packet, or NULL for one without a body and where none came;
 * *command says which.
 */
char *__wrap_mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *name)
{
	unsigned char head[PACKET_HEAD];
	uint32_t size = 0;
	char *body = NULL;

	if (!guest_here || fd != guest_here->fd)
		return __real_mi_rd_cmd(fd, timeout, command, len, name);
	*len = 0;
	*command = head_read(head);
	if (*command)
		return NULL;
	memcpy(&size, head, sizeof(size));
	size = ntohl(size);
	if (size > PACKET_MAX)
		*command = PACKET_TOO_BIG;
	else if (size > 1 && !(body = body_lend(head[PACKET_HEAD - 1], size - 1)))
		*command = PACKET_NO_MEMORY;
	else if (size > 1)
		*command = body_read(body, size - 1);
	if (*command) {
		__wrap_free(body);
		return NULL;
	}
	stage_follow(head[PACKET_HEAD - 1]);
	*command = (char)head[PACKET_HEAD - 1];
	*len = size > 1 ? size - 1 : 0;
	return body;
}
