/*
 * The store: opened, posted to, asked for its state, closed (store/store.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "store/call.h"
#include "store/inner.h"
#include "store/io.h"
#include "store/local.h"
#include "store/state.h"
#include "system/clock.h"

#define POSTS_SIZE (4 << 20)

const struct store_options *store_options_of(const struct store *store)
{
	return store->options;
}

void store_status(struct store *store, struct store_status *out)
{
	pthread_mutex_lock(&store->lock);
	*out = store->status;
	pthread_mutex_unlock(&store->lock);
	out->local = local_decided(store->local);
	out->forgotten = local_lost(store->local);
}

void store_post_decision(struct store *store, const struct store_decision *decision)
{
	pthread_mutex_lock(&store->lock);
	store->status.dropped += posts_put(&store->posts, decision);
	store->status.posted++;
	if (store->nap == NAP_LONG)
		store_poke(store);
	pthread_mutex_unlock(&store->lock);
}

bool store_post(struct store *store, const struct store_request *request)
{
	unsigned dropped = 0;

	if (!store)
		return true;
	pthread_mutex_lock(&store->lock);
	const bool fits = posts_put_request(&store->posts, request, &dropped);
	store->status.dropped += dropped;
	store->status.posted += fits;
	if (fits && store->nap == NAP_LONG)
		store_poke(store);
	pthread_mutex_unlock(&store->lock);
	return fits;
}

/* ---- open and close -------------------------------------------------------------------------- */

static bool open_target(struct store *store, const char *socket, char *error, size_t size)
{
	const struct store_options *options = store->options;

	if (!store_target_read(&store->target, options, socket, error, size))
		return false;
	if (options->tls)
		store->tls = store_tls_new(store->target.host, options->tls_ca, error, size);
	return store->tls || !options->tls;
}

static bool open_thread(struct store *store, char *error, size_t size)
{
	sigset_t all, before;

	pthread_mutex_init(&store->lock, NULL);
	cond_init_steady(&store->ended_cond);
	/* hiredis writes without MSG_NOSIGNAL: SIGPIPE must stay blocked in this thread; all others are the rest's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	const int failed = pthread_create(&store->thread, NULL, store_io_main, store);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		snprintf(error, size, "store: cannot start its thread: %s", strerror(failed));
	return failed == 0;
}

/* What open and close have in common; there is no thread any more. */
static void give_back(struct store *store)
{
	store_tls_free(&store->tls);
	local_free(&store->local);
	posts_free(&store->posts);
	if (store->wake >= 0)
		close(store->wake);
	store_target_forget(&store->target);
	free(store);
}

static void init(struct store *store, const struct store_options *options)
{
	struct store_io *io = &store->io;
	const uint64_t seed = (uint64_t)clock_ticks_ms() * 2654435761u + (uint64_t)getpid();

	store->options = options;
	store->status.state = STORE_STATE_CONNECTING;
	store->status.since_ms = clock_wall_ms();
	queue_init(&store->calls);
	io->form = (struct post_form){ .keep = options->history_keep, .max = options->history_max };
	backoff_init(&io->backoff, seed);
	backoff_init(&io->hold, seed + 2);
}

struct store *store_open(const struct store_options *options, const char *socket, char *error, size_t size)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		snprintf(error, size, "store: out of memory");
		return NULL;
	}
	init(store, options);
	store->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	store->local = local_new(LOCAL_KEYS);
	if (store->wake < 0 || !store->local || !posts_init(&store->posts, POSTS_SIZE))
		snprintf(error, size, "store: cannot start: %s", strerror(errno));
	else if (open_target(store, socket, error, size) && open_thread(store, error, size))
		return store;
	give_back(store);
	return NULL;
}

/* Tells the I/O thread to end and waits for that. False: it is stuck. */
static bool stop_thread(struct store *store, int64_t flush_ms)
{
	int waited = 0;

	pthread_mutex_lock(&store->lock);
	store->stop = true;
	store->stop_at = clock_ticks_ms() + flush_ms;
	store_poke(store);
	const int64_t until_ms = store->stop_at + 500;
	const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	while (!store->ended && waited == 0)
		waited = pthread_cond_timedwait(&store->ended_cond, &store->lock, &until);
	const bool ended = store->ended;
	const uint64_t left = posts_count(&store->posts);
	pthread_mutex_unlock(&store->lock);
	if (left)
		log_warning("store: %llu posts could not be written", (unsigned long long)left);
	return ended;
}

void store_close(struct store **store_at, int64_t flush_ms)
{
	struct store *store = *store_at;

	*store_at = NULL;
	if (!store)
		return;
	if (!stop_thread(store,
			 flush_ms)) { /* by a name server that does not answer: the process ends before it does */
		pthread_detach(store->thread);
		return;
	}
	pthread_join(store->thread, NULL);
	pthread_cond_destroy(&store->ended_cond);
	pthread_mutex_destroy(&store->lock);
	give_back(store);
}
