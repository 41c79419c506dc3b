/*
 * libmilter/guard.h: whoever is silent, slow or one too many is sent away in time, with limits of milliseconds. In
 * libmilter's place stands a loop that answers packets.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/clock.h"
#include "libmilter/guard.h"

#define LIMIT_MS 200
#define LATE_MS 2000 /* the machine is shared */

/* ---- what the linker would do ------------------------------------------------------------------ */

void *__real_malloc(size_t size);
int __real_accept(int listener, struct sockaddr *address, socklen_t *len);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
void __real_free(void *memory);
char *__real_mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *name);
int __wrap_accept(int listener, struct sockaddr *address, socklen_t *len);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
char *__wrap_mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *name);
void __wrap_free(void *memory);
void *__wrap_malloc(size_t size);
int __wrap_mi_start_session(void *context);
int mi_engine(void *context);
void mi_clr_ctx(void *context);

void *__real_malloc(size_t size)
{
	return malloc(size);
}

int __real_accept(int listener, struct sockaddr *address, socklen_t *len)
{
	return accept(listener, address, len);
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return poll(fds, count, timeout);
}

void __real_free(void *memory)
{
	free(memory);
}

/* No packet of a session is read by libmilter itself. */
char *__real_mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *name)
{
	(void)fd;
	(void)timeout;
	(void)command;
	(void)len;
	(void)name;
	abort();
}

/* ---- a small libmilter ------------------------------------------------------------------------- */

struct session {
	int fd;
};

static atomic_int open_sessions;

static bool answer(int fd, size_t len)
{
	static const char zeros[1 << 16];

	while (len > 0) {
		struct pollfd one = { .fd = fd, .events = POLLOUT };
		ssize_t n;

		if (__wrap_poll(&one, 1, 3600000) <= 0)
			return false;
		n = send(fd, zeros, len < sizeof(zeros) ? len : sizeof(zeros), MSG_NOSIGNAL);
		if (n > 0)
			len -= (size_t)n;
		else if (errno != EAGAIN)
			return false;
	}
	return true;
}

/* A packet 'R' is answered by a megabyte, any other by a byte. A packet 'D' is kept to the end, as macros are. */
int mi_engine(void *context)
{
	const struct session *session = context;
	char *kept = NULL;
	bool going_on = true;

	while (going_on) {
		struct pollfd one = { .fd = session->fd, .events = POLLIN };
		struct timeval hour = { 3600, 0 };
		char command, *body;
		size_t len;

		assert_int_equal(__wrap_poll(&one, 1, 1), 1);
		body = __wrap_mi_rd_cmd(session->fd, &hour, &command, &len, NULL);
		assert_int_equal(body != NULL, len > 0);
		going_on = (unsigned char)command > 7 && answer(session->fd, command == 'R' ? 1 << 20 : 1);
		if (command != 'D') {
			__wrap_free(body);
			continue;
		}
		__wrap_free(kept);
		kept = body;
	}
	/* this memory was nobody else's meanwhile */
	if (kept)
		assert_memory_equal(kept, "macros", 6);
	__wrap_free(kept);
	return -1;
}

void mi_clr_ctx(void *context)
{
	struct session *session = context;

	close(session->fd);
	free(session);
	atomic_fetch_sub(&open_sessions, 1);
}

/* ---- clients ----------------------------------------------------------------------------------- */

static int listener;

static int setup(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "leumund-test-%ld", (long)getpid());
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 100) < 0;
}

static void limits_set(unsigned sessions, int64_t envelope_ms, int64_t evict_ms)
{
	const struct libmilter_limits limits = { sessions, LIMIT_MS, envelope_ms, 10 * LATE_MS, evict_ms };

	libmilter_guard_start(&limits);
}

/* A client's end of a new session; `*let_in` says what became of it. */
static int client(bool *let_in)
{
	struct sockaddr_un address;
	socklen_t len = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), theirs;
	struct session *session;

	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
	theirs = __wrap_accept(listener, NULL, NULL);
	*let_in = theirs >= 0;
	if (theirs < 0)
		return fd;
	session = malloc(sizeof(*session));
	session->fd = theirs;
	atomic_fetch_add(&open_sessions, 1);
	assert_int_equal(__wrap_mi_start_session(session), 0);
	return fd;
}

static void say(int fd, char command, size_t len)
{
	char packet[64] = "";
	uint32_t size = htonl((uint32_t)len + 1);

	memcpy(packet, &size, sizeof(size));
	packet[4] = command;
	assert_int_equal(send(fd, packet, 5 + len, MSG_NOSIGNAL), 5 + len);
}

static void say_macros(int fd)
{
	char byte;

	assert_int_equal(send(fd, "\0\0\0\7Dmacros", 11, MSG_NOSIGNAL), 11);
	assert_int_equal(read(fd, &byte, 1), 1);
}

static void say_and_hear(int fd, char command)
{
	char byte;

	say(fd, command, 7);
	assert_int_equal(read(fd, &byte, 1), 1);
}

/* How long after `start` the other side closes; more than LATE_MS when it does not. */
static int64_t closed_after(int fd, int64_t start)
{
	struct pollfd one = { .fd = fd, .events = POLLRDHUP };

	(void)poll(&one, 1, LATE_MS);
	return clock_ticks_ms() - start;
}

static void all_gone(void)
{
	for (int i = 0; i < 500 && atomic_load(&open_sessions) > 0; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(atomic_load(&open_sessions), 0);
}

static void end(int fd)
{
	close(fd);
	all_gone();
}

/* ---- tests ------------------------------------------------------------------------------------- */

static void silent_client_is_sent_away(void **state)
{
	bool let_in;
	int fd;
	int64_t start = clock_ticks_ms();

	(void)state;
	limits_set(10, LATE_MS, LATE_MS);
	fd = client(&let_in);
	assert_in_range(closed_after(fd, start), LIMIT_MS - 10, LATE_MS - 1);
	end(fd);
}

static void packet_must_end_in_time_however_it_trickles(void **state)
{
	bool let_in;
	int64_t start;
	int fd, i;

	(void)state;
	limits_set(10, LATE_MS, LATE_MS);
	fd = client(&let_in);
	say_and_hear(fd, 'O');
	say_and_hear(fd, 'M');
	start = clock_ticks_ms();
	assert_int_equal(send(fd, "\0\0\0\100L", 5, 0), 5);
	for (i = 0; i < 60; i++) {
		struct pollfd one = { .fd = fd, .events = POLLRDHUP };

		if (poll(&one, 1, LIMIT_MS / 10) == 1)
			break;
		(void)send(fd, "x", 1, MSG_NOSIGNAL);
	}
	/* not before its time, and before its last byte; how many came until then is the machine's */
	assert_true(clock_ticks_ms() - start >= LIMIT_MS - 10);
	assert_in_range(i, 0, 59);
	end(fd);
}

static void whoever_has_negotiated_may_be_silent_longer(void **state)
{
	bool let_in;
	int64_t start = clock_ticks_ms();
	int fd;

	(void)state;
	limits_set(10, 3 * LIMIT_MS, LATE_MS);
	fd = client(&let_in);
	say_and_hear(fd, 'O');
	assert_in_range(closed_after(fd, start), 3 * LIMIT_MS - 10, LATE_MS - 1);
	end(fd);
}

static void whoever_has_mailed_keeps_the_idle_limit(void **state)
{
	bool let_in;
	int64_t start = clock_ticks_ms();
	int fd;

	(void)state;
	limits_set(10, LIMIT_MS, LATE_MS);
	fd = client(&let_in);
	say_and_hear(fd, 'O');
	say_and_hear(fd, 'M');
	say_and_hear(fd, 'E');
	assert_in_range(closed_after(fd, start), LATE_MS - 10, 2 * LATE_MS);
	say_and_hear(fd, 'M');
	end(fd);
}

static void reply_that_nobody_takes_ends_the_session(void **state)
{
	bool let_in;
	int64_t start = clock_ticks_ms();
	int fd;

	(void)state;
	limits_set(10, LATE_MS, LATE_MS);
	fd = client(&let_in);
	say_and_hear(fd, 'O');
	say(fd, 'R', 7);
	assert_in_range(closed_after(fd, start), LIMIT_MS - 10, LATE_MS - 1);
	end(fd);
}

static void full_house_sends_the_longest_silent_away(void **state)
{
	bool let_in;
	int busy, silent, late;

	(void)state;
	limits_set(2, 10 * LATE_MS, 50);
	busy = client(&let_in);
	say_and_hear(busy, 'O');
	say_and_hear(busy, 'M');
	silent = client(&let_in);
	say_and_hear(silent, 'O');
	(void)poll(NULL, 0, 100);
	late = client(&let_in);
	assert_true(let_in);
	assert_in_range(closed_after(silent, clock_ticks_ms()), 0, LIMIT_MS);
	say_and_hear(late, 'O');
	say_and_hear(busy, 'E');
	close(busy);
	close(silent);
	end(late);
}

static void door_is_shut_when_nobody_can_be_sent_away(void **state)
{
	enum { MOST = 2 + LIBMILTER_SURPLUS };
	int fd[MOST + 1];
	bool let_in;

	(void)state;
	limits_set(2, LATE_MS, LATE_MS);
	for (int i = 0; i < MOST; i++) {
		fd[i] = client(&let_in);
		assert_true(let_in);
		say_and_hear(fd[i], 'M');
	}
	fd[MOST] = client(&let_in);
	assert_false(let_in);
	assert_int_equal(errno, ECONNABORTED);
	assert_in_range(closed_after(fd[MOST], clock_ticks_ms()), 0, LIMIT_MS);
	for (int i = 0; i <= MOST; i++)
		close(fd[i]);
	all_gone();
	fd[0] = client(&let_in);
	assert_true(let_in);
	end(fd[0]);
}

static void many_packets_at_once_are_all_answered(void **state)
{
	enum { PACKETS = 300, SIZE = 12 };
	static const char packet[SIZE] = { 0, 0, 0, 8, 'L', 'a', 'b', 'c', 'd', 'e', 'f', 'g' };
	char all[PACKETS * SIZE], answers[PACKETS];
	size_t got = 0;
	ssize_t n = 1;
	bool let_in;
	int fd;

	(void)state;
	limits_set(10, LATE_MS, LATE_MS);
	for (size_t i = 0; i < PACKETS; i++)
		memcpy(all + i * SIZE, packet, SIZE);
	fd = client(&let_in);
	say_and_hear(fd, 'O');
	/* in pieces that end anywhere */
	for (size_t at = 0; at < sizeof(all); at += 1117) {
		size_t len = sizeof(all) - at < 1117 ? sizeof(all) - at : 1117;

		assert_int_equal(send(fd, all + at, len, MSG_NOSIGNAL), len);
		(void)poll(NULL, 0, 5);
	}
	for (; got < sizeof(answers) && n > 0; got += (size_t)n)
		n = read(fd, answers, sizeof(answers) - got);
	assert_int_equal(got, PACKETS);
	end(fd);
}

static void kept_packet_is_not_written_over(void **state)
{
	bool let_in;
	int fd;

	(void)state;
	limits_set(10, LATE_MS, LATE_MS);
	fd = client(&let_in);
	say_and_hear(fd, 'O');
	say_macros(fd);
	for (int i = 0; i < 20; i++)
		say_and_hear(fd, 'L');
	say_macros(fd);
	say_and_hear(fd, 'E');
	end(fd);
}

static void longest_packet_is_read_and_a_longer_one_ends_the_session(void **state)
{
	static char packet[5 + (1 << 20)];
	uint32_t size;
	bool let_in;
	char byte;
	int fd;

	(void)state;
	limits_set(10, LATE_MS, LATE_MS);
	for (uint32_t len = 1 << 20; len <= (1 << 20) + 1; len++) {
		fd = client(&let_in);
		say_and_hear(fd, 'O');
		size = htonl(len);
		memcpy(packet, &size, sizeof(size));
		packet[4] = 'L';
		(void)send(fd, packet, 4 + (1 << 20), MSG_NOSIGNAL);
		assert_int_equal(read(fd, &byte, 1) == 1, len == 1 << 20);
		end(fd);
	}
}

static void memory_ends_with_a_null(void **state)
{
	static const char zeros[2 * sizeof(void *)];
	char *memory = __wrap_malloc(24);

	(void)state;
	assert_non_null(memory);
	assert_memory_equal(memory + 24, zeros, sizeof(zeros));
	free(memory);
	assert_null(__wrap_malloc(SIZE_MAX - 3));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_client_is_sent_away),
		cmocka_unit_test(packet_must_end_in_time_however_it_trickles),
		cmocka_unit_test(whoever_has_negotiated_may_be_silent_longer),
		cmocka_unit_test(whoever_has_mailed_keeps_the_idle_limit),
		cmocka_unit_test(reply_that_nobody_takes_ends_the_session),
		cmocka_unit_test(full_house_sends_the_longest_silent_away),
		cmocka_unit_test(door_is_shut_when_nobody_can_be_sent_away),
		cmocka_unit_test(many_packets_at_once_are_all_answered),
		cmocka_unit_test(kept_packet_is_not_written_over),
		cmocka_unit_test(longest_packet_is_read_and_a_longer_one_ends_the_session),
		cmocka_unit_test(memory_ends_with_a_null),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
