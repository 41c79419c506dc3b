/*
 * Early warning (warning.h).
 */
#include "milters/signup/warning.h"

#include "milters/signup/detail.h"
#include "notice/notice.h"

#define SENTENCE_BYTES 400
#define ABOUT_BYTES 120
#define WORD_BYTES 48

struct words {
	char sentence[SENTENCE_BYTES], used[WORD_BYTES], limit[WORD_BYTES], free_at[WORD_BYTES], about[ABOUT_BYTES];
};

static const char *number_words(uint64_t number, char *out)
{
	struct text text;

	text_init(&text, out, WORD_BYTES);
	text_u64(&text, number);
	return out;
}

/* The day's limit tells more than the hour's, when both are reached. */
static enum signup_window window_of(unsigned notices, bool *full)
{
	*full = (notices & (LIMIT_HOUR_FULL | LIMIT_DAY_FULL)) != 0;
	if (*full)
		return notices & LIMIT_DAY_FULL ? SIGNUP_DAY : SIGNUP_HOUR;
	return notices & LIMIT_DAY_NEAR ? SIGNUP_DAY : SIGNUP_HOUR;
}

static void about_write(const struct view *view, const struct counter *counter, char out[ABOUT_BYTES])
{
	static const char *const what[SIGNUP_RULES] = {
		[SIGNUP_VICTIM] = "recipient ", [SIGNUP_CLIENT] = "forms filled in from ",
		[SIGNUP_SCRIPT] = "script ",	[SIGNUP_PROVIDER] = "provider ",
		[SIGNUP_ACCOUNT] = "account ",
	};
	struct text text;

	text_init(&text, out, ABOUT_BYTES);
	text_str(&text, what[counter->rule]);
	text_escaped(&text, counter->tally.about.at, counter->tally.about.len, ABOUT_BYTES / 2);
	if (counter->rule == SIGNUP_SCRIPT || counter->rule == SIGNUP_PROVIDER) {
		text_str(&text, " of account ");
		text_escaped(&text, view->session->who.account, strlen(view->session->who.account), ABOUT_BYTES / 3);
	}
}

static void sentence_write(const struct words *words, const struct counter *counter, enum signup_window window,
			   bool full, enum signup_kind kind, struct text *text)
{
	text_str(text, words->about);
	text_str(text, full ? " has reached its limit: " : " comes near its limit: ");
	text_str(text, words->used);
	text_str(text, " of ");
	text_str(text, words->limit);
	text_str(text, counter->rule == SIGNUP_VICTIM ? " messages" : " new recipients");
	text_str(text, window == SIGNUP_DAY ? " in 24 hours (" : " in one hour (");
	text_str(text, signup_rules[counter->rule].name);
	text_str(text, ", mail of kind ");
	text_str(text, signup_kind_names[kind]);
	text_char(text, ')');
	if (words->free_at[0] != '\0') {
		text_str(text, "; free again at ");
		text_str(text, words->free_at);
	}
}

static void post(const struct view *view, const struct ledger *ledger, const struct counter *counter,
		 enum signup_kind kind)
{
	const int64_t free_ms = counter->tally.free_ms[SIGNUP_DAY];
	struct words TEXT_BUFFER words;
	struct text text;
	bool full;
	const enum signup_window window = window_of(counter->notices, &full);

	about_write(view, counter, words.about);
	text_init(&text, words.free_at, sizeof(words.free_at));
	if (full && free_ms > view->now_ms)
		detail_time(&text, free_ms, view->now_ms);
	number_words(counter->tally.used[window], words.used);
	number_words(ledger_limit(ledger, counter, window), words.limit);
	text_init(&text, words.sentence, sizeof(words.sentence));
	sentence_write(&words, counter, window, full, kind, &text);
	const struct notice_fact facts[] = {
		{ "counter", counter->name }, { "window", window == SIGNUP_DAY ? "day" : "hour" },
		{ "used", words.used },	      { "limit", words.limit },
		{ "free_at", words.free_at },
	};
	notice_post(view->notices, &(struct notice){
					   .kind = full ? "limit_full" : "limit_near",
					   .account = view->session->who.account,
					   .rule = signup_rules[counter->rule].name,
					   .text = words.sentence,
					   .id = view->session->message.id,
					   .facts = facts,
					   /* the last one is known of what did not fit */
					   .fact_count = sizeof(facts) / sizeof(*facts) - (words.free_at[0] == '\0'),
				   });
}

void warning_post(const struct view *view, const struct ledger *ledger, enum signup_kind kind)
{
	for (size_t i = 0; i < ledger->counter_count; i++)
		if (ledger->counters[i].notices != 0)
			post(view, ledger, &ledger->counters[i], kind);
}
