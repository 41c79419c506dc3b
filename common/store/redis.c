/*
 * One connection to a server, and its replies (store/redis.h, store/reply.h). The only file that knows hiredis: works
 * with 0.14 and later, and with TLS where the library was built with it.
 */
#include <hiredis/hiredis.h>

#include "store/tls.h"
#if STORE_TLS
#include <hiredis/hiredis_ssl.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "store/redis.h"

struct redis {
	redisContext *context;
	struct ssl_st *session; /* of TLS; the context frees it */
	bool tcp;
	char error[160]; /* "" = the library's words are good enough */
};

struct redis *redis_connect(const char *where, int port)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	if (!redis)
		return NULL;
	redis->tcp = port != 0;
	redis->context = port ? redisConnectNonBlock(where, port) : redisConnectUnixNonBlock(where);
	if (!redis->context) {
		free(redis);
		return NULL;
	}
	return redis;
}

void redis_free(struct redis **redis)
{
	if (*redis) {
		redisFree((*redis)->context);
		free(*redis);
	}
	*redis = NULL;
}

int redis_fd(const struct redis *redis)
{
	return redis->context->fd;
}

bool redis_failed(const struct redis *redis)
{
	return redis->context->err != 0 || *redis->error;
}

const char *redis_error(struct redis *redis)
{
	if (*redis->error)
		return redis->error;
	/* What OpenSSL refuses has no errno, or that of another call. */
	if (redis->session && store_tls_trouble(redis->session, redis->error, sizeof(redis->error)))
		return redis->error;
	return redis->context->errstr;
}

static bool start_tls(struct redis *redis, const struct store_tls *tls)
{
#if STORE_TLS
	struct ssl_st *session = store_tls_session(tls);

	if (!session) {
		snprintf(redis->error, sizeof(redis->error), "TLS: out of memory");
		return false;
	}
	if (redisInitiateSSL(redis->context, session) != REDIS_OK) {
		if (!store_tls_trouble(session, redis->error, sizeof(redis->error)))
			snprintf(redis->error, sizeof(redis->error), "TLS: %s", redis->context->errstr);
		store_tls_session_free(session);
		return false;
	}
	redis->session = session;
#endif
	(void)redis, (void)tls;
	return true;
}

bool redis_connected(struct redis *redis, const struct store_tls *tls)
{
	int problem = 0;
	socklen_t size = sizeof(problem);

	if (getsockopt(redis->context->fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0 || problem) {
		snprintf(redis->error, sizeof(redis->error), "%s", strerror(problem ? problem : errno));
		return false;
	}
	if (redis->tcp)
		redisEnableKeepAlive(redis->context);
	fcntl(redis->context->fd, F_SETFD, FD_CLOEXEC);
	return !tls || start_tls(redis, tls);
}

bool redis_append(struct redis *redis, const char *command, size_t len)
{
	return redisAppendFormattedCommand(redis->context, command, len) == REDIS_OK;
}

bool redis_write(struct redis *redis, bool *unwritten)
{
	int done = 0;

	if (redisBufferWrite(redis->context, &done) != REDIS_OK)
		return false;
	*unwritten = !done;
	return true;
}

bool redis_read(struct redis *redis, bool *heard)
{
	const redisReader *reader = redis->context->reader;
	const size_t before = reader->len;
	size_t last;

	do { /* TLS may hold bytes back that poll() does not see */
		last = reader->len;
		if (redisBufferRead(redis->context) != REDIS_OK)
			return false;
	} while (redis->session && reader->len != last);
	*heard = reader->len != before;
	return true;
}

bool redis_next(struct redis *redis, struct redisReply **reply)
{
	void *next = NULL;

	*reply = NULL;
	if (redisGetReplyFromReader(redis->context, &next) != REDIS_OK)
		return false;
	*reply = next;
	return true;
}

/* ---- replies --------------------------------------------------------------------------------- */

bool reply_is_error(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR;
}

bool reply_is_string(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING;
}

bool reply_is_text(const struct redisReply *reply)
{
	return reply_is_string(reply) || reply->type == REDIS_REPLY_STATUS || reply_is_error(reply);
}

bool reply_is_nil(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_NIL;
}

bool reply_is_list(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY;
}

struct span reply_text(const struct redisReply *reply)
{
	return reply_is_text(reply) ? (struct span){ reply->str, reply->len } : (struct span){ "", 0 };
}

int64_t reply_number(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_INTEGER ? reply->integer : strtoll(reply_text(reply).at, NULL, 10);
}

size_t reply_count(const struct redisReply *reply)
{
	return reply_is_list(reply) ? reply->elements : 0;
}

const struct redisReply *reply_at(const struct redisReply *reply, size_t i)
{
	return reply->element[i];
}

void reply_free(struct redisReply **reply)
{
	if (*reply)
		freeReplyObject(*reply);
	*reply = NULL;
}
