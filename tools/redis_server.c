/*
 * The private Redis of an instance (redis_server.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "access.h"
#include "ask.h"
#include "redis_server.h"
#include "system/unix_socket.h"

#define ANSWER_MS 300

/*
 * The server and its checker are one program that goes by its name. Debian's redis-tools has the
 * checker alone: a server without a service that starts by itself.
 */
static const struct {
	const char *file, *name;
} stand_ins[] = {
	{ "redis-server", "redis-server" },
	{ "valkey-server", "valkey-server" },
	{ "redis-check-rdb", "redis-server" },
	{ "valkey-check-rdb", "valkey-server" },
};

bool redis_program_find(const char *wanted, struct redis_program *program)
{
	const char *slash = strrchr(wanted, '/');

	program->name = slash ? slash + 1 : wanted;
	if (program_find(wanted, program->path, sizeof(program->path)))
		return true;
	if (slash) /* an exact choice */
		return false;
	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(*stand_ins); i++) {
		program->name = stand_ins[i].name;
		if (program_find(stand_ins[i].file, program->path, sizeof(program->path)))
			return true;
	}
	return false;
}

/* The server could not even write into its log that it may not write there. */
static int data_look(const char *data, const char *user, const struct account_ids *ids, char *error, size_t size)
{
	struct someone someone = { .group_count = 0 };
	struct stat status;

	if (stat(data, &status) < 0 || !S_ISDIR(status.st_mode)) {
		snprintf(error, size, "store.data: %s is no directory", data);
		return -1;
	}
	if (user && someone_find(user, false, &someone)) {
		someone.groups[0] = ids->gid;
		if (someone_may(&someone, &status, 3))
			return 0;
	} else if (access(data, W_OK | X_OK) == 0) {
		return 0;
	}
	snprintf(error, size, "store.data: %s may not be written by %s; chown it", data, user ? user : "this user");
	return -1;
}

static int data_make(const char *data, const char *user, const struct account_ids *ids, char *error, size_t size)
{
	if (mkdir(data, 0750) < 0) {
		if (errno == EEXIST)
			return data_look(data, user, ids, error, size);
		snprintf(error, size, "store.data: %s cannot be made: %s", data, strerror(errno));
		return -1;
	}
	if (user && chown(data, ids->uid, ids->gid) < 0) {
		snprintf(error, size, "store.data: %s cannot be given to user '%s': %s", data, user, strerror(errno));
		return -1;
	}
	return 0;
}

/* A name in the run directory; relative where the server works there, so that a long path does no harm. */
static int name_make(char *out, size_t size, const char *run, const char *name, bool is_here, size_t longest,
		     char *error, size_t error_size)
{
	int len = snprintf(out, size, "%s%s%s", is_here ? "" : run, is_here ? "" : "/", name);

	if (len >= 0 && (size_t)len < size && (size_t)len <= longest)
		return 0;
	snprintf(error, error_size,
		 "%s/%s is too long for a socket's name; use a shorter run directory, or leave store.data empty", run,
		 name);
	return -1;
}

int redis_start(struct child *child, const struct store_options *options, const char *run, const char *user,
		const struct account_ids *ids, int output, char *error, size_t size)
{
	bool is_here = options->data[0] == '\0';
	char socket_name[PATH_MAX], pid_name[PATH_MAX];
	struct redis_program found;
	struct program program = {
		.file = found.path, .directory = is_here ? run : options->data, .user = user, .output = output
	};

	if (!redis_program_find(options->server, &found)) {
		snprintf(error, size,
			 "no %s here, so no history is kept; install redis-tools (or redis-server, valkey), or set "
			 "store.server or store.address",
			 options->server);
		return -1;
	}
	if ((!is_here && data_make(options->data, user, ids, error, size) < 0) ||
	    name_make(socket_name, sizeof(socket_name), run, REDIS_SOCKET, is_here,
		      sizeof(((struct sockaddr_un *)0)->sun_path) - 1, error, size) < 0 ||
	    name_make(pid_name, sizeof(pid_name), run, REDIS_PID_FILE, is_here, PATH_MAX, error, size) < 0)
		return -1;
	if (user)
		program.ids = *ids;
	/* redis/redis.conf.example says why; snapshots beside the append-only file would only cost forks */
	const char *const argv[REDIS_ARGUMENTS] = {
		found.name,  "--port",	    "0",  "--unixsocket",	socket_name,  "--unixsocketperm",
		"700",	     "--dir",	    ".",  "--appendonly",	"yes",	      "--appendfsync",
		"everysec",  "--save",	    "",	  "--maxmemory-policy", "noeviction", "--stream-node-max-bytes",
		"512",	     "--daemonize", "no", "--pidfile",		pid_name,     "--logfile",
		"redis.log", NULL,
	};

	program.argv = argv;
	if (child_start(child, &program) < 0) {
		snprintf(error, size, "%s cannot be started: %s", found.path, strerror(errno));
		return -1;
	}
	return 0;
}

pid_t redis_listener(void)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	int fd = unix_socket_connect(REDIS_SOCKET);

	if (fd < 0)
		return 0;
	/* of the process that called listen(): the kernel's word, unlike a pid file's */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

bool redis_is_ours(pid_t pid)
{
	FILE *file = fopen(REDIS_PID_FILE, "re");
	char line[32] = "";

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return pid > 0 && strtol(line, NULL, 10) == (long)pid;
}

bool redis_answers(void)
{
	char answer[256];

	return ask(REDIS_SOCKET, "PING\r\n", answer, sizeof(answer), ANSWER_MS) == 0;
}
