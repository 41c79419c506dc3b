/*
 * One connection to a server, never waiting, whatever it is used for. hiredis stands behind it and is known to
 * store/redis.c alone. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_REDIS_H
#define LEUMUND_STORE_REDIS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/reply.h"

struct redis;
struct store_tls;

/* Begins to connect, to an IP address or, with port 0, to a unix socket. NULL: no memory; else redis_failed() tells. */
struct redis *redis_connect(const char *where, int port);
void redis_free(struct redis **redis);

int redis_fd(const struct redis *redis);
bool redis_failed(const struct redis *redis);
const char *redis_error(struct redis *redis); /* in words */

/* The socket has become writable: is it connected? If so, TLS begins unless `tls` is NULL. */
bool redis_connected(struct redis *redis, const struct store_tls *tls);

/* These return false when the connection is of no use any more. */
bool redis_append(struct redis *redis, const char *command, size_t len);
bool redis_write(struct redis *redis, bool *unwritten);		 /* unwritten: some of it waits for the socket */
bool redis_read(struct redis *redis, bool *heard);		 /* heard: some of a reply came */
bool redis_next(struct redis *redis, struct redisReply **reply); /* NULL: none is complete; the caller frees it */

#endif
