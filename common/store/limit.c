/*
 * Limits: asked of the store, or decided here (store/limit.h).
 */
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "store/inner.h"
#include "store/limit.h"
#include "store/local.h"
#include "store/settle.h"
#include "store/state.h"
#include "store/steady.h"
#include "store/token.h"
#include "system/clock.h"

#define ANSWER 7    /* numbers before those of the limits */
#define PER_LIMIT 7 /* numbers of each */

static struct local_time time_now(void)
{
	return (struct local_time){ clock_ticks_ms(), clock_wall_ms() };
}

/* ---- names ----------------------------------------------------------------------------------- */

void limit_name(char out[LIMIT_NAME_SIZE], const char *kind, struct span detail)
{
	static const uint64_t no_secret[2] = { 0, 0 };
	char TEXT_BUFFER buffer[STORE_KEY_SIZE];
	struct text name;

	text_init(&name, buffer, sizeof(buffer));
	text_str(&name, kind);
	if (detail.len)
		store_key_part(&name, detail);
	if (name.len >= LIMIT_NAME_SIZE) /* what is long differs at its end */
		snprintf(out, LIMIT_NAME_SIZE, "%.16s~%016llx%s", buffer,
			 (unsigned long long)hash_keyed(no_secret, detail.at, detail.len), buffer + name.len - 31);
	else
		memcpy(out, buffer, name.len + 1);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static struct span key_write(const struct limit_request *request, const char *kind, char buffer[STORE_KEY_SIZE])
{
	struct text key;

	text_init(&key, buffer, STORE_KEY_SIZE);
	store_key_write(&key, kind, request->entity, request->sub);
	return (struct span){ key.at, key.len };
}

static struct span number_write(char out[12], uint32_t number)
{
	struct text text;

	text_init(&text, out, 12);
	text_u64(&text, number < LIMIT_MOST ? number : LIMIT_MOST);
	return (struct span){ out, text.len };
}

static size_t limits_write(const struct limit *limits, size_t count, char numbers[][3][12], struct span *arg)
{
	size_t args = 0;

	for (size_t i = 0; i < count; i++) {
		arg[args++] = span_of(limits[i].name);
		arg[args++] = number_write(numbers[i][0], limits[i].n);
		arg[args++] = number_write(numbers[i][1], limits[i].per_hour);
		arg[args++] = number_write(numbers[i][2], limits[i].per_day);
	}
	return args;
}

/* ---- guests ---------------------------------------------------------------------------------- */

static bool is_guest(const struct limit_request *request, const struct store *store)
{
	return store && request->sub.len && request->by.len;
}

static const struct limit guests = {
	.name = "guests", .n = 1, .per_hour = LIMIT_GUESTS_HOUR, .per_day = LIMIT_GUESTS_DAY
};

/* Whoever has brought in too many shall bring in no further one. */
static void guest_admit(struct limit_request *request, struct store *store)
{
	if (is_guest(request, store) && request->mode != LIMIT_CHECK &&
	    !local_bound(store->local, request->by, &guests, false, time_now()))
		request->mode = LIMIT_CHECK;
}

/* After the answer: one is new when nothing is counted of it but this. */
static void guest_note(const struct limit_request *request, struct store *store)
{
	const struct limit *limit = &request->limits[0];

	if (is_guest(request, store) && request->counted && !request->again && limit->used_day <= limit->n)
		local_bound(store->local, request->by, &guests, true, time_now());
}

/* ---- asking and answers ---------------------------------------------------------------------- */

/*
 * A store that is back does not yet know what was counted without it, and would let through what this server, which has
 * let its limit through, must not.
 */
static bool decides_alone(const struct limit_request *request, struct store *store)
{
	return store && request->mode == LIMIT_COUNT && !is_settled(store) &&
	       !local_fits(store->local, request, request->words.key[0], time_now());
}

struct store_request limit_ask(struct limit_request *request, struct store *store)
{
	static const char *const modes[] = { "check", "count", "observe" };
	struct limit_words *words = &request->words;
	struct store_request out = { .script = STORE_SCRIPT_LIMIT, .keys = words->key, .args = words->arg };

	if (request->count > LIMITS)
		request->count = LIMITS;
	guest_admit(request, store);
	words->key[out.key_count++] = key_write(request, "limit", words->keys[0]);
	if (!request->sub.len)
		words->key[out.key_count++] = key_write(request, "override", words->keys[1]);
	token_write(store, request->token, words->token);
	words->alone = decides_alone(request, store);
	words->arg[out.arg_count++] = span_of(modes[words->alone ? LIMIT_CHECK : request->mode]);
	words->arg[out.arg_count++] = span_of(words->token);
	words->arg[out.arg_count++] = span_of("0");
	words->arg[out.arg_count++] = steady_time(store, words->time);
	out.arg_count += limits_write(request->limits, request->count, words->numbers, words->arg + out.arg_count);
	return out;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* The store's time as ours: its clock may be another one. */
static int64_t our_time(int64_t at, int64_t its_now, struct local_time now)
{
	return at > 0 ? now.wall + at - its_now : at;
}

static void read_limit(struct limit *limit, const struct store_answer *answer, size_t at, struct local_time now)
{
	const int64_t its_now = store_field_number(answer, 2);

	limit->used_hour = store_field_number(answer, at);
	limit->per_hour = (uint32_t)store_field_number(answer, at + 1);
	limit->used_day = store_field_number(answer, at + 2);
	limit->per_day = (uint32_t)store_field_number(answer, at + 3);
	limit->free_ms = our_time(store_field_number(answer, at + 4), its_now, now);
	limit->notices = (unsigned)store_field_number(answer, at + 5);
	limit->overridden_ms = our_time(store_field_number(answer, at + 6), its_now, now);
}

static bool read_answer(struct limit_request *request, struct store *store, const struct store_answer *answer,
			struct local_time now)
{
	const int64_t its_now = store_field_number(answer, 2);

	if (answer->result != STORE_OK || answer->count != ANSWER + PER_LIMIT * request->count)
		return false;
	steady_learn(store, its_now, store_field_number(answer, 6));
	request->local = false;
	request->fits = store_field_number(answer, 0) == 1;
	request->counted = store_field_number(answer, 1) > 0;
	request->again = store_field_number(answer, 1) == 2;
	request->free_ms = our_time(store_field_number(answer, 3), its_now, now);
	request->refused_ms = our_time(store_field_number(answer, 4), its_now, now);
	request->full_since_ms = our_time(store_field_number(answer, 5), its_now, now);
	for (size_t i = 0; i < request->count; i++)
		read_limit(&request->limits[i], answer, ANSWER + PER_LIMIT * i, now);
	return true;
}

/* What may have been counted is posted again: by its token the store knows whether it was. */
static void post_again(struct limit_request *request, struct store *store)
{
	struct limit_words *words = &request->words;

	words->arg[0] = span_of("observe");
	words->arg[3] = steady_correction(store, words->time);
	const struct store_request again = { STORE_SCRIPT_LIMIT, words->key, request->sub.len ? 1 : 2, words->arg,
					     4 + 4 * request->count };
	if (!*words->token)
		return;
	store_post(store, &again);
	pthread_mutex_lock(&store->lock);
	store->told_end = store->posts.head;
	pthread_mutex_unlock(&store->lock);
}

/* Its thread has something to tell; it may be asleep where the store is there but takes no writes. */
static void wake(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	if (store->nap == NAP_LONG)
		store_poke(store);
	pthread_mutex_unlock(&store->lock);
}

void limit_answer(struct limit_request *request, struct store *store, const struct store_answer *answer)
{
	const struct local_time now = time_now();
	const struct span key = request->words.key[0];

	if (!store) {
		request->fits = true;
		request->counted = request->again = false;
		request->free_ms = request->refused_ms = request->full_since_ms = 0;
	} else if (answer && !request->words.alone && read_answer(request, store, answer, now)) {
		local_follow(store->local, request, key, now);
	} else {
		const bool unsure = !request->words.alone && (!answer || answer->result == STORE_UNSURE);
		local_decide(store->local, request, key, now, !unsure);
		if (unsure && request->counted)
			post_again(request, store);
		else if (request->counted)
			wake(store);
	}
	guest_note(request, store);
}

enum store_result limit_run(struct store *store, struct limit_request *const *requests, size_t count,
			    int64_t deadline_ms)
{
	struct store_request asked[STORE_BATCH] = { 0 };
	struct store_answer *answers;

	for (size_t i = 0; i < count && i < STORE_BATCH; i++)
		asked[i] = limit_ask(requests[i], store);
	const enum store_result result = store_run(store, asked, count, &answers, deadline_ms);
	for (size_t i = 0; i < count && i < STORE_BATCH; i++)
		limit_answer(requests[i], store, answers ? &answers[i] : NULL);
	store_answers_free(&answers);
	return result;
}

void limit_post(struct limit_request *request, struct store *store)
{
	request->mode = LIMIT_OBSERVE;
	const struct store_request asked = limit_ask(request, store);
	if (!store)
		return;
	request->words.arg[3] = steady_correction(store, request->words.time);
	local_decide(store->local, request, request->words.key[0], time_now(), false);
	if (request->mode == LIMIT_CHECK) /* a guest too many */
		return;
	guest_note(request, store);
	if (!*request->words.token) {
		token_new(request->words.token);
		request->words.arg[1] = span_of(request->words.token);
	}
	store_post(store, &asked);
}
