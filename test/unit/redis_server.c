/*
 * A private redis-server for one test (redis_server.h).
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/unit/redis_server.h"

void wait_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Debian's redis-tools holds the server under another name: called as redis-server it is one. */
const char *server_program(const char **name)
{
	static const char *const programs[][2] = {
		{ "/usr/bin/redis-server", "redis-server" },	{ "/usr/local/bin/redis-server", "redis-server" },
		{ "/usr/bin/valkey-server", "valkey-server" },	{ "/usr/local/bin/valkey-server", "valkey-server" },
		{ "/usr/bin/redis-check-rdb", "redis-server" }, { "/usr/bin/valkey-check-rdb", "valkey-server" },
	};

	*name = "redis-server";
	if (getenv("REDIS_SERVER"))
		return getenv("REDIS_SERVER");
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		*name = programs[i][1];
		if (access(programs[i][0], X_OK) == 0)
			return programs[i][0];
	}
	return NULL;
}

static bool server_answers(const struct server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
	const bool yes = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return yes;
}

bool server_start(struct server *server, const char *const *more)
{
	const char *name, *program = server_program(&name);
	const char *argv[32] = { name,	      "--port", "0", "--unixsocket", server->socket, "--dir",
				 server->dir, "--save", "",  "--loglevel",   "warning" };
	int argc = 11;

	if (!program)
		return false;
	while (more && *more && argc < 31)
		argv[argc++] = *more++;
	unlink(server->socket);
	server->pid = fork();
	if (server->pid == 0) {
		char log[96];
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no server behind */
		snprintf(log, sizeof(log), "%s/log", server->dir);
		const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(program, (char **)(uintptr_t)argv);
		_exit(127);
	}
	for (int i = 0; i < 1000; i++) {
		if (server_answers(server))
			return true;
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
			server->pid = 0;
			return false;
		}
		wait_ms(5);
	}
	return false;
}

void server_kill(struct server *server, int number)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, number);
	kill(server->pid, SIGCONT);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

static int server_remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
	(void)about, (void)type, (void)where;
	return remove(path);
}

void server_end(struct server *server)
{
	server_kill(server, SIGKILL);
	if (*server->dir)
		nftw(server->dir, server_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	server->dir[0] = '\0';
}

bool server_make(struct server *server, const char *const *more)
{
	const char *name;

	*server = (struct server){ .dir = "" };
	if (!server_program(&name))
		return false;
	*server = (struct server){ .dir = "/tmp/leumund-redis-XXXXXX" };
	if (!mkdtemp(server->dir))
		return false;
	snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", server->dir);
	if (server_start(server, more))
		return true;
	server_end(server);
	return false;
}
