/*
 * Remembers in the store whom an account has written to (learn_store.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hash.h"
#include "learn_store.h"
#include "store/contact.h"
#include "system/clock.h"

#define OPEN 256 /* requests that fill up; all go together */
#define ACCOUNT 256
#define WAYS 4
#define SETS ((size_t)256 * 1024) /* of what was seen lately: a million, 8 MB */

struct open_request {
	struct contact_request request;
	char account[ACCOUNT];
	int month;
};

struct learn_store {
	struct store *store;
	struct learn_found found;
	size_t count;
	uint16_t places[2 * OPEN]; /* by hash: 1 + index into open, 0: none */
	struct open_request open[OPEN];
	uint8_t turn[SETS];
	uint64_t seen[SETS][WAYS];
};

struct learn_store *learn_store_new(struct store *store)
{
	struct learn_store *learn = calloc(1, sizeof(*learn));

	if (learn)
		learn->store = store;
	return learn;
}

void learn_store_free(struct learn_store **learn)
{
	free(*learn);
	*learn = NULL;
}

void learn_store_found(const struct learn_store *learn, struct learn_found *out)
{
	*out = learn->found;
}

static int month_of(int64_t at_ms)
{
	const time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm = { .tm_year = 0 };

	gmtime_r(&seconds, &tm);
	return tm.tm_year * 12 + tm.tm_mon;
}

/* True: it was here lately. */
static bool seen_before(struct learn_store *learn, uint64_t hash)
{
	const size_t set = hash % SETS;

	for (size_t i = 0; i < WAYS; i++)
		if (learn->seen[set][i] == hash)
			return true;
	learn->seen[set][learn->turn[set]++ % WAYS] = hash;
	return false;
}

/* ---- to the store ------------------------------------------------------------------------------ */

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

/* The first connection is being made while the first lines are read. */
static bool secret_known(struct learn_store *learn, struct store_secret *secret)
{
	const int64_t until_ms = clock_ticks_ms() + LEARN_PATIENCE_MS;

	while (!store_secret(learn->store, secret)) {
		if (clock_ticks_ms() > until_ms)
			return false;
		nap();
	}
	return true;
}

/* Twice is the same as once, so whatever was not answered is sent again. */
static bool send_some(struct learn_store *learn, struct open_request *open, size_t count)
{
	const int64_t until_ms = clock_ticks_ms() + LEARN_PATIENCE_MS;
	struct store_request requests[STORE_BATCH];
	struct store_answer *answers;
	enum store_result result;

	for (size_t i = 0; i < count; i++)
		requests[i] = contact_ask(&open[i].request);
	for (;;) {
		result = store_run(learn->store, requests, count, &answers, LEARN_PATIENCE_MS);
		for (size_t i = 0; result == STORE_OK && i < count; i++)
			if (contact_answer(&open[i].request, &answers[i]))
				learn->found.added += open[i].request.new_count;
		store_answers_free(&answers);
		if (result == STORE_OK || clock_ticks_ms() > until_ms)
			return result == STORE_OK;
		nap();
	}
}

bool learn_store_flush(struct learn_store *learn)
{
	bool good = true;

	for (size_t i = 0; good && learn->store && i < learn->count; i += STORE_BATCH)
		good = send_some(learn, &learn->open[i],
				 learn->count - i < STORE_BATCH ? learn->count - i : STORE_BATCH);
	learn->count = 0;
	memset(learn->places, 0, sizeof(learn->places));
	return good;
}

/* The request of this account and month; NULL: all must go first. */
static struct open_request *request_of(struct learn_store *learn, const char *account, int month, int64_t at_ms)
{
	size_t place = (hash_lower(account, strlen(account)) + (unsigned)month) % ((size_t)2 * OPEN);
	struct open_request *open;

	for (; learn->places[place] > 0; place = (place + 1) % ((size_t)2 * OPEN)) {
		open = &learn->open[learn->places[place] - 1];
		if (open->month == month && strcmp(open->account, account) == 0)
			return open->request.count < CONTACTS ? open : NULL;
	}
	if (learn->count >= OPEN)
		return NULL;
	open = &learn->open[learn->count++];
	learn->places[place] = (uint16_t)learn->count;
	snprintf(open->account, sizeof(open->account), "%s", account);
	open->month = month;
	open->request.mode = CONTACT_ADD;
	open->request.at_ms = at_ms;
	open->request.account = (struct span){ open->account, strlen(open->account) };
	open->request.count = 0;
	return open;
}

bool learn_contact(struct learn_store *learn, const char *account, struct span address, int64_t at_ms)
{
	const int month = month_of(at_ms);
	uint64_t words[] = { hash_lower(account, strlen(account)), hash_lower(address.at, address.len),
			     (uint64_t)month };
	struct store_secret secret;

	if (seen_before(learn, hash_bytes(words, sizeof(words))))
		return true;
	if (!seen_before(learn, hash_bytes(words, 2 * sizeof(words[0]))))
		learn->found.recipients++;
	if (!learn->store)
		return true;
	struct open_request *open = request_of(learn, account, month, at_ms);
	if (!open) {
		if (!learn_store_flush(learn))
			return false;
		open = request_of(learn, account, month, at_ms);
	}
	return secret_known(learn, &secret) && contact_put(&open->request, &secret, address);
}
