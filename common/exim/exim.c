/*
 * The front for Exim (exim/exim.h): one thread for each open question, at most
 * FRONT_EXIM_QUESTIONS at once; each question has a deadline, so a silent caller cannot hold a place.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exim/answer.h"
#include "exim/exim.h"
#include "front.h"
#include "log.h"
#include "system/clock.h"
#include "system/unix_socket.h"

#define QUESTION_MS 5000
#define THREAD_STACK (256UL * 1024)
#define ANSWER_BYTES 16384
#define LINE_SIZE (EXIM_LINE_MAX + 2) /* with newline and NUL */

static sem_t places;
static atomic_uint open_questions;
static int listener = -1;
static front_status status_write;

/* ---- a question -------------------------------------------------------------------------------- */

/* What comes next; 0: nothing more, or not in time. */
static size_t piece_read(int fd, char *into, size_t size, int64_t deadline)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_ticks_ms();
		ssize_t n;

		if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
			return 0;
		n = recv(fd, into, size, MSG_DONTWAIT);
		if (n >= 0)
			return (size_t)n;
		if (errno != EAGAIN && errno != EINTR)
			return 0;
	}
}

/* Unread bytes would make a reset of our close(), and the asker's ${readsocket} fail instead of reading the answer. */
static void line_drain(int fd, int64_t deadline)
{
	char piece[4096];
	size_t n;

	do
		n = piece_read(fd, piece, sizeof(piece), deadline);
	while (n > 0 && !memchr(piece, '\n', n));
}

static char *line_enlarge(char *buffer, size_t *size)
{
	size_t larger = *size * 2 > LINE_SIZE ? LINE_SIZE : *size * 2;
	char *new = *size < LINE_SIZE ? realloc(buffer, larger) : NULL;

	if (new)
		*size = larger;
	return new;
}

enum asked { ASKED, ASKED_NOTHING, ASKED_TOO_MUCH };

/* Reads up to the first newline. The caller frees *line. */
static enum asked line_read(int fd, char **line)
{
	int64_t deadline = clock_ticks_ms() + QUESTION_MS;
	size_t have = 0, size = 4096, n;
	char *buffer = malloc(size), *larger, *end;

	while (buffer && (n = piece_read(fd, buffer + have, size - have - 1, deadline)) > 0) {
		buffer[have + n] = '\0';
		end = memchr(buffer + have, '\n', n);
		have += n;
		if (end) {
			*end = '\0';
			*line = buffer;
			return ASKED;
		}
		if (have < size - 1)
			continue;
		larger = line_enlarge(buffer, &size);
		if (!larger) {
			free(buffer);
			line_drain(fd, deadline);
			return ASKED_TOO_MUCH;
		}
		buffer = larger;
	}
	free(buffer);
	return ASKED_NOTHING;
}

static void answer_send(int fd, const struct text *answer)
{
	struct timeval patience = { .tv_sec = QUESTION_MS / 1000 };
	size_t sent = 0;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (sent < answer->len) {
		ssize_t n = send(fd, answer->at + sent, answer->len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		sent += (size_t)n;
	}
}

static void *question_serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char TEXT_BUFFER buffer[ANSWER_BYTES], *line = NULL;
	enum asked asked = line_read(fd, &line);
	struct text answer;

	text_init(&answer, buffer, sizeof(buffer));
	if (asked == ASKED)
		exim_answer(line, status_write, &answer);
	else if (asked == ASKED_TOO_MUCH)
		text_str(&answer, "error the line is too long, or memory is short");
	if (asked != ASKED_NOTHING) {
		text_char(&answer, '\n');
		answer_send(fd, &answer);
	}
	if (answer.at != buffer)
		free(answer.at);
	free(line);
	close(fd);
	atomic_fetch_sub(&open_questions, 1);
	sem_post(&places);
	return NULL;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static void pause_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

static void *listen_for_questions(void *unused)
{
	pthread_attr_t attributes;
	sigset_t all;

	(void)unused;
	/* they are the service's, and would cut a question short; the threads of questions inherit this */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	for (;;) {
		pthread_t thread;
		int fd;

		while (sem_wait(&places) < 0)
			;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			/* out of descriptors: do not spin */
			if (errno != EINTR && errno != ECONNABORTED)
				pause_ms(50);
			sem_post(&places);
			continue;
		}
		atomic_fetch_add(&open_questions, 1);
		if (pthread_create(&thread, &attributes, question_serve, (void *)(intptr_t)fd) != 0)
			question_serve((void *)(intptr_t)fd);
	}
	return NULL;
}

int front_exim_start(const char *path, front_status status)
{
	pthread_t thread;

	status_write = status;
	listener = unix_socket_listen(path);
	if (listener < 0) {
		log_error("cannot listen on %s: %s", path, strerror(errno));
		return -1;
	}
	sem_init(&places, 0, FRONT_EXIM_QUESTIONS);
	if (pthread_create(&thread, NULL, listen_for_questions, NULL) != 0) {
		log_error("cannot start a thread for %s", path);
		return -1;
	}
	pthread_detach(thread);
	return 0;
}

uint64_t front_exim_outdated(void)
{
	return exim_outdated();
}

unsigned front_exim_connections(void)
{
	return atomic_load(&open_questions);
}
