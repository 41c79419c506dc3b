/*
 * A private redis-server for one test: on a unix socket in a directory of its own, gone afterwards.
 * Tests skip, visibly, where there is no server program.
 */
#ifndef LEUMUND_TEST_REDIS_SERVER_H
#define LEUMUND_TEST_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
	char dir[64], socket[96];
	pid_t pid; /* 0: it does not run */
};

void wait_ms(long ms);

/* NULL: there is none. `name` is what it has to be called by. */
const char *server_program(const char **name);

/* In a new directory. `more`: settings as on the command line, ended by NULL; may be NULL. */
bool server_make(struct server *server, const char *const *more);
void server_end(struct server *server);

/* In the same directory, where its data stay. False: it does not start; DIR/log says why. */
bool server_start(struct server *server, const char *const *more);
void server_kill(struct server *server, int number);

#endif
