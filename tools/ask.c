/*
 * One question over a unix socket (ask.h).
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "json_walk.h"
#include "system/clock.h"
#include "system/unix_socket.h"

#define STATUS_MS 3000

static bool wait_readable(int fd, int64_t until_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left = until_ms - clock_ticks_ms();

	return left > 0 && poll(&poll_fd, 1, (int)left) > 0;
}

static int answer_read(int fd, char *answer, size_t size, int64_t until_ms)
{
	size_t have = 0;

	while (have < size - 1) {
		ssize_t n;
		char *end;

		if (!wait_readable(fd, until_ms)) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = recv(fd, answer + have, size - 1 - have, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
		answer[have] = '\0';
		end = strchr(answer, '\n');
		if (end) {
			*end = '\0';
			answer[strcspn(answer, "\r")] = '\0';
			return 0;
		}
	}
	errno = EPROTO;
	return -1;
}

int ask(const char *path, const char *question, char *answer, size_t size, int deadline_ms)
{
	int64_t until_ms = clock_ticks_ms() + deadline_ms;
	int fd = unix_socket_connect(path), result = -1, saved;

	answer[0] = '\0';
	if (fd < 0)
		return -1;
	if (send(fd, question, strlen(question), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(question))
		result = answer_read(fd, answer, size, until_ms);
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}

int ask_status(const char *service, char *answer, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s.exim.sock", service);
	if (ask(path, "status\n", answer, size, STATUS_MS) < 0)
		return -1;
	if (answer[0] == '{')
		return 0;
	errno = EPROTO;
	return -1;
}

struct conf_place {
	char *out;
	size_t size;
};

static bool conf_take(void *arg, const char *path, const char *value)
{
	struct conf_place *place = arg;

	if (strcmp(path, "config") != 0 || !value)
		return true;
	snprintf(place->out, place->size, "%s", value);
	return false;
}

bool ask_conf(const char *run, char *out, size_t size)
{
	static const char end[] = ".exim.sock";
	static char answer[ASK_ANSWER_BYTES];
	struct conf_place place = { out, size };
	DIR *directory = opendir(run);
	const struct dirent *entry;
	char path[512];

	out[0] = '\0';
	while (directory && out[0] == '\0' && (entry = readdir(directory))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || len <= strlen(end) ||
		    strcmp(entry->d_name + len - strlen(end), end) != 0)
			continue;
		/* a socket's name is short, while the directory's may be long */
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd(directory), entry->d_name);
		if (ask(path, "status\n", answer, sizeof(answer), STATUS_MS) == 0)
			(void)json_walk(answer, conf_take, &place);
	}
	if (directory)
		closedir(directory);
	return out[0] == '/';
}
