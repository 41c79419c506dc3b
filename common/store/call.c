/*
 * The callers' side of a command: hand it over, wait for its reply, give up (store/call.h).
 */
#include <time.h>

#include "store/call.h"
#include "store/inner.h"
#include "store/state.h"

/* With the lock held. */
static bool is_open(const struct store *store)
{
	const enum store_state state = store->status.state;

	return (state == STORE_STATE_UP || state == STORE_STATE_CONNECTING) && !store->doubt && !store->stop;
}

bool store_submit_calls(struct store *store, struct store_call *const *calls, size_t count)
{
	pthread_mutex_lock(&store->lock);
	const bool taken = is_open(store) && queue_has_room(&store->calls, count);
	for (size_t i = 0; i < count && taken; i++)
		queue_put(&store->calls, calls[i]);
	if (taken && store->nap != NAP_NONE)
		store_poke(store);
	pthread_mutex_unlock(&store->lock);
	for (size_t i = 0; i < count && !taken; i++)
		call_free(calls[i]);
	return taken;
}

struct store_call *store_submit(struct store *store, int argc, const char *const *argv)
{
	struct store_call *call = call_new(argc, argv);

	return call && store_submit_calls(store, &call, 1) ? call : NULL;
}

/* With the lock held. */
static enum store_result give_up(struct store *store, struct store_call *call)
{
	/* Ends with the next reply: what is under way is the probe. With nothing under way it would never end. */
	if (call->sent || store->status.state == STORE_STATE_CONNECTING)
		store->doubt = true;
	call->abandoned = true;
	if (call->sent)
		return STORE_UNSURE; /* freed when its reply comes, or when the connection is given up */
	queue_remove(&store->calls, call);
	call_finish(call, STORE_DOWN, NULL);
	return STORE_DOWN;
}

enum store_result store_collect(struct store *store, struct store_call *call, int64_t until_ms,
				struct redisReply **reply)
{
	const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	int waited = 0;

	*reply = NULL;
	if (!call)
		return STORE_DOWN;
	pthread_mutex_lock(&store->lock);
	while (!call->done && waited == 0)
		waited = pthread_cond_timedwait(&call->done_cond, &store->lock, &until);
	const bool done = call->done;
	enum store_result result = done ? call->result : give_up(store, call);
	pthread_mutex_unlock(&store->lock);
	if (done) {
		*reply = call->reply;
		call_free(call);
	}
	return result;
}

enum store_result store_ask(struct store *store, int argc, const char *const *argv, int64_t until_ms,
			    struct redisReply **reply)
{
	return store_collect(store, store_submit(store, argc, argv), until_ms, reply);
}
