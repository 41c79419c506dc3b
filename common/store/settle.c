/*
 * Telling the store what was decided without it (store/settle.h).
 */
#include "store/local.h"
#include "store/settle.h"
#include "store/state.h"
#include "store/steady.h"
#include "store/token.h"
#include "system/clock.h"

#define PIECES 64 /* at one go: others are waiting for this thread */

struct told {
	char token[TOKEN_LENGTH + 1], time[24], numbers[4][24];
	struct span key, arg[8];
	struct store_request request;
};

static struct span number(char out[24], int64_t value)
{
	struct text text;

	text_init(&text, out, 24);
	text_u64(&text, value > 0 ? (uint64_t)value : 0);
	return (struct span){ out, text.len };
}

/* It counts at the time when it was; limits only tell what the numbers mean. */
static void write_request(struct told *told, struct span correction, const struct local_debt *debt)
{
	token_new(told->token);
	told->key = (struct span){ debt->key, strlen(debt->key) };
	told->arg[0] = (struct span){ "observe", 7 };
	told->arg[1] = (struct span){ told->token, TOKEN_LENGTH };
	told->arg[2] = number(told->numbers[0], debt->age_ms);
	told->arg[3] = correction;
	told->arg[4] = (struct span){ debt->name, strlen(debt->name) };
	told->arg[5] = number(told->numbers[1], debt->n);
	told->arg[6] = number(told->numbers[2], debt->per_hour);
	told->arg[7] = number(told->numbers[3], debt->per_day);
	told->request = (struct store_request){ STORE_SCRIPT_LIMIT, &told->key, 1, told->arg, 8 };
}

static bool has_room(const struct posts *posts)
{
	return posts->head - posts->tail < posts->size / 2;
}

bool is_settled(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	const bool settled = !local_owes(store->local) && store->posts.tail >= store->told_end;
	pthread_mutex_unlock(&store->lock);
	return settled;
}

void settle(struct store *store)
{
	const struct local_time now = { clock_ticks_ms(), clock_wall_ms() };
	struct local_debt debt;
	struct told told;
	unsigned dropped;

	if (!local_owes(store->local))
		return;
	const struct span correction = steady_correction(store, told.time);
	pthread_mutex_lock(&store->lock);
	for (int i = 0; i < PIECES && has_room(&store->posts) && local_pay(store->local, &debt, now); i++) {
		write_request(&told, correction, &debt);
		store->status.posted += posts_put_request(&store->posts, &told.request, &dropped);
		store->told_end = store->posts.head;
	}
	pthread_mutex_unlock(&store->lock);
}
