/*
 * The words of a request to a script (store/ask.h).
 */
#include <stdio.h>

#include "store/ask.h"
#include "store/token.h"
#include "system/clock.h"

void ask_begin(struct ask *ask, struct store_words *words)
{
	text_init(&ask->text, words->bytes, sizeof(words->bytes));
	ask->words = words;
	ask->count = 0;
}

/* What was written since `from`. */
static struct span since(const struct ask *ask, size_t from)
{
	return (struct span){ ask->text.at + from, ask->text.len - from };
}

void ask_key(struct ask *ask, const char *kind, struct span entity, struct span sub)
{
	const size_t from = ask->text.len;

	store_key_write(&ask->text, kind, entity, sub);
	ask->words->key[0] = since(ask, from);
}

void ask_word(struct ask *ask, struct span word)
{
	if (ask->count < STORE_WORDS)
		ask->words->arg[ask->count++] = word.at ? word : (struct span){ "", 0 };
}

void ask_number(struct ask *ask, int64_t number)
{
	const size_t from = ask->text.len;
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)number);
	text_str(&ask->text, digits);
	ask_word(ask, since(ask, from));
}

void ask_time(struct ask *ask, int64_t ms)
{
	if (ms)
		ask_number(ask, ms);
	else
		ask_word(ask, (struct span){ "", 0 });
}

void ask_name(struct ask *ask, struct span name)
{
	const size_t from = ask->text.len;

	if (name.len) {
		store_key_part(&ask->text, name);
		ask_word(ask, since(ask, from + 1)); /* without its colon */
	} else {
		ask_word(ask, name);
	}
}

void ask_token(struct ask *ask, struct store *store, struct span text)
{
	const size_t from = ask->text.len;
	char token[TOKEN_LENGTH + 1];

	token_write(store, text, token);
	text_str(&ask->text, token);
	ask_word(ask, since(ask, from));
}

struct store_request ask_end(const struct ask *ask, enum store_script script)
{
	return (struct store_request){ script, ask->words->key, 1, ask->words->arg, ask->count };
}

int64_t answer_time(const struct store_answer *answer, size_t field, size_t its_now)
{
	const int64_t at = store_field_number(answer, field);

	return at > 0 ? clock_wall_ms() + at - store_field_number(answer, its_now) : at;
}
