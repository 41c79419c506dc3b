/*
 * The store from within: what callers and its I/O thread share under one lock, and what is the I/O thread's alone.
 * Internal to common/store/.
 */
#ifndef LEUMUND_STORE_INNER_H
#define LEUMUND_STORE_INNER_H

#include <pthread.h>

#include "store/backoff.h"
#include "store/flight.h"
#include "store/post.h"
#include "store/queue.h"
#include "store/redis.h"
#include "store/store.h"
#include "store/target.h"
#include "store/tls.h"

#define POSTS_IN_FLIGHT 128
#define TICK_MS 50
#define TICKS_WHEN_IDLE 200 /* after the last post: a busy server's threads never have to wake this one */

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_GREETING, PHASE_UP };

enum nap { NAP_NONE, NAP_TICK, NAP_LONG }; /* how the I/O thread sleeps */

/* Belongs to the I/O thread. */
struct store_io {
	struct redis *redis; /* NULL: PHASE_IDLE */
	enum phase phase;
	int64_t phase_since;
	struct flights flights;
	bool unwritten; /* bytes wait for the socket */
	int64_t heard_ms;

	int64_t retry_at;
	struct backoff backoff;
	unsigned attempt;
	bool denied; /* by the greeting */
	char greeting_error[160];

	struct post_form form;
	unsigned posts_out;
	bool rewind; /* a post failed: those behind it are sent again too, in order */
	int64_t flush_at, hold_until;
	struct backoff hold; /* while it takes no writes */
	bool renew, renewed; /* it is a replica now: its name may lead to the master by now */
	unsigned idle_ticks;
};

struct local;

struct store {
	const struct store_options *options;
	struct store_target target;
	struct store_tls *tls; /* NULL = none */
	struct local *local;   /* has a lock of its own */
	int wake;
	pthread_t thread;

	pthread_mutex_t lock; /* for everything down to the blank line */
	pthread_cond_t ended_cond;
	struct store_status status;
	struct call_queue calls;
	struct posts posts;
	bool doubt; /* a caller waited in vain: nobody else shall until something is heard */
	enum nap nap;
	struct store_secret secret;
	bool secret_known;
	int64_t secret_at;	 /* last asked for */
	int64_t secret_since_ms; /* wall clock of the store; 0 = not known */
	uint64_t told_end;	 /* the place in posts behind all that tells what was counted without the store */
	struct steady {
		bool known;	  /* the first of these two */
		int64_t ticks_ms; /* the time of limits minus our ticks */
		int64_t ahead_ms; /* the time of limits minus the server's clock */
	} steady;
	bool woken, stop, ended;
	int64_t stop_at;

	struct store_io io;
};

#endif
