/*
 * The store's I/O thread: what it does in turn, how long it sleeps, and when it takes silence for the end (store/io.h).
 */
#include <poll.h>
#include <unistd.h>

#include "store/inner.h"
#include "store/io.h"
#include "store/io_greet.h"
#include "store/io_loss.h"
#include "store/io_reply.h"
#include "store/io_send.h"
#include "store/local.h"
#include "store/settle.h"
#include "store/state.h"
#include "system/clock.h"

#define CONNECT_MS 300
#define GREETING_MS 2000 /* a peer that trickles is never silent */
#define SILENCE_MS 300	 /* without any reply while one is due: frozen, or the network swallows everything */

static bool finished(struct store *store, int64_t now)
{
	pthread_mutex_lock(&store->lock);
	const bool stop = store->stop;
	const bool yes = stop && (now >= store->stop_at || (posts_empty(&store->posts) && !local_owes(store->local) &&
							    store->io.flights.count == 0));
	pthread_mutex_unlock(&store->lock);
	if (stop)
		store->io.flush_at = 0;
	return yes;
}

static void look_for_silence(struct store *store, int64_t now)
{
	const struct store_io *io = &store->io;

	if (io->phase == PHASE_CONNECTING && now - io->phase_since > CONNECT_MS) {
		io_lose(store, STORE_STATE_AWAY, "does not answer the connection", "");
	} else if (io->phase == PHASE_GREETING && now - io->phase_since > GREETING_MS) {
		io_lose(store, STORE_STATE_AWAY, "does not come to the end of its greeting", "");
	} else if (io->phase >= PHASE_GREETING && io->flights.count > 0) {
		const int64_t sent = flights_oldest_ms(&io->flights);
		if (now - (sent > io->heard_ms ? sent : io->heard_ms) <= SILENCE_MS)
			return;
		io_lose(store, STORE_STATE_AWAY, "no answer: frozen, or unreachable",
			io->phase == PHASE_GREETING && store->tls ? ", or no TLS port" : "");
	}
}

/* Between two tries of writing to a replica; nothing is under way then. */
static void look_for_master(struct store *store, int64_t now)
{
	struct store_io *io = &store->io;

	if (!io->renew || io->phase != PHASE_UP || io->flights.count > 0 || now < io->hold_until)
		return;
	state_change_quietly(store, STORE_STATE_CONNECTING);
	io_disconnect(store);
	io->renew = false;
	io->renewed = true;
	io->retry_at = now;
}

static void write_out(struct store *store)
{
	struct store_io *io = &store->io;

	if (io->phase >= PHASE_GREETING && io->unwritten && !redis_write(io->redis, &io->unwritten))
		io_lose_redis(store);
}

/* What is unwritten may wait for TLS' handshake, not for room in the socket. */
static bool shakes_hands(const struct store *store)
{
	return store->io.phase == PHASE_GREETING && store->tls;
}

/* With the lock held. -1: until somebody wakes it. */
static int nap_ms(struct store *store, int64_t now)
{
	struct store_io *io = &store->io;
	int64_t until = now + TICK_MS;

	if (io->phase == PHASE_IDLE)
		until = io->retry_at;
	else if (io->phase == PHASE_UP && store->calls.count > 0 && io->flights.count < FLIGHTS / 2)
		return 0;
	else if (io->phase == PHASE_UP && io->flights.count == 0 && posts_empty(&store->posts) &&
		 !local_owes(store->local)) {
		if (io->idle_ticks == 0)
			return -1;
		io->idle_ticks--;
	} else if (shakes_hands(store))
		until = now + 2;
	else if (io->phase == PHASE_UP && io->posts_out == 0 && store->posts.sent != store->posts.head &&
		 flights_have_room(&io->flights, POSTS_IN_FLIGHT))
		until = io->hold_until > io->flush_at ? io->hold_until : io->flush_at;
	if (store->stop && until > store->stop_at)
		until = store->stop_at;
	return until > now ? (int)(until - now) : 0;
}

static void nap(struct store *store, int64_t now)
{
	const struct store_io *io = &store->io;
	struct pollfd fds[2] = { { .fd = store->wake, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	uint64_t count;

	if (io->redis) {
		fds[1].fd = redis_fd(io->redis);
		if (io->phase == PHASE_CONNECTING || (io->unwritten && !shakes_hands(store)))
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
	if (io->phase == PHASE_CONNECTING)
		io_greet(store);
	else if (fds[1].revents & ~POLLOUT)
		io_read_replies(store);
}

void *store_io_main(void *arg)
{
	struct store *store = arg;
	int64_t now = clock_ticks_ms();

	while (!finished(store, now)) {
		if (store->io.phase == PHASE_IDLE && now >= store->io.retry_at)
			io_connect(store);
		look_for_silence(store, now);
		look_for_master(store, now);
		io_send_calls(store);
		if (store->io.phase == PHASE_UP)
			settle(store);
		io_send_posts(store, now);
		write_out(store);
		nap(store, clock_ticks_ms());
		now = clock_ticks_ms();
	}
	io_lose(store, STORE_STATE_AWAY, "closed", "");
	pthread_mutex_lock(&store->lock);
	store->ended = true;
	pthread_cond_signal(&store->ended_cond);
	pthread_mutex_unlock(&store->lock);
	return NULL;
}
