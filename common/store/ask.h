/*
 * The words of a request to a script, one after the other: in the request's own memory, so that it can be posted.
 * Internal to common/store/.
 */
#ifndef LEUMUND_STORE_ASK_H
#define LEUMUND_STORE_ASK_H

#include "store/words.h"

struct ask {
	struct text text;
	struct store_words *words;
	size_t count;
};

/* Forgets what stood in `words`. */
void ask_begin(struct ask *ask, struct store_words *words);

/* The only key: leu:KIND:{ENTITY}:SUB. */
void ask_key(struct ask *ask, const char *kind, struct span entity, struct span sub);

/* What `word` points to must live as long as the request. */
void ask_word(struct ask *ask, struct span word);
void ask_number(struct ask *ask, int64_t number);
void ask_time(struct ask *ask, int64_t ms);				/* 0 = "", the script's "now" */
void ask_name(struct ask *ask, struct span name);			/* as keys hold it; "" stays "" */
void ask_token(struct ask *ask, struct store *store, struct span text); /* "" without text, or without the secret */

struct store_request ask_end(const struct ask *ask, enum store_script script);

/* A time of the answer by our clock; the store's may be another one. What is not positive stays as it is. */
int64_t answer_time(const struct store_answer *answer, size_t field, size_t its_now);

#endif
