/*
 * What milters ask and count: scripts, several in one go, and their answers (store_run in store/store.h).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store/call.h"
#include "store/inner.h"
#include "store/script.h"
#include "store/trouble.h"
#include "system/clock.h"

/* ---- the answers: one block of memory, first all of them, then their fields, then the bytes -------------------- */

#define NUMBER_ROOM 24 /* of an integer as text */

struct room {
	size_t fields, bytes;
};

static bool is_number(const struct redisReply *reply)
{
	return !reply_is_text(reply) && !reply_is_list(reply) && !reply_is_nil(reply);
}

/* A script's answer is one value or a list of values: deeper lists are nothing to us. */
static size_t field_count(const struct redisReply *reply)
{
	return reply_is_list(reply) ? reply_count(reply) : 1;
}

static const struct redisReply *field_at(const struct redisReply *reply, size_t i)
{
	return reply_is_list(reply) ? reply_at(reply, i) : reply;
}

static void measure(const struct redisReply *reply, struct room *room)
{
	for (size_t i = 0; reply && i < field_count(reply); i++) {
		const struct redisReply *field = field_at(reply, i);

		room->fields++;
		room->bytes += is_number(field) ? NUMBER_ROOM : reply_text(field).len + 1;
	}
}

static struct span put_field(const struct redisReply *field, char *bytes)
{
	if (reply_is_nil(field) || reply_is_list(field))
		return (struct span){ NULL, 0 };
	if (is_number(field))
		return (struct span){ bytes,
				      (size_t)snprintf(bytes, NUMBER_ROOM, "%lld", (long long)reply_number(field)) };
	const struct span text = reply_text(field);
	memcpy(bytes, text.at, text.len);
	bytes[text.len] = '\0';
	return (struct span){ bytes, text.len };
}

/* NULL: no memory. */
static struct store_answer *answers_new(const enum store_result *results, struct redisReply *const *replies,
					size_t count)
{
	struct room room = { 0, 0 };

	for (size_t i = 0; i < count; i++)
		measure(replies[i], &room);
	struct store_answer *answers =
		malloc(count * sizeof(*answers) + room.fields * sizeof(struct span) + room.bytes);
	if (!answers)
		return NULL;
	struct span *fields = (struct span *)(void *)(answers + count);
	char *bytes = (char *)(fields + room.fields);
	for (size_t i = 0; i < count; i++) {
		struct room used = { 0, 0 };
		measure(replies[i], &used);
		answers[i] = (struct store_answer){ results[i], used.fields, fields };
		for (size_t k = 0; k < used.fields; k++) {
			*fields = put_field(field_at(replies[i], k), bytes);
			bytes += fields++->len + 1;
		}
	}
	return answers;
}

struct span store_field(const struct store_answer *answer, size_t i)
{
	return i < answer->count ? answer->fields[i] : (struct span){ NULL, 0 };
}

int64_t store_field_number(const struct store_answer *answer, size_t i)
{
	const struct span field = store_field(answer, i);

	return field.at ? strtoll(field.at, NULL, 10) : 0;
}

void store_answers_free(struct store_answer **answers)
{
	free(*answers);
	*answers = NULL;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* What a caller must fear more stands behind: what was refused has not happened, what is unsure may have. */
static int badness(enum store_result result)
{
	static const int order[] = {
		[STORE_OK] = 0, [STORE_NONE] = 1, [STORE_DOWN] = 2, [STORE_REFUSED] = 3, [STORE_UNSURE] = 4,
	};

	return order[result];
}

#define COMPLAIN_MS 60000

/* Without a line an admin would never learn that his limits work on local counters; one a minute is enough. */
static void complain(enum store_script script, const struct redisReply *reply)
{
	static _Atomic int64_t last_ms = -COMPLAIN_MS;
	const int64_t now = clock_ticks_ms();
	int64_t last = atomic_load(&last_ms);
	const bool passing = reply_trouble(reply) == TROUBLE_PASSING;

	if (now - last < COMPLAIN_MS || !atomic_compare_exchange_strong(&last_ms, &last, now))
		return;
	log_printf(passing ? LEVEL_WARNING : LEVEL_ERROR, "store: the server refused %s.lua: %.200s",
		   script_name(script), reply_text(reply).at);
}

static bool submit(struct store *store, const struct store_request *requests, struct store_call **calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		calls[i] = call_new_request(&requests[i]);
		if (calls[i])
			continue;
		while (i-- > 0)
			call_free(calls[i]);
		return false;
	}
	return store_submit_calls(store, calls, count);
}

/*
 * The last one first: replies come in the order of the commands, so that nearly always all are there when it is, and
 * the caller wakes once.
 */
static void collect(struct store *store, struct store_call *const *calls, size_t count, int64_t until_ms,
		    enum store_result *results, struct redisReply **replies)
{
	for (size_t i = count; i-- > 0;)
		results[i] = store_collect(store, calls[i], until_ms, &replies[i]);
}

enum store_result store_run(struct store *store, const struct store_request *requests, size_t count,
			    struct store_answer **answers, int64_t deadline_ms)
{
	struct store_call *calls[STORE_BATCH];
	enum store_result results[STORE_BATCH], worst = STORE_OK;
	struct redisReply *replies[STORE_BATCH] = { NULL };

	*answers = NULL;
	if (count == 0 || count > STORE_BATCH)
		return STORE_DOWN;
	if (store && deadline_ms <= 0)
		deadline_ms = store->options->deadline_ms;
	const int64_t until_ms = clock_ticks_ms() + deadline_ms;
	if (store && submit(store, requests, calls, count))
		collect(store, calls, count, until_ms, results, replies);
	else
		for (size_t i = 0; i < count; i++)
			results[i] = STORE_DOWN;
	for (size_t i = 0; i < count; i++) {
		if (badness(results[i]) > badness(worst))
			worst = results[i];
		if (results[i] == STORE_REFUSED)
			complain(requests[i].script, replies[i]);
	}
	*answers = answers_new(results, replies, count);
	for (size_t i = 0; i < count; i++)
		reply_free(&replies[i]);
	return *answers || worst == STORE_DOWN ? worst : STORE_UNSURE;
}
