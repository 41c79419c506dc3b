/*
 * The secret that all servers of a store share (store_secret in store/store.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "store/inner.h"
#include "store/steady.h"
#include "system/clock.h"

#define AGREED_MS 60000	    /* so long a secret is taken to be in force, without asking */
#define DIGITS ((size_t)16) /* of one word of it */

static void secret_text(const struct store_secret *secret, char out[2 * DIGITS + 1])
{
	snprintf(out, 2 * DIGITS + 1, "%016llx%016llx", (unsigned long long)secret->key[0],
		 (unsigned long long)secret->key[1]);
}

static bool secret_read(struct store_secret *secret, struct span text)
{
	char word[DIGITS + 1] = "";

	if (text.len != 2 * DIGITS || strspn(text.at, "0123456789abcdefABCDEF") != text.len)
		return false;
	for (size_t i = 0; i < 2; i++) {
		memcpy(word, text.at + i * DIGITS, DIGITS);
		secret->key[i] = strtoull(word, NULL, 16);
	}
	return true;
}

/*
 * Ours, if we have one, is offered: a store that lost its data gets it back from the first server that asks, and what
 * the others remember still means the same.
 */
static bool agree(struct store *store, struct store_secret *secret, int64_t *since_ms)
{
	static const struct span key = { "leu:meta", 8 };
	char text[2 * DIGITS + 1], ahead[24];
	const struct span args[] = { { text, 2 * DIGITS }, steady_ahead(store, ahead) };
	const struct store_request request = { STORE_SCRIPT_SECRET, &key, 1, args, 2 };
	struct store_answer *answers;

	secret_text(secret, text);
	const enum store_result result = store_run(store, &request, 1, &answers, store->options->deadline_ms / 2);
	const bool agreed = result == STORE_OK && secret_read(secret, store_field(answers, 0));
	*since_ms = store_field_number(answers, 1);
	if (agreed)
		steady_adopt(store, store_field_number(answers, 2));
	store_answers_free(&answers);
	explicit_bzero(text, sizeof(text));
	return agreed;
}

static void adopt(struct store *store, const struct store_secret *secret, int64_t since_ms)
{
	pthread_mutex_lock(&store->lock);
	const bool other = store->secret_known && memcmp(&store->secret, secret, sizeof(*secret)) != 0;
	store->secret = *secret;
	store->secret_known = true;
	store->secret_since_ms = since_ms;
	pthread_mutex_unlock(&store->lock);
	if (other)
		log_warning("store: another secret is in force now: recipients known so far count as new");
}

bool store_secret(struct store *store, struct store_secret *out)
{
	if (!store)
		return false;
	const int64_t now = clock_ticks_ms();
	int64_t since_ms;
	pthread_mutex_lock(&store->lock);
	const bool known = store->secret_known, due = !known || now - store->secret_at >= AGREED_MS;
	if (due)
		store->secret_at = now;
	*out = store->secret;
	pthread_mutex_unlock(&store->lock);
	if (!due)
		return true;
	if (!known && getrandom(out, sizeof(*out), GRND_NONBLOCK) != sizeof(*out))
		return false;
	if (!agree(store, out, &since_ms))
		return known;
	adopt(store, out, since_ms);
	return true;
}

int64_t store_since(struct store *store)
{
	if (!store)
		return 0;
	pthread_mutex_lock(&store->lock);
	const int64_t since_ms = store->secret_since_ms;
	pthread_mutex_unlock(&store->lock);
	return since_ms;
}
