/*
 * The time in which limits are counted (store/steady.h).
 */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "store/inner.h"
#include "store/steady.h"
#include "system/clock.h"

#define JUMP_MS 60000

static struct steady steady_of(struct store *store)
{
	struct steady steady = { 0 };

	if (!store)
		return steady;
	pthread_mutex_lock(&store->lock);
	steady = store->steady;
	pthread_mutex_unlock(&store->lock);
	return steady;
}

static struct span number_write(char out[STEADY_SIZE], const char *sign, int64_t number)
{
	return (struct span){ out, (size_t)snprintf(out, STEADY_SIZE, "%s%lld", sign, (long long)number) };
}

static struct span signed_write(char out[STEADY_SIZE], int64_t number)
{
	return number ? number_write(out, number > 0 ? "+" : "", number) : (struct span){ "", 0 };
}

struct span steady_time(struct store *store, char out[STEADY_SIZE])
{
	const struct steady steady = steady_of(store);

	if (!steady.known)
		return signed_write(out, steady.ahead_ms);
	return number_write(out, "", clock_ticks_ms() + steady.ticks_ms);
}

struct span steady_correction(struct store *store, char out[STEADY_SIZE])
{
	return signed_write(out, steady_of(store).ahead_ms);
}

static void tell(const struct store *store, int64_t ahead_ms)
{
	if (ahead_ms)
		log_warning(
			"store: the clock of %s is %lld s %s what it was: limits are counted as before; set it right",
			store->target.address, (long long)llabs(ahead_ms) / 1000, ahead_ms < 0 ? "ahead of" : "behind");
	else
		log_notice("store: the clock of %s is right again", store->target.address);
}

static bool jumped(int64_t from_ms, int64_t to_ms)
{
	return llabs(to_ms - from_ms) > JUMP_MS;
}

void steady_learn(struct store *store, int64_t its_now_ms, int64_t ahead_ms)
{
	const int64_t ticks_ms = its_now_ms - clock_ticks_ms();

	pthread_mutex_lock(&store->lock);
	const bool told = jumped(store->steady.ahead_ms, ahead_ms);
	store->steady = (struct steady){ true, ticks_ms, ahead_ms };
	if (told)
		store->secret_at = INT64_MIN / 2; /* the others should know soon */
	pthread_mutex_unlock(&store->lock);
	if (told)
		tell(store, ahead_ms);
}

struct span steady_ahead(struct store *store, char out[STEADY_SIZE])
{
	const struct steady steady = steady_of(store);

	return steady.known ? number_write(out, "", steady.ahead_ms) : (struct span){ "", 0 };
}

void steady_adopt(struct store *store, int64_t ahead_ms)
{
	pthread_mutex_lock(&store->lock);
	if (!store->steady.known)
		store->steady.ahead_ms = ahead_ms;
	pthread_mutex_unlock(&store->lock);
}
