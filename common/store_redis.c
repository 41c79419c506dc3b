/*
 * The store's one connection and its I/O thread (store.h, store_call.h). The only file that knows hiredis:
 * works with 0.14 and later, and with TLS where the library was built with it.
 */
#include <hiredis/hiredis.h>
#if __has_include(<hiredis/hiredis_ssl.h>) && !defined(LEUMUND_NO_TLS)
#include <hiredis/hiredis_ssl.h>
#define WITH_TLS 1
#else
#define WITH_TLS 0
#endif

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "scripts.h"
#include "store_call.h"
#include "store_key.h"
#include "store_post.h"

#define POSTS_SIZE (4 << 20)
#define FLIGHTS 1024 /* commands that may await their reply */
#define POSTS_IN_FLIGHT 128
#define QUEUED 4096 /* calls that may await their turn */
#define CONNECT_MS 300
#define SILENCE_MS 300 /* without any reply while one is due: frozen, or the network swallows everything */
#define TICK_MS 50
#define TICKS_WHEN_IDLE 200 /* after the last post: a busy server's threads never have to wake this one */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000 /* also how often an absent server is tried */
#define STEADY_MS 500	    /* a connection that held so long is replaced at once */

enum kind { KIND_CALL, KIND_POST, KIND_AUTH, KIND_NAME, KIND_INFO, KIND_SCRIPT, KIND_PING };

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_GREETING, PHASE_UP };

enum nap { NAP_NONE, NAP_TICK, NAP_LONG }; /* how the I/O thread sleeps */

struct store_call {
	struct store_call *next;
	char *command;
	size_t len;
	pthread_cond_t done_cond;
	bool done, abandoned, sent, resent;
	enum store_result result;
	redisReply *reply;
};

struct flight {
	enum kind kind;
	int64_t at_ms;
	struct store_call *call; /* KIND_CALL */
	uint64_t post_end;	 /* KIND_POST */
};

struct store {
	const struct store_options *options;
	char address[300], host[260], port[8]; /* host "" = unix socket */
	char password[512];
	int wake;
	pthread_t thread;

	pthread_mutex_t lock; /* for everything down to the blank line */
	pthread_cond_t ended_cond;
	struct store_status status;
	struct store_call *first, **last;
	size_t queued;
	bool doubt; /* a caller waited in vain: nobody else shall until something is heard */
	enum nap nap;
	bool woken, stop, ended;
	int64_t stop_at;
	struct posts posts;

	redisContext *redis; /* the rest belongs to the I/O thread */
	enum phase phase;
	struct flight flights[FLIGHTS];
	unsigned flight_first, flight_count;
	bool unwritten; /* bytes wait for the socket */
	int64_t phase_since, heard_ms, retry_at, backoff;
	unsigned attempt;
	bool denied; /* by the greeting */
	char greeting_error[160];
	char sha[64];
	struct post_form form;
	unsigned posts_out;
	bool rewind; /* a post failed: those behind it are sent again too, in order */
	int64_t hold_until, hold, flush_at;
	bool renew, renewed; /* it is a replica now: its name may lead to the master by now */
	unsigned idle_ticks;
	uint64_t chance;
#if WITH_TLS
	redisSSLContext *tls;
#endif
};

static enum trouble error_trouble(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR ? store_trouble(reply->str) : TROUBLE_NONE;
}

/* ---- state, seen by all ---------------------------------------------------------------------- */

static void poke(struct store *store)
{
	const uint64_t one = 1;

	if (store->woken)
		return;
	store->woken = true;
	if (write(store->wake, &one, sizeof(one)) < 0)
		store->woken = false; /* the counter is full: it is readable anyway */
}

static void set_trouble(struct store *store, const char *what, const char *detail)
{
	struct text text;

	text_init(&text, store->status.trouble, sizeof(store->status.trouble));
	text_str(&text, what);
	text_escaped(&text, detail, strlen(detail), sizeof(store->status.trouble));
}

/* One line in the log per change, not per failed try. */
static void set_state(struct store *store, enum store_state state, const char *what, const char *detail)
{
	char before[sizeof(store->status.trouble)], server[sizeof(store->status.server)], trouble[sizeof(before)];

	pthread_mutex_lock(&store->lock);
	const enum store_state old = store->status.state;
	const bool stop = store->stop;
	memcpy(before, store->status.trouble, sizeof(before));
	store->status.state = state;
	if (state != old)
		store->status.since_ms = clock_wall_ms();
	set_trouble(store, what, detail);
	memcpy(trouble, store->status.trouble, sizeof(trouble));
	memcpy(server, store->status.server, sizeof(server));
	pthread_mutex_unlock(&store->lock);

	if (state == STORE_STATE_UP)
		log_notice("store: connected to %s at %s", *server ? server : "a server", store->address);
	else if (state == STORE_STATE_DENIED && (old != state || strcmp(before, trouble) != 0))
		log_error("store: %s does not let us in: %s", store->address, trouble);
	else if (state == STORE_STATE_AWAY && old != state && !stop)
		log_warning("store: %s is away: %s; decisions go on without it", store->address, trouble);
}

/* The trouble goes on, and has been told. */
static void set_state_quietly(struct store *store, enum store_state state)
{
	pthread_mutex_lock(&store->lock);
	store->status.state = state;
	pthread_mutex_unlock(&store->lock);
}

/* With the lock held. */
static void call_finish(struct store_call *call, enum store_result result, redisReply *reply)
{
	redisFreeCommand(call->command);
	call->command = NULL;
	if (call->abandoned) {
		if (reply)
			freeReplyObject(reply);
		pthread_cond_destroy(&call->done_cond);
		free(call);
		return;
	}
	call->result = result;
	call->reply = reply;
	call->done = true;
	pthread_cond_signal(&call->done_cond);
}

static void call_down(struct store *store, struct store_call *call)
{
	pthread_mutex_lock(&store->lock);
	call_finish(call, STORE_DOWN, NULL);
	pthread_mutex_unlock(&store->lock);
}

/* With the lock held: those that were not sent yet. */
static void queue_refuse(struct store *store)
{
	for (struct store_call *call = store->first, *next; call; call = next) {
		next = call->next;
		call_finish(call, STORE_DOWN, NULL);
	}
	store->first = NULL;
	store->last = &store->first;
	store->queued = 0;
}

/* ---- the end of a connection ----------------------------------------------------------------- */

static int64_t jitter(struct store *store, int64_t ms)
{
	store->chance ^= store->chance << 13;
	store->chance ^= store->chance >> 7;
	store->chance ^= store->chance << 17;
	return ms - (int64_t)(store->chance % (uint64_t)(ms / 2 + 1));
}

static void drop_connection(struct store *store)
{
	if (store->redis)
		redisFree(store->redis);
	store->redis = NULL;
	store->phase = PHASE_IDLE;
	store->posts_out = 0;
	store->rewind = store->unwritten = false;
}

/*
 * Whether what was sent has been done is unknown: callers get UNSURE, posts are sent again (the script
 * knows them by their id). `at_once`: worth a try before callers are told that the store is away.
 */
static void lose(struct store *store, enum store_state state, bool at_once, const char *what, const char *detail)
{
	const int64_t now = clock_ticks_ms();
	char kept[128];

	snprintf(kept, sizeof(kept), "%s", detail); /* may lie in the context */
	at_once = at_once && store->phase == PHASE_UP && now - store->phase_since >= STEADY_MS;
	set_state(store, at_once ? STORE_STATE_CONNECTING : state, what, kept);

	pthread_mutex_lock(&store->lock);
	for (; store->flight_count > 0; store->flight_count--) {
		struct flight *flight = &store->flights[store->flight_first];
		if (flight->kind == KIND_CALL)
			call_finish(flight->call, STORE_UNSURE, NULL);
		store->flight_first = (store->flight_first + 1) % FLIGHTS;
	}
	posts_rewind(&store->posts);
	if (!at_once)
		queue_refuse(store);
	store->doubt = false;
	pthread_mutex_unlock(&store->lock);

	drop_connection(store);
	store->renewed = false;
	store->backoff = store->backoff ? store->backoff * 2 : BACKOFF_MIN_MS;
	if (store->backoff > BACKOFF_MAX_MS)
		store->backoff = BACKOFF_MAX_MS;
	store->retry_at = at_once ? now : now + jitter(store, store->backoff);
}

static void lose_redis(struct store *store, const char *what)
{
	/* A server that is full says so in its first reply, and closes. */
	const bool told = store->phase == PHASE_GREETING && *store->greeting_error;
	const char *detail = told ? store->greeting_error : store->redis->errstr;

	/* What OpenSSL refuses has no errno. */
	if (strcmp(detail, strerror(0)) == 0)
		detail = "TLS failed: is it a TLS port, and is its certificate signed by store.tls_ca?";
	lose(store, STORE_STATE_AWAY, true, what, detail);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* False when there is no memory: the connection is given up then. */
static bool send_formatted(struct store *store, struct flight flight, const char *command, size_t len)
{
	flight.at_ms = clock_ticks_ms();
	if (redisAppendFormattedCommand(store->redis, command, len) != REDIS_OK) {
		if (flight.kind == KIND_CALL)
			call_down(store, flight.call);
		lose_redis(store, "");
		return false;
	}
	store->flights[(store->flight_first + store->flight_count++) % FLIGHTS] = flight;
	store->unwritten = true;
	return true;
}

static bool send_words(struct store *store, struct flight flight, int argc, const char *const *argv, const size_t *lens)
{
	char *command = NULL;
	const long long len = redisFormatCommandArgv(&command, argc, (const char **)(uintptr_t)argv, lens);

	if (len < 0) {
		lose(store, STORE_STATE_AWAY, false, "out of memory", "");
		return false;
	}
	const bool sent = send_formatted(store, flight, command, (size_t)len);
	redisFreeCommand(command);
	return sent;
}

static bool send_script(struct store *store)
{
	const char *const words[] = { "SCRIPT", "LOAD", script_decision };
	return send_words(store, (struct flight){ .kind = KIND_SCRIPT }, 3, words, NULL);
}

static void send_calls(struct store *store)
{
	while (store->phase == PHASE_UP && store->flight_count < FLIGHTS - POSTS_IN_FLIGHT - 8) {
		pthread_mutex_lock(&store->lock);
		struct store_call *call = store->first;
		if (call) {
			store->first = call->next;
			if (!store->first)
				store->last = &store->first;
			store->queued--;
			call->sent = true;
		}
		pthread_mutex_unlock(&store->lock);
		if (!call || !send_formatted(store, (struct flight){ .kind = KIND_CALL, .call = call }, call->command,
					     call->len))
			return;
	}
}

/* Copied out under the lock, formatted without it: the callers of store_post_decision() never wait for that. */
static void send_posts(struct store *store, int64_t now)
{
	union {
		struct post post;
		char room[POST_MAX];
	} copy;
	char command[POST_COMMAND_SIZE];
	struct text text;
	bool more = true;

	if (store->rewind || now < store->hold_until || now < store->flush_at)
		return;
	while (store->phase == PHASE_UP && store->posts_out < POSTS_IN_FLIGHT && more) {
		uint64_t end = 0;
		pthread_mutex_lock(&store->lock);
		const struct post *post = posts_next(&store->posts, &end);
		more = post != NULL;
		if (more)
			memcpy(&copy, post, post->size);
		pthread_mutex_unlock(&store->lock);
		if (!more)
			break;
		text_init(&text, command, sizeof(command));
		post_command(&text, &copy.post, &store->form);
		if (!send_formatted(store, (struct flight){ .kind = KIND_POST, .post_end = end }, command, text.len))
			return;
		store->posts_out++;
		store->idle_ticks = TICKS_WHEN_IDLE;
	}
	if (!more)
		store->flush_at = now + TICK_MS;
}

/* ---- connecting ------------------------------------------------------------------------------ */

/* May take long, which only this thread feels. False: there is no address. */
static bool find_ip(struct store *store, char *ip, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	unsigned count = 1;
	const int failed = getaddrinfo(store->host, store->port, &hints, &list);

	if (failed || !list) {
		lose(store, STORE_STATE_AWAY, false, "its name has no address: ", gai_strerror(failed));
		return false;
	}
	for (struct addrinfo *at = list->ai_next; at; at = at->ai_next)
		count++;
	struct addrinfo *chosen = list;
	for (unsigned i = store->attempt++ % count; i > 0; i--)
		chosen = chosen->ai_next;
	getnameinfo(chosen->ai_addr, chosen->ai_addrlen, ip, (socklen_t)size, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(list);
	return true;
}

static void connect_start(struct store *store)
{
	char ip[INET6_ADDRSTRLEN + 32] = "";

	if (*store->host && !find_ip(store, ip, sizeof(ip)))
		return;
	store->redis = *ip ? redisConnectNonBlock(ip, (int)strtol(store->port, NULL, 10))
			   : redisConnectUnixNonBlock(store->address);
	if (!store->redis) {
		lose(store, STORE_STATE_AWAY, false, "out of memory", "");
	} else if (store->redis->err) {
		lose_redis(store, "");
	} else {
		store->phase = PHASE_CONNECTING;
		store->phase_since = clock_ticks_ms();
	}
}

static bool start_tls(struct store *store)
{
#if WITH_TLS
	if (store->tls && redisInitiateSSLWithContext(store->redis, store->tls) != REDIS_OK) {
		lose_redis(store, "TLS: ");
		return false;
	}
#endif
	(void)store;
	return true;
}

/* All at once, one round trip: log in, name ourselves, see who it is, load the script; PING's answer counts. */
static void greet(struct store *store)
{
	const char *const name[] = { "CLIENT", "SETNAME", "leumund" }, *const info[] = { "INFO", "server" },
			  *const ping[] = { "PING" };
	const bool user = *store->options->user != '\0';
	const char *const auth[] = { "AUTH", user ? store->options->user : store->password, store->password };
	int problem = 0;
	socklen_t size = sizeof(problem);

	if (getsockopt(store->redis->fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0 || problem) {
		lose(store, STORE_STATE_AWAY, false, strerror(problem ? problem : errno), "");
		return;
	}
	if (*store->host)
		redisEnableKeepAlive(store->redis);
	fcntl(store->redis->fd, F_SETFD, FD_CLOEXEC);
	if (!start_tls(store))
		return;
	store->phase = PHASE_GREETING;
	store->phase_since = store->heard_ms = clock_ticks_ms();
	store->denied = false;
	store->greeting_error[0] = '\0';
	if ((user || *store->password) &&
	    !send_words(store, (struct flight){ .kind = KIND_AUTH }, user ? 3 : 2, auth, NULL))
		return;
	if (send_words(store, (struct flight){ .kind = KIND_NAME }, 3, name, NULL) &&
	    send_words(store, (struct flight){ .kind = KIND_INFO }, 2, info, NULL) && send_script(store))
		send_words(store, (struct flight){ .kind = KIND_PING }, 1, ping, NULL);
}

/* ---- replies --------------------------------------------------------------------------------- */

/* The first trouble of a greeting is the cause of those that follow. */
static void greeting_failed(struct store *store, const redisReply *reply, bool denied)
{
	if (*store->greeting_error)
		return;
	store->denied = denied;
	snprintf(store->greeting_error, sizeof(store->greeting_error), "%s",
		 reply->str ? reply->str : "unexpected reply");
}

static void find_version(const char *info, const char *field, const char *product, char *out, size_t size)
{
	const char *at = strstr(info, field);

	if (!at || (at != info && at[-1] != '\n'))
		return;
	at += strlen(field);
	snprintf(out, size, "%s %.*s", product, (int)strspn(at, "0123456789."), at);
}

static void learn_server(struct store *store, const redisReply *reply)
{
	char server[sizeof(store->status.server)] = "";

	if (reply->type != REDIS_REPLY_STRING)
		return; /* an ACL may forbid it */
	find_version(reply->str, "redis_version:", "redis", server, sizeof(server));
	find_version(reply->str, "valkey_version:", "valkey", server,
		     sizeof(server)); /* also says redis_version:7.2.4 */
	pthread_mutex_lock(&store->lock);
	memcpy(store->status.server, server, sizeof(server));
	pthread_mutex_unlock(&store->lock);
}

static void greeting_done(struct store *store, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR)
		greeting_failed(store, reply, error_trouble(reply) == TROUBLE_DENIED);
	if (*store->greeting_error) {
		lose(store, store->denied ? STORE_STATE_DENIED : STORE_STATE_AWAY, false, "", store->greeting_error);
		return;
	}
	store->phase = PHASE_UP;
	store->phase_since = clock_ticks_ms();
	store->backoff = 0;
	store->flush_at = 0;
	if (!store->renewed)
		store->hold_until = store->hold = 0;
	store->idle_ticks = TICKS_WHEN_IDLE;
	if (store->renewed)
		set_state_quietly(store, STORE_STATE_UP);
	else
		set_state(store, STORE_STATE_UP, "", "");
}

static void greeting_reply(struct store *store, enum kind kind, const redisReply *reply)
{
	const enum trouble trouble = error_trouble(reply);

	if (kind == KIND_AUTH && trouble != TROUBLE_NONE)
		greeting_failed(store, reply, trouble != TROUBLE_PASSING);
	else if (kind == KIND_NAME && trouble == TROUBLE_OTHER && strncmp(reply->str, "ERR max number", 14) == 0)
		greeting_failed(store, reply, false);
	else if (kind == KIND_INFO)
		learn_server(store, reply);
	else if (kind == KIND_SCRIPT && reply->type == REDIS_REPLY_STRING)
		snprintf(store->sha, sizeof(store->sha), "%s", reply->str);
	else if (kind == KIND_SCRIPT)
		greeting_failed(store, reply, trouble == TROUBLE_DENIED);
	else if (kind == KIND_PING)
		greeting_done(store, reply);
}

static void call_reply(struct store *store, struct store_call *call, redisReply *reply)
{
	/* Not executed, so sending it again is safe; the script has to come first. */
	if (error_trouble(reply) == TROUBLE_SCRIPT && !call->resent && store->flight_count < FLIGHTS - 2) {
		freeReplyObject(reply);
		call->resent = true;
		if (send_script(store))
			send_formatted(store, (struct flight){ .kind = KIND_CALL, .call = call }, call->command,
				       call->len);
		else
			call_down(store, call);
		return;
	}
	pthread_mutex_lock(&store->lock);
	call_finish(call, reply->type == REDIS_REPLY_ERROR ? STORE_REFUSED : STORE_OK, reply);
	pthread_mutex_unlock(&store->lock);
}

/* The server cannot take it now: it is kept, and tried again more and more rarely. */
static void posts_hold(struct store *store, const redisReply *reply)
{
	const bool first = store->hold == 0;

	store->hold = first ? BACKOFF_MIN_MS : store->hold * 2;
	if (store->hold > BACKOFF_MAX_MS)
		store->hold = BACKOFF_MAX_MS;
	store->hold_until = clock_ticks_ms() + jitter(store, store->hold);
	store->renew = *store->host && strncmp(reply->str, "READONLY", 8) == 0;
	pthread_mutex_lock(&store->lock);
	set_trouble(store, "", reply->str);
	pthread_mutex_unlock(&store->lock);
	if (first)
		log_warning("store: %s takes no writes: %s; they are kept", store->address, store->status.trouble);
}

static void post_stored(struct store *store, uint64_t end, bool stored)
{
	pthread_mutex_lock(&store->lock);
	const bool kept = posts_acknowledge(&store->posts, end);
	if (stored) {
		store->status.written++;
		if (!kept)
			store->status.dropped--; /* it had been given up while its answer was under way */
	} else if (kept) {
		store->status.dropped++;
	}
	if (store->hold)
		set_trouble(store, "", "");
	pthread_mutex_unlock(&store->lock);
	if (store->hold && stored)
		log_notice("store: %s takes writes again", store->address);
	store->hold = 0;
	store->renew = store->renewed = false;
}

static void post_reply(struct store *store, uint64_t end, const redisReply *reply)
{
	const enum trouble trouble = error_trouble(reply);

	store->posts_out--;
	if (!store->rewind) {
		switch (trouble) {
		case TROUBLE_NONE:
			post_stored(store, end, true);
			break;
		case TROUBLE_SCRIPT:
			store->rewind = true;
			if (!send_script(store))
				return;
			break;
		case TROUBLE_PASSING:
		case TROUBLE_DENIED:
			store->rewind = true;
			posts_hold(store, reply);
			break;
		case TROUBLE_OTHER: /* it would fail for ever and keep all others from being written */
			log_error("store: a decision could not be written: %.200s", reply->str);
			post_stored(store, end, false);
			break;
		}
	}
	if (store->rewind && store->posts_out == 0) {
		pthread_mutex_lock(&store->lock);
		posts_rewind(&store->posts);
		pthread_mutex_unlock(&store->lock);
		store->rewind = false;
		store->flush_at = 0;
	}
}

static void take_reply(struct store *store, redisReply *reply)
{
	if (store->flight_count == 0) {
		lose(store, STORE_STATE_AWAY, false, "", reply->str ? reply->str : "a reply that nobody asked for");
		freeReplyObject(reply);
		return;
	}
	const struct flight flight = store->flights[store->flight_first];
	store->flight_first = (store->flight_first + 1) % FLIGHTS;
	store->flight_count--;
	if (flight.kind == KIND_CALL) {
		call_reply(store, flight.call, reply);
		return;
	}
	if (flight.kind == KIND_POST)
		post_reply(store, flight.post_end, reply);
	else if (store->phase == PHASE_GREETING)
		greeting_reply(store, flight.kind, reply);
	else if (reply->type != REDIS_REPLY_STRING) /* SCRIPT LOAD again */
		log_warning("store: %s does not take a script: %.200s", store->address, reply->str ? reply->str : "?");
	freeReplyObject(reply);
}

static void read_replies(struct store *store)
{
	void *reply = NULL;
	const size_t before = store->redis->reader->len;
	size_t last;
	bool heard = false;

	do { /* TLS may hold bytes back that poll() does not see */
		last = store->redis->reader->len;
		if (redisBufferRead(store->redis) != REDIS_OK) {
			lose_redis(store, "");
			return;
		}
	} while (store->options->tls && store->redis->reader->len != last);
	if (store->redis->reader->len != before)
		store->heard_ms = clock_ticks_ms(); /* a piece of a long reply is a sign of life too */
	while (store->redis && redisGetReplyFromReader(store->redis, &reply) == REDIS_OK && reply) {
		heard = true;
		take_reply(store, reply);
	}
	if (store->redis && store->redis->err) {
		lose(store, STORE_STATE_AWAY, false, "this is no Redis: ", store->redis->errstr);
		return;
	}
	if (!heard)
		return;
	pthread_mutex_lock(&store->lock);
	store->doubt = false;
	pthread_mutex_unlock(&store->lock);
}

/* ---- the I/O thread -------------------------------------------------------------------------- */

static bool finished(struct store *store, int64_t now)
{
	pthread_mutex_lock(&store->lock);
	const bool yes =
		store->stop && (now >= store->stop_at || (posts_empty(&store->posts) && store->flight_count == 0));
	if (store->stop)
		store->flush_at = 0;
	pthread_mutex_unlock(&store->lock);
	return yes;
}

static void look_for_silence(struct store *store, int64_t now)
{
	if (store->phase == PHASE_CONNECTING && now - store->phase_since > CONNECT_MS) {
		lose(store, STORE_STATE_AWAY, false, "does not answer the connection", "");
	} else if (store->phase >= PHASE_GREETING && store->flight_count > 0) {
		const int64_t sent = store->flights[store->flight_first].at_ms;
		if (now - (sent > store->heard_ms ? sent : store->heard_ms) > SILENCE_MS)
			lose(store, STORE_STATE_AWAY, false, "no answer: frozen, or unreachable", "");
	}
}

/* Between two tries of writing to a replica; nothing is under way then. */
static void look_for_master(struct store *store, int64_t now)
{
	if (!store->renew || store->phase != PHASE_UP || store->flight_count > 0 || now < store->hold_until)
		return;
	set_state_quietly(store, STORE_STATE_CONNECTING);
	drop_connection(store);
	store->renew = false;
	store->renewed = true;
	store->retry_at = now;
}

static void write_out(struct store *store)
{
	int done = 0;

	if (store->phase < PHASE_GREETING || !store->unwritten)
		return;
	if (redisBufferWrite(store->redis, &done) != REDIS_OK)
		lose_redis(store, "");
	else
		store->unwritten = !done;
}

/* With the lock held. -1: until somebody wakes it. */
static int nap_ms(struct store *store, int64_t now)
{
	int64_t until = now + TICK_MS;

	if (store->phase == PHASE_IDLE)
		until = store->retry_at;
	else if (store->phase == PHASE_UP && store->first && store->flight_count < FLIGHTS / 2)
		return 0;
	else if (store->phase == PHASE_UP && store->flight_count == 0 && posts_empty(&store->posts)) {
		if (store->idle_ticks == 0)
			return -1;
		store->idle_ticks--;
	} else if (store->phase == PHASE_GREETING && store->options->tls)
		until = now + 2; /* what is unwritten may wait for the handshake, not for room in the socket */
	else if (store->phase == PHASE_UP && store->posts_out == 0 && store->posts.sent != store->posts.head)
		until = store->hold_until > store->flush_at ? store->hold_until : store->flush_at;
	if (store->stop && until > store->stop_at)
		until = store->stop_at;
	return until > now ? (int)(until - now) : 0;
}

static void nap(struct store *store, int64_t now)
{
	struct pollfd fds[2] = { { .fd = store->wake, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	uint64_t count;

	if (store->redis) {
		fds[1].fd = store->redis->fd;
		if (store->phase == PHASE_CONNECTING ||
		    (store->unwritten && !(store->options->tls && store->phase == PHASE_GREETING)))
			fds[1].events |= POLLOUT;
	}
	pthread_mutex_lock(&store->lock);
	const int timeout = nap_ms(store, now);
	store->nap = timeout < 0 ? NAP_LONG : NAP_TICK;
	pthread_mutex_unlock(&store->lock);

	const int ready = poll(fds, 2, timeout);

	pthread_mutex_lock(&store->lock);
	store->nap = NAP_NONE;
	if (fds[0].revents && read(store->wake, &count, sizeof(count)) > 0)
		store->woken = false;
	pthread_mutex_unlock(&store->lock);
	if (ready <= 0 || !fds[1].revents)
		return;
	if (store->phase == PHASE_CONNECTING)
		greet(store);
	else if (fds[1].revents & ~POLLOUT)
		read_replies(store);
}

static void *io_main(void *arg)
{
	struct store *store = arg;
	int64_t now = clock_ticks_ms();

	while (!finished(store, now)) {
		if (store->phase == PHASE_IDLE && now >= store->retry_at)
			connect_start(store);
		look_for_silence(store, now);
		look_for_master(store, now);
		send_calls(store);
		send_posts(store, now);
		write_out(store);
		nap(store, clock_ticks_ms());
		now = clock_ticks_ms();
	}
	lose(store, STORE_STATE_AWAY, false, "closed", "");
	pthread_mutex_lock(&store->lock);
	store->ended = true;
	pthread_cond_signal(&store->ended_cond);
	pthread_mutex_unlock(&store->lock);
	return NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct store_call *store_submit(struct store *store, int argc, const char *const *argv)
{
	struct store_call *call = calloc(1, sizeof(*call));
	const long long len =
		call ? redisFormatCommandArgv(&call->command, argc, (const char **)(uintptr_t)argv, NULL) : -1;
	pthread_condattr_t steady;

	if (len < 0) {
		free(call);
		return NULL;
	}
	call->len = (size_t)len;
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&call->done_cond, &steady);
	pthread_condattr_destroy(&steady);

	pthread_mutex_lock(&store->lock);
	const enum store_state state = store->status.state;
	const bool open = (state == STORE_STATE_UP || state == STORE_STATE_CONNECTING) && !store->doubt && !store->stop;
	if (open && store->queued < QUEUED) {
		*store->last = call;
		store->last = &call->next;
		store->queued++;
		if (store->nap != NAP_NONE)
			poke(store);
	} else {
		call->abandoned = true;
		call_finish(call, STORE_DOWN, NULL);
		call = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	return call;
}

/* With the lock held. */
static enum store_result call_give_up(struct store *store, struct store_call *call)
{
	struct store_call **at = &store->first;

	/* Ends with the next reply: what is under way is the probe. With nothing under way it would never end. */
	if (call->sent || store->status.state == STORE_STATE_CONNECTING)
		store->doubt = true;
	call->abandoned = true;
	if (call->sent)
		return STORE_UNSURE; /* freed when its reply comes, or when the connection is given up */
	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	if (store->last == &call->next)
		store->last = at;
	store->queued--;
	call_finish(call, STORE_DOWN, NULL);
	return STORE_DOWN;
}

enum store_result store_collect(struct store *store, struct store_call *call, int64_t until_ms,
				struct redisReply **reply)
{
	const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	enum store_result result;
	int waited = 0;

	*reply = NULL;
	if (!call)
		return STORE_DOWN;
	pthread_mutex_lock(&store->lock);
	while (!call->done && waited == 0)
		waited = pthread_cond_timedwait(&call->done_cond, &store->lock, &until);
	if (!call->done) {
		result = call_give_up(store, call);
		pthread_mutex_unlock(&store->lock);
		return result;
	}
	pthread_mutex_unlock(&store->lock);
	result = call->result;
	*reply = call->reply;
	pthread_cond_destroy(&call->done_cond);
	free(call);
	return result;
}

enum store_result store_ask(struct store *store, int argc, const char *const *argv, int64_t until_ms,
			    struct redisReply **reply)
{
	return store_collect(store, store_submit(store, argc, argv), until_ms, reply);
}

bool reply_is_text(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS ||
	       reply->type == REDIS_REPLY_ERROR;
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

/* ---- the store ------------------------------------------------------------------------------- */

const struct store_options *store_options_of(const struct store *store)
{
	return store->options;
}

void store_status(struct store *store, struct store_status *out)
{
	pthread_mutex_lock(&store->lock);
	*out = store->status;
	pthread_mutex_unlock(&store->lock);
}

void store_post_decision(struct store *store, const struct store_decision *decision)
{
	pthread_mutex_lock(&store->lock);
	store->status.dropped += posts_put(&store->posts, decision);
	store->status.posted++;
	if (store->nap == NAP_LONG)
		poke(store);
	pthread_mutex_unlock(&store->lock);
}

static bool open_tls(struct store *store, char *error, size_t size)
{
	if (!store->options->tls)
		return true;
	if (!*store->host) {
		snprintf(error, size,
			 "store.tls: a unix socket needs no TLS; set it to false, or store.address to host:port");
		return false;
	}
#if WITH_TLS
	redisSSLContextError problem = REDIS_SSL_CTX_NONE;
	redisInitOpenSSL();
	store->tls = redisCreateSSLContext(*store->options->tls_ca ? store->options->tls_ca : NULL,
					   *store->options->tls_ca ? NULL : "/etc/ssl/certs", NULL, NULL, store->host,
					   &problem);
	if (!store->tls)
		snprintf(error, size, "store.tls: %s", redisSSLContextGetError(problem));
	return store->tls != NULL;
#else
	snprintf(error, size,
		 "store.tls: this build's hiredis has no TLS; use a unix socket, loopback with a tunnel, or "
		 "build with hiredis 1.0 or later and its hiredis_ssl");
	return false;
#endif
}

static bool open_settings(struct store *store, const char *socket, char *error, size_t size)
{
	const struct store_options *options = store->options;
	const char *address = *options->address ? options->address : socket;

	if (!store_address_split(address, store->host, sizeof(store->host), store->port, sizeof(store->port)) ||
	    snprintf(store->address, sizeof(store->address), "%s", address) >= (int)sizeof(store->address)) {
		snprintf(error, size,
			 "store.address: %.200s is neither the path of a unix socket nor host:port, or it is too long",
			 address);
		return false;
	}
	if (*options->user && !*options->password_file) {
		snprintf(error, size, "store.user: needs store.password_file too");
		return false;
	}
	if (*options->password_file &&
	    !store_password_read(options->password_file, store->password, sizeof(store->password), error, size))
		return false;
	return open_tls(store, error, size);
}

static bool open_thread(struct store *store, char *error, size_t size)
{
	sigset_t all, before;
	pthread_condattr_t steady;

	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&store->ended_cond, &steady);
	pthread_condattr_destroy(&steady);
	/* hiredis writes without MSG_NOSIGNAL: SIGPIPE must stay blocked in this thread; all others belong to the rest.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	const int failed = pthread_create(&store->thread, NULL, io_main, store);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		snprintf(error, size, "store: cannot start its thread: %s", strerror(failed));
	return failed == 0;
}

/* What open and close have in common; there is no thread any more. */
static void give_back(struct store *store)
{
#if WITH_TLS
	if (store->tls)
		redisFreeSSLContext(store->tls);
#endif
	posts_free(&store->posts);
	if (store->wake >= 0)
		close(store->wake);
	explicit_bzero(store->password, sizeof(store->password));
	free(store);
}

struct store *store_open(const struct store_options *options, const char *socket, char *error, size_t size)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		snprintf(error, size, "store: out of memory");
		return NULL;
	}
	store->options = options;
	store->form =
		(struct post_form){ .sha = store->sha, .keep = options->history_keep, .max = options->history_max };
	store->last = &store->first;
	store->status.state = STORE_STATE_CONNECTING;
	store->status.since_ms = clock_wall_ms();
	store->chance = (uint64_t)clock_ticks_ms() * 2654435761u + (uint64_t)getpid();
	store->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (store->wake < 0 || !posts_init(&store->posts, POSTS_SIZE))
		snprintf(error, size, "store: cannot start: %s", strerror(errno));
	else if (open_settings(store, socket, error, size) && open_thread(store, error, size))
		return store;
	give_back(store);
	return NULL;
}

void store_close(struct store **store_at, int64_t flush_ms)
{
	struct store *store = *store_at;
	int waited = 0;

	*store_at = NULL;
	if (!store)
		return;
	pthread_mutex_lock(&store->lock);
	store->stop = true;
	store->stop_at = clock_ticks_ms() + flush_ms;
	poke(store);
	const int64_t until_ms = store->stop_at + 500;
	const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	while (!store->ended && waited == 0)
		waited = pthread_cond_timedwait(&store->ended_cond, &store->lock, &until);
	const bool ended = store->ended;
	const uint64_t left = posts_count(&store->posts);
	pthread_mutex_unlock(&store->lock);
	if (left)
		log_warning("store: %llu decisions could not be written", (unsigned long long)left);
	if (!ended) { /* stuck in a name server that does not answer: the process ends before it does */
		pthread_detach(store->thread);
		return;
	}
	pthread_join(store->thread, NULL);
	pthread_cond_destroy(&store->ended_cond);
	pthread_mutex_destroy(&store->lock);
	give_back(store);
}
