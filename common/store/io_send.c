/*
 * Sending (store/io_send.h).
 */
#include <stdlib.h>
#include <string.h>

#include "store/command.h"
#include "store/io_loss.h"
#include "store/io_send.h"
#include "store/script.h"
#include "system/clock.h"

#define SPARE 8 /* for the script, which goes ahead of what is sent again */

static bool send_formatted(struct store *store, struct flight flight, const char *command, size_t len)
{
	flight.at_ms = clock_ticks_ms();
	if (!redis_append(store->io.redis, command, len)) {
		if (flight.kind == KIND_CALL) {
			pthread_mutex_lock(&store->lock);
			call_finish(flight.call, STORE_DOWN, NULL);
			pthread_mutex_unlock(&store->lock);
		}
		io_lose_redis(store);
		return false;
	}
	flights_push(&store->io.flights, &flight);
	store->io.unwritten = true;
	return true;
}

static bool send_words(struct store *store, struct flight flight, int argc, const char *const *argv)
{
	const size_t size = command_size(argc, argv);
	char *command = malloc(size);
	struct text text;

	if (!command) {
		io_lose(store, STORE_STATE_AWAY, "out of memory", "");
		return false;
	}
	text_init(&text, command, size);
	command_words(&text, argc, argv);
	const bool sent = send_formatted(store, flight, command, text.len);
	free(command);
	return sent;
}

bool io_send_words(struct store *store, enum kind kind, int argc, const char *const *argv)
{
	return send_words(store, (struct flight){ .kind = kind }, argc, argv);
}

bool io_send_script(struct store *store, enum store_script script)
{
	const char *const words[] = { "SCRIPT", "LOAD", script_text(script) };

	return send_words(store, (struct flight){ .kind = KIND_SCRIPT, .script = script }, 3, words);
}

bool io_send_call(struct store *store, struct store_call *call)
{
	return send_formatted(store, (struct flight){ .kind = KIND_CALL, .call = call }, call->command, call->len);
}

void io_send_calls(struct store *store)
{
	while (store->io.phase == PHASE_UP && flights_have_room(&store->io.flights, POSTS_IN_FLIGHT + SPARE)) {
		pthread_mutex_lock(&store->lock);
		struct store_call *call = queue_take(&store->calls);
		if (call)
			call->sent = true;
		pthread_mutex_unlock(&store->lock);
		if (!call || !io_send_call(store, call))
			return;
	}
}

union post_copy {
	struct post post;
	char room[POST_MAX];
};

static bool take_post(struct store *store, union post_copy *copy, uint64_t *end)
{
	pthread_mutex_lock(&store->lock);
	const struct post *post = posts_next(&store->posts, end);
	if (post)
		memcpy(copy, post, post->size);
	pthread_mutex_unlock(&store->lock);
	return post != NULL;
}

/* Copied out under the lock, formatted without it: those who post never wait for that. */
void io_send_posts(struct store *store, int64_t now)
{
	struct store_io *io = &store->io;
	union post_copy copy;
	char command[POST_COMMAND_SIZE];
	struct text text;
	uint64_t end;

	if (io->rewind || now < io->hold_until || now < io->flush_at)
		return;
	while (io->phase == PHASE_UP && io->posts_out < POSTS_IN_FLIGHT && flights_have_room(&io->flights, SPARE)) {
		if (!take_post(store, &copy, &end)) {
			io->flush_at = now + TICK_MS;
			return;
		}
		text_init(&text, command, sizeof(command));
		post_command(&text, &copy.post, &io->form);
		const struct flight flight = { .kind = KIND_POST, .script = copy.post.script, .post_end = end };
		if (!send_formatted(store, flight, command, text.len))
			return;
		io->posts_out++;
		io->idle_ticks = TICKS_WHEN_IDLE;
	}
}
