/*
 * From an address to a server that takes commands (store/io_greet.h).
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/io_greet.h"
#include "store/io_loss.h"
#include "store/io_send.h"
#include "store/state.h"
#include "store/trouble.h"
#include "system/clock.h"

void io_connect(struct store *store)
{
	struct store_io *io = &store->io;
	const struct store_target *target = &store->target;
	char ip[INET6_ADDRSTRLEN + 32];

	if (*target->host) { /* may take long, which only this thread feels */
		const char *why = store_target_ip(target, io->attempt++, ip, sizeof(ip));
		if (why) {
			io_lose(store, STORE_STATE_AWAY, "its name has no address: ", why);
			return;
		}
	}
	io->redis = *target->host ? redis_connect(ip, (int)strtol(target->port, NULL, 10))
				  : redis_connect(target->address, 0);
	if (!io->redis) {
		io_lose(store, STORE_STATE_AWAY, "out of memory", "");
	} else if (redis_failed(io->redis)) {
		io_lose_redis(store);
	} else {
		io->phase = PHASE_CONNECTING;
		io->phase_since = clock_ticks_ms();
	}
}

/*
 * All at once, one round trip: log in, name ourselves, see who it is, load the script that each message needs (the
 * others come when they are missing); PING's answer counts.
 */
static void send_greeting(struct store *store)
{
	const struct store_target *target = &store->target;
	const bool user = *target->user != '\0';
	const char *const auth[] = { "AUTH", user ? target->user : target->password, target->password };

	if ((user || *target->password) && !io_send_words(store, KIND_AUTH, user ? 3 : 2, auth))
		return;
	if (io_send_words(store, KIND_NAME, 3, (const char *const[]){ "CLIENT", "SETNAME", "leumund" }) &&
	    io_send_words(store, KIND_INFO, 2, (const char *const[]){ "INFO", "server" }) &&
	    io_send_script(store, STORE_SCRIPT_DECISION))
		io_send_words(store, KIND_PING, 1, (const char *const[]){ "PING" });
}

void io_greet(struct store *store)
{
	struct store_io *io = &store->io;

	if (!redis_connected(io->redis, store->tls)) {
		io_lose_redis(store);
		return;
	}
	io->phase = PHASE_GREETING;
	io->phase_since = io->heard_ms = clock_ticks_ms();
	io->denied = false;
	io->greeting_error[0] = '\0';
	send_greeting(store);
}

/* ---- its replies ----------------------------------------------------------------------------- */

/* The first trouble of a greeting is the cause of those that follow. */
static void greeting_failed(struct store *store, const struct redisReply *reply, bool denied)
{
	struct store_io *io = &store->io;

	if (*io->greeting_error)
		return;
	io->denied = denied;
	snprintf(io->greeting_error, sizeof(io->greeting_error), "%s",
		 reply_is_text(reply) ? reply_text(reply).at : "unexpected reply");
}

static void find_version(const char *info, const char *field, const char *product, char *out, size_t size)
{
	const char *at = strstr(info, field);

	if (!at || (at != info && at[-1] != '\n'))
		return;
	at += strlen(field);
	snprintf(out, size, "%s %.*s", product, (int)strspn(at, "0123456789."), at);
}

static void learn_server(struct store *store, const struct redisReply *reply)
{
	const char *info = reply_text(reply).at;
	char server[sizeof(store->status.server)] = "";

	if (!reply_is_string(reply))
		return; /* an ACL may forbid it */
	find_version(info, "redis_version:", "redis", server, sizeof(server));
	find_version(info, "valkey_version:", "valkey", server, sizeof(server)); /* also says redis_version:7.2.4 */
	pthread_mutex_lock(&store->lock);
	memcpy(store->status.server, server, sizeof(server));
	pthread_mutex_unlock(&store->lock);
}

static void greeting_done(struct store *store, const struct redisReply *reply)
{
	struct store_io *io = &store->io;

	if (reply_is_error(reply))
		greeting_failed(store, reply, reply_trouble(reply) == TROUBLE_DENIED);
	if (*io->greeting_error) {
		io_lose(store, io->denied ? STORE_STATE_DENIED : STORE_STATE_AWAY, "", io->greeting_error);
		return;
	}
	io->phase = PHASE_UP;
	io->phase_since = clock_ticks_ms();
	io->flush_at = 0;
	io->idle_ticks = TICKS_WHEN_IDLE;
	if (io->renewed) {
		state_change_quietly(store, STORE_STATE_UP);
	} else {
		io->hold_until = 0;
		backoff_reset(&io->hold);
		state_change(store, STORE_STATE_UP, "", "");
	}
}

void io_greeting_reply(struct store *store, enum kind kind, const struct redisReply *reply)
{
	const enum trouble trouble = reply_trouble(reply);
	const char *said = reply_text(reply).at;

	if (kind == KIND_AUTH && trouble != TROUBLE_NONE)
		greeting_failed(store, reply, trouble != TROUBLE_PASSING);
	else if (kind == KIND_NAME && trouble == TROUBLE_OTHER && strncmp(said, "ERR max number", 14) == 0)
		greeting_failed(store, reply, false);
	else if (kind == KIND_INFO)
		learn_server(store, reply);
	else if (kind == KIND_SCRIPT && !reply_is_string(reply))
		greeting_failed(store, reply, trouble == TROUBLE_DENIED);
	else if (kind == KIND_PING)
		greeting_done(store, reply);
}
