/*
 * Who receives for which domain, as the store keeps it (kept.h).
 */
#include "provider/kept.h"

#include <stdio.h>

#include "store/store.h"

struct question {
	char key[STORE_KEY_SIZE];
	struct span span;
};

static void question_write(struct question *question, const char *domain)
{
	struct text text;

	text_init(&text, question->key, sizeof(question->key));
	store_key_write(&text, "provider", span_of(domain), span_of(""));
	question->span = (struct span){ text.at, text.len };
}

static void answer_read(const struct store_answer *answer, struct kept *kept)
{
	if (answer->result != STORE_OK || answer->count != 2 ||
	    !exchange_of_word(kept->domain, store_field(answer, 1), &kept->exchange))
		return;
	kept->seconds = store_field_number(answer, 0);
}

void kept_look(struct store *store, struct kept *kept, size_t count)
{
	struct question TEXT_BUFFER questions[STORE_BATCH];
	struct store_request requests[STORE_BATCH] = { { .script = STORE_SCRIPT_PROVIDER } };
	struct store_answer *answers = NULL;

	for (size_t i = 0; i < count; i++) {
		kept[i].seconds = 0;
		question_write(&questions[i], kept[i].domain);
		requests[i] = (struct store_request){ STORE_SCRIPT_PROVIDER, &questions[i].span, 1, NULL, 0 };
	}
	store_run(store, requests, count, &answers, 0);
	for (size_t i = 0; answers && i < count; i++)
		answer_read(&answers[i], &kept[i]);
	store_answers_free(&answers);
}

void kept_post(struct store *store, const char *domain, const struct exchange *exchange, int64_t seconds)
{
	const char *word = exchange_word(exchange);
	struct question question;
	struct span args[2];
	char holds[24];

	if (!word)
		return;
	question_write(&question, domain);
	snprintf(holds, sizeof(holds), "%lld", (long long)seconds);
	args[0] = span_of(holds);
	args[1] = span_of(word);
	store_post(store, &(struct store_request){ STORE_SCRIPT_PROVIDER, &question.span, 1, args, 2 });
}
