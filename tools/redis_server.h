/*
 * The private Redis of an instance, on redis.sock in the working directory.
 */
#ifndef LEUMUND_TOOLS_REDIS_SERVER_H
#define LEUMUND_TOOLS_REDIS_SERVER_H

#include <limits.h>
#include <sys/types.h>

#include "child.h"
#include "store/store.h"

#define REDIS_SOCKET "redis.sock"
#define REDIS_ADDRESS "./redis.sock" /* for store_open() */
#define REDIS_PID_FILE "redis.pid"
#define REDIS_ARGUMENTS 32

/* The program that `store.server` names, or one that can stand in for it. */
struct redis_program {
	char path[PATH_MAX];
	const char *name; /* to be called by: argv[0] */
};

/* False: there is none. */
bool redis_program_find(const char *wanted, struct redis_program *program);

/* Makes the data directory if need be, then starts the server. 0, or -1 with a sentence. */
int redis_start(struct child *child, const struct store_options *options, const char *run, const char *user,
		const struct account_ids *ids, int output, char *error, size_t size);

/* The process that listens on the socket, or 0: nobody does. */
pid_t redis_listener(void);

/* Is that the process which an instance in this directory started? */
bool redis_is_ours(pid_t pid);

/* Does it answer (a server that still loads its data does)? */
bool redis_answers(void);

#endif
