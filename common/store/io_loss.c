/*
 * The end of a connection (store/io_loss.h).
 */
#include <stdio.h>

#include "store/io_loss.h"
#include "store/state.h"
#include "system/clock.h"

#define STEADY_MS 500 /* a connection that held so long is replaced at once */

void io_disconnect(struct store *store)
{
	struct store_io *io = &store->io;

	redis_free(&io->redis);
	io->phase = PHASE_IDLE;
	io->posts_out = 0;
	io->rewind = io->unwritten = false;
}

static void lose(struct store *store, enum store_state state, bool may_hurry, const char *what, const char *detail)
{
	struct store_io *io = &store->io;
	const int64_t now = clock_ticks_ms();
	const bool held = io->phase == PHASE_UP && now - io->phase_since >= STEADY_MS;
	const bool at_once = may_hurry && held;
	struct flight flight;
	char kept[160];

	snprintf(kept, sizeof(kept), "%s", detail); /* may lie in the connection */
	state_change(store, at_once ? STORE_STATE_CONNECTING : state, what, kept);

	pthread_mutex_lock(&store->lock);
	while (flights_pop(&io->flights, &flight))
		if (flight.kind == KIND_CALL)
			call_finish(flight.call, STORE_UNSURE, NULL);
	posts_rewind(&store->posts);
	if (!at_once)
		queue_refuse(&store->calls);
	store->doubt = false;
	pthread_mutex_unlock(&store->lock);

	io_disconnect(store);
	io->renewed = false;
	/* A server that lets us in and throws us out at once would else be tried without a pause for ever. */
	if (held)
		backoff_reset(&io->backoff);
	const int64_t pause = backoff_next(&io->backoff);
	io->retry_at = at_once ? now : now + pause;
}

void io_lose(struct store *store, enum store_state state, const char *what, const char *detail)
{
	lose(store, state, false, what, detail);
}

void io_lose_redis(struct store *store)
{
	struct store_io *io = &store->io;
	/* A server that is full says so in its first reply, and closes. */
	const bool told = io->phase == PHASE_GREETING && *io->greeting_error;

	lose(store, STORE_STATE_AWAY, true, "", told ? io->greeting_error : redis_error(io->redis));
}
