/*
 * What the admin's command asks the store: histories, one decision, refusal counters (store/store.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/call.h"
#include "store/key.h"
#include "system/clock.h"

#define SCAN_COUNT "1000"
#define SCAN_KEYS 1000 /* the same */
#define PAGE 1000      /* entries of a history in one reply */
#define BATCH 256      /* commands under way at once */

/* One entry of a stream: [id, ["e", TEXT]]. NULL when it is none of ours. */
static const char *entry_text(const struct redisReply *entry)
{
	if (reply_count(entry) != 2 || reply_count(reply_at(entry, 1)) < 2)
		return NULL;
	return reply_text(reply_at(reply_at(entry, 1), 1)).at;
}

/* The decision's own time; the entry's id may be later when another server was faster. */
static int64_t entry_ms(const struct redisReply *entry, const char *text)
{
	char id[DECISION_ID_LENGTH + 1];

	snprintf(id, sizeof(id), "%s", text);
	const int64_t at_ms = decision_id_ms(id);
	return at_ms >= 0 ? at_ms : strtoll(reply_text(reply_at(entry, 0)).at, NULL, 10);
}

/* The place right before an entry; "(ID" would say it too, but not to Redis 6.0. */
static void entry_before(const struct redisReply *entry, char *out, size_t size)
{
	const char *id = reply_text(reply_at(entry, 0)).at;
	char *end;
	const unsigned long long ms = strtoull(id, &end, 10);
	const unsigned long long chance = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;

	if (chance > 0)
		snprintf(out, size, "%llu-%llu", ms, chance - 1);
	else
		snprintf(out, size, "%llu", ms > 0 ? ms - 1 : 0);
}

/* In pages: a server that collects one long answer has no time for anybody else. */
enum store_result store_history(struct store *store, const char *account, int64_t from_ms, int64_t to_ms, size_t max,
				store_history_fn *fn, void *arg, int64_t deadline_ms)
{
	const int64_t until_ms = clock_ticks_ms() + deadline_ms;
	char key[STORE_KEY_SIZE], entity[STORE_ENTITY_SIZE], from[24], to[48], count[24];
	const char *const words[] = { "XREVRANGE", key, to, from, "COUNT", count };
	size_t got, found = 0;
	bool more = true;

	store_key(key, "hist", account);
	store_entity(entity, account);
	snprintf(from, sizeof(from), "%lld", (long long)(from_ms > 0 ? from_ms : 0));
	snprintf(to, sizeof(to), "%lld", (long long)(to_ms > 0 ? to_ms : 0));
	do {
		struct redisReply *reply;
		const size_t page = max - found < PAGE ? max - found : PAGE;
		snprintf(count, sizeof(count), "%zu", page);
		const enum store_result result = store_ask(store, 6, words, until_ms, &reply);
		got = result == STORE_OK ? reply_count(reply) : 0;
		for (size_t i = 0; i < got && more; i++) {
			const struct redisReply *entry = reply_at(reply, i);
			const char *text = entry_text(entry);
			more = !text || fn(arg, entry_ms(entry, text), entity, text);
		}
		if (got > 0)
			entry_before(reply_at(reply, got - 1), to, sizeof(to));
		reply_free(&reply);
		if (result != STORE_OK)
			return result;
		found += got;
		more = more && got == page && found < max;
	} while (more);
	return found ? STORE_OK : STORE_NONE;
}

/* ---- going through all keys of a kind -------------------------------------------------------- */

struct walk {
	struct store *store;
	int64_t until_ms;
	const char *pattern;
	int argc;
	const char *argv[6]; /* argv[1] becomes the key */
	bool (*each)(struct walk *walk, const char *entity, const struct redisReply *reply); /* false ends it */
	const void *fn;		 /* the caller's, behind a pointer to it */
	store_walked_fn *walked; /* or NULL */
	void *arg;
	const char *id;
	size_t found;
};

static enum store_result walk_batch(struct walk *walk, const struct redisReply *keys, size_t first, size_t count,
				    bool *more)
{
	struct store_call *calls[BATCH];
	enum store_result result = STORE_OK;

	for (size_t i = 0; i < count; i++) {
		walk->argv[1] = reply_text(reply_at(keys, first + i)).at;
		calls[i] = store_submit(walk->store, walk->argc, walk->argv);
	}
	for (size_t i = 0; i < count; i++) {
		const struct span key = reply_text(reply_at(keys, first + i));
		char entity[STORE_ENTITY_SIZE];
		struct redisReply *reply;
		const enum store_result one = store_collect(walk->store, calls[i], walk->until_ms, &reply);
		store_key_entity(entity, key.at, key.len);
		/* REFUSED here is one key of another type: the others can be read. */
		if (one == STORE_DOWN || one == STORE_UNSURE)
			result = one;
		else if (one == STORE_OK && *more && result == STORE_OK)
			*more = walk->each(walk, entity, reply);
		reply_free(&reply);
	}
	return result;
}

static enum store_result walk_keys(struct walk *walk)
{
	char cursor[24] = "0";
	const char *const scan[] = { "SCAN", cursor, "MATCH", walk->pattern, "COUNT", SCAN_COUNT };
	uint64_t walked = 0;
	bool more = true;

	do {
		struct redisReply *reply;
		enum store_result result = store_ask(walk->store, 6, scan, walk->until_ms, &reply);
		if (result == STORE_OK && reply_count(reply) == 2) {
			const struct redisReply *keys = reply_at(reply, 1);
			const size_t all = reply_count(keys);
			snprintf(cursor, sizeof(cursor), "%s", reply_text(reply_at(reply, 0)).at);
			for (size_t i = 0; i < all && result == STORE_OK && more; i += BATCH)
				result = walk_batch(walk, keys, i, all - i < BATCH ? all - i : BATCH, &more);
		}
		reply_free(&reply);
		if (result != STORE_OK)
			return result;
		walked += SCAN_KEYS;
		if (walk->walked)
			walk->walked(walk->arg, walked);
	} while (more && strcmp(cursor, "0") != 0);
	return walk->found ? STORE_OK : STORE_NONE;
}

static bool explain_each(struct walk *walk, const char *entity, const struct redisReply *reply)
{
	store_history_fn *const *fn = walk->fn;

	for (size_t i = 0; i < reply_count(reply); i++) {
		const struct redisReply *entry = reply_at(reply, i);
		const char *text = entry_text(entry);
		if (!text || strncmp(text, walk->id, DECISION_ID_LENGTH) != 0)
			continue;
		walk->found++;
		if (!(*fn)(walk->arg, entry_ms(entry, text), entity, text))
			return false;
	}
	return true;
}

/*
 * Nearly always the entry stands at its own millisecond. Only when another server had already written
 * something later for the account does it stand behind that: then everything since is looked through.
 */
enum store_result store_explain(struct store *store, const char *id, store_history_fn *fn, void *arg,
				int64_t deadline_ms)
{
	char ms[24], end[24];
	const int64_t at_ms = decision_id_ms(id);
	struct walk walk = {
		.store = store,
		.until_ms = clock_ticks_ms() + deadline_ms,
		.pattern = "leu:hist:*",
		.argc = 6,
		.argv = { "XRANGE", "", ms, end, "COUNT", "100" },
		.each = explain_each,
		.fn = &fn,
		.arg = arg,
		.id = id,
	};

	if (at_ms < 0)
		return STORE_NONE;
	snprintf(ms, sizeof(ms), "%lld", (long long)at_ms);
	snprintf(end, sizeof(end), "%lld", (long long)at_ms + 1000);
	const enum store_result result = walk_keys(&walk);
	if (result != STORE_NONE)
		return result;
	snprintf(end, sizeof(end), "+");
	walk.argv[5] = "10000";
	return walk_keys(&walk);
}

/* ---- hashes ----------------------------------------------------------------------------------- */

static bool fields_each(struct walk *walk, const char *entity, const struct redisReply *reply)
{
	store_field_fn *const *fn = walk->fn;

	for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
		walk->found++;
		if (!(*fn)(walk->arg, entity, reply_text(reply_at(reply, i)).at, reply_text(reply_at(reply, i + 1)).at))
			return false;
	}
	return true;
}

enum store_result store_fields_all(struct store *store, const char *kind, store_field_fn *fn, store_walked_fn *walked,
				   void *arg, int64_t deadline_ms)
{
	char pattern[64];
	struct walk walk = {
		.store = store,
		.until_ms = clock_ticks_ms() + deadline_ms,
		.pattern = pattern,
		.argc = 2,
		.argv = { "HGETALL", "" },
		.each = fields_each,
		.fn = &fn,
		.walked = walked,
		.arg = arg,
	};

	snprintf(pattern, sizeof(pattern), "leu:%s:{*}", kind);
	return walk_keys(&walk);
}

enum store_result store_fields(struct store *store, const char *kind, const char *account, store_field_fn *fn,
			       void *arg, int64_t deadline_ms)
{
	char key[STORE_KEY_SIZE], entity[STORE_ENTITY_SIZE];
	const char *const words[] = { "HGETALL", key };
	struct walk walk = { .fn = &fn, .arg = arg };
	struct redisReply *reply;

	if (!account)
		return store_fields_all(store, kind, fn, NULL, arg, deadline_ms);
	store_key(key, kind, account);
	store_entity(entity, account);
	enum store_result result = store_ask(store, 2, words, clock_ticks_ms() + deadline_ms, &reply);
	if (result == STORE_OK) {
		fields_each(&walk, entity, reply);
		result = walk.found ? STORE_OK : STORE_NONE;
	}
	reply_free(&reply);
	return result;
}

struct refusals {
	store_count_fn *fn;
	void *arg;
};

static bool refusal_each(void *arg, const char *account, const char *field, const char *value)
{
	const struct refusals *refusals = arg;

	return strcmp(field, "last_text") == 0 || refusals->fn(refusals->arg, account, field, strtoll(value, NULL, 10));
}

enum store_result store_refusals(struct store *store, const char *account, store_count_fn *fn, void *arg,
				 int64_t deadline_ms)
{
	struct refusals refusals = { fn, arg };

	return store_fields(store, "refused", account, refusal_each, &refusals, deadline_ms);
}
