/*
 * What the server answers (store/io_reply.h).
 */
#include "log.h"
#include "store/io_greet.h"
#include "store/io_loss.h"
#include "store/io_reply.h"
#include "store/io_send.h"
#include "store/script.h"
#include "store/state.h"
#include "store/trouble.h"
#include "system/clock.h"

/* Takes the reply over. */
static void call_reply(struct store *store, struct store_call *call, struct redisReply *reply)
{
	enum store_result result = reply_is_error(reply) ? STORE_REFUSED : STORE_OK;

	/* Not executed, so sending it again is safe; the script has to come first. */
	if (reply_trouble(reply) == TROUBLE_SCRIPT && !call->resent && flights_have_room(&store->io.flights, 3)) {
		reply_free(&reply);
		call->resent = true;
		if (io_send_script(store, call->script)) {
			io_send_call(store, call);
			return;
		}
		result = STORE_DOWN;
	}
	pthread_mutex_lock(&store->lock);
	call_finish(call, result, reply);
	pthread_mutex_unlock(&store->lock);
}

/* ---- posts ----------------------------------------------------------------------------------- */

/* The server cannot take it now: it is kept, and tried again more and more rarely. */
static void posts_hold(struct store *store, const struct redisReply *reply)
{
	struct store_io *io = &store->io;
	const bool first = backoff_is_reset(&io->hold);

	io->hold_until = clock_ticks_ms() + backoff_next(&io->hold);
	io->renew = *store->target.host && reply_is_replica(reply);
	state_note(store, reply_text(reply).at);
	if (first) /* only this thread changes what it reads here */
		log_warning("store: %s takes no writes: %s; they are kept", store->target.address,
			    store->status.trouble);
}

static void post_stored(struct store *store, uint64_t end, bool stored)
{
	struct store_io *io = &store->io;
	const bool held = !backoff_is_reset(&io->hold);

	pthread_mutex_lock(&store->lock);
	const bool kept = posts_acknowledge(&store->posts, end);
	if (stored) {
		store->status.written++;
		if (!kept)
			store->status.dropped--; /* it had been given up while its answer was under way */
	} else if (kept) {
		store->status.dropped++;
	}
	pthread_mutex_unlock(&store->lock);
	if (held)
		state_note(store, "");
	if (held && stored)
		log_notice("store: %s takes writes again", store->target.address);
	backoff_reset(&io->hold);
	io->renew = io->renewed = false;
}

/* False: the connection had to be given up. */
static bool post_result(struct store *store, const struct flight *post, const struct redisReply *reply)
{
	switch (reply_trouble(reply)) {
	case TROUBLE_NONE:
		post_stored(store, post->post_end, true);
		break;
	case TROUBLE_SCRIPT:
		store->io.rewind = true;
		return io_send_script(store, post->script);
	case TROUBLE_PASSING:
	case TROUBLE_DENIED:
		store->io.rewind = true;
		posts_hold(store, reply);
		break;
	case TROUBLE_OTHER: /* it would fail for ever and keep all others from being written */
		log_error("store: a post could not be written: %s: %.200s", script_name(post->script),
			  reply_text(reply).at);
		post_stored(store, post->post_end, false);
		break;
	}
	return true;
}

static void post_reply(struct store *store, const struct flight *post, const struct redisReply *reply)
{
	struct store_io *io = &store->io;

	io->posts_out--;
	if (!io->rewind && !post_result(store, post, reply))
		return;
	if (io->rewind && io->posts_out == 0) {
		pthread_mutex_lock(&store->lock);
		posts_rewind(&store->posts);
		pthread_mutex_unlock(&store->lock);
		io->rewind = false;
		io->flush_at = 0;
	}
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const char *words_of(const struct redisReply *reply, const char *otherwise)
{
	return reply_is_text(reply) ? reply_text(reply).at : otherwise;
}

/* Takes the reply over. */
static void take_reply(struct store *store, struct redisReply *reply)
{
	struct flight flight;

	if (!flights_pop(&store->io.flights, &flight)) {
		io_lose(store, STORE_STATE_AWAY, "", words_of(reply, "a reply that nobody asked for"));
	} else if (flight.kind == KIND_CALL) {
		call_reply(store, flight.call, reply);
		return;
	} else if (flight.kind == KIND_POST) {
		post_reply(store, &flight, reply);
	} else if (store->io.phase == PHASE_GREETING) {
		io_greeting_reply(store, flight.kind, reply);
	} else if (!reply_is_string(reply)) { /* SCRIPT LOAD again */
		log_warning("store: %s does not take the script %s: %.200s", store->target.address,
			    script_name(flight.script), words_of(reply, "?"));
	}
	reply_free(&reply);
}

void io_read_replies(struct store *store)
{
	struct store_io *io = &store->io;
	struct redisReply *reply;
	bool heard, answered = false;

	if (!redis_read(io->redis, &heard)) {
		io_lose_redis(store);
		return;
	}
	if (heard)
		io->heard_ms = clock_ticks_ms(); /* a piece of a long reply is a sign of life too */
	while (io->redis) {
		if (!redis_next(io->redis, &reply)) {
			io_lose(store, STORE_STATE_AWAY, "this is no Redis: ", redis_error(io->redis));
			return;
		}
		if (!reply)
			break;
		answered = true;
		take_reply(store, reply);
	}
	/* What was posted because nobody knew whether it had happened follows before the store has seen much else. */
	if (answered && state_heard(store))
		io->flush_at = 0;
}
