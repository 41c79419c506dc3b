/*
 * Telling whoever started us how we are (system/notify.h). The protocol is one datagram of VAR=value lines;
 * that is less than a dependency on libsystemd.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/notify.h"

static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void notify_ready(void)
{
	const char *name = getenv("LEUMUND_READY_FD");
	char state[64];

	if (name) {
		int fd = (int)strtol(name, NULL, 10);
		ssize_t n = write(fd, "ready\n", 6);

		(void)n; /* whoever waited has gone: nothing to do about it */
		close(fd);
		unsetenv("LEUMUND_READY_FD");
	}
	snprintf(state, sizeof(state), "READY=1\nMAINPID=%ld", (long)getpid());
	notify(state);
}

void notify_status(const char *sentence)
{
	char state[256];

	snprintf(state, sizeof(state), "STATUS=%s", sentence);
	notify(state);
}

void notify_stopping(void)
{
	notify("STOPPING=1");
}

void notify_alive(void)
{
	notify("WATCHDOG=1");
}
