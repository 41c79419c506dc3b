/*
 * Outcomes in an account's history (outlet_history.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "outlet_history.h"

#define ENTRY 1200
#define WAIT_MS 1000
#define CHANCES 60466176 /* 36^5: what decision_id() has room for */

bool history_wants(const struct maillog_outcome *outcome, const char *account)
{
	return outcome->speaker == MAILLOG_REMOTE && outcome->status != MAILLOG_SENT && !outcome->again &&
	       account[0] != '\0';
}

/* What one script is asked with. */
struct entry {
	char keys[2][STORE_KEY_SIZE], numbers[4][24], text[ENTRY];
	struct span key_spans[2], args[7];
};

static struct span number_put(char out[24], uint64_t number)
{
	struct text text;

	text_init(&text, out, 24);
	text_u64(&text, number);
	return (struct span){ out, text.len };
}

static void key_put(struct entry *entry, int i, const char *kind, struct span account)
{
	struct text key;

	text_init(&key, entry->keys[i], STORE_KEY_SIZE);
	store_key_write(&key, kind, account, (struct span){ "", 0 });
	entry->key_spans[i] = (struct span){ key.at, key.len };
}

static void put_word(struct text *text, struct span line, const char *key)
{
	const struct span value = event_value(line, key);

	if (value.len == 0)
		return;
	text_char(text, ' ');
	text_str(text, key);
	text_char(text, '=');
	text_mem(text, value.at, value.len < 500 ? value.len : 500);
}

/* The id as explain knows it, then the facts in the order in which a decision has them. */
static void text_put(struct entry *entry, struct span line, int64_t at_ms, uint32_t chance)
{
	static const char *const keys[] = { "mail_from", "rcpt_to", "orig_to", "class",	   "concerns", "speaker",
					    "phase",	 "code",    "dsn",     "relay",	   "relay_ip", "egress_ip",
					    "auth_user", "user",    "uid",     "queue_id", "mta",      "reply" };
	const struct span status = event_value(line, "status");
	struct text text;
	char id[16];

	decision_id(at_ms, chance, id);
	text_init(&text, entry->text, sizeof(entry->text));
	text_str(&text, id);
	text_str(&text, " id=");
	text_str(&text, id);
	text_str(&text, " action=");
	text_mem(&text, status.at, status.len);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		put_word(&text, line, keys[i]);
	entry->args[2] = (struct span){ text.at, text.len };
}

/* False: no line of ours. */
static bool entry_of(const struct store_options *options, struct span line, struct entry *entry,
		     struct store_request *request)
{
	const struct span account = event_value(line, "account"), at = event_value(line, "at_ms"),
			  id = event_value(line, "id");
	char number[24];

	if (account.len == 0 || at.len == 0 || at.len >= sizeof(number) || id.len != MAILLOG_ID - 1)
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)at.len, at.at);
	const int64_t at_ms = strtoll(number, NULL, 10);
	snprintf(number, sizeof(number), "%.7s", id.at);
	const uint32_t chance = (uint32_t)(strtoul(number, NULL, 16) % CHANCES);
	key_put(entry, 0, "hist", account);
	key_put(entry, 1, "refused", account);
	entry->args[0] = number_put(entry->numbers[0], (uint64_t)at_ms);
	entry->args[1] = number_put(entry->numbers[1], chance);
	text_put(entry, line, at_ms, chance);
	entry->args[3] = number_put(entry->numbers[2], (uint64_t)options->history_keep);
	entry->args[4] = number_put(entry->numbers[3], (uint64_t)options->history_max);
	entry->args[5] = entry->args[6] = (struct span){ "", 0 };
	*request = (struct store_request){ STORE_SCRIPT_DECISION, entry->key_spans, 2, entry->args, 7 };
	return true;
}

/* A script that is refused while others are not would be refused for ever: it is given up. */
static size_t settled(const struct store_answer *answers, size_t count, struct history_result *out)
{
	size_t stored = 0;

	for (size_t i = 0; i < count; i++)
		stored += answers[i].result == STORE_OK ? 1 : 0;
	if (stored == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (answers[i].result != STORE_OK && answers[i].result != STORE_REFUSED)
			return i;
		*(answers[i].result == STORE_OK ? &out->stored : &out->refused) += 1;
	}
	return count;
}

void history_store(struct store *store, const struct store_options *options, struct span lines,
		   struct history_result *out)
{
	struct store_request requests[STORE_BATCH];
	struct entry TEXT_BUFFER entries[STORE_BATCH];
	size_t ends[STORE_BATCH], count = 0, at = 0;
	struct store_answer *answers = NULL;

	*out = (struct history_result){ .len = 0 };
	while (at < lines.len && count < STORE_BATCH) {
		const char *end = memchr(lines.at + at, '\n', lines.len - at);
		const size_t len = end ? (size_t)(end - lines.at) - at : lines.len - at;

		if (entry_of(options, (struct span){ lines.at + at, len }, &entries[count], &requests[count]))
			ends[count++] = at + len + 1;
		else
			out->refused++;
		at += len + 1;
	}
	if (count == 0) {
		out->len = at;
		return;
	}
	(void)store_run(store, requests, count, &answers, WAIT_MS);
	const size_t done = answers ? settled(answers, count, out) : 0;
	store_answers_free(&answers);
	if (done > 0)
		out->len = done == count ? at : ends[done - 1];
}
