/*
 * The dead mailboxes of one account (store/dead.h).
 */
#include "store/ask.h"
#include "store/dead.h"

static void begin(struct ask *ask, struct store_words *words, struct span account, const char *mode,
		  const struct dead_of_rule *rule)
{
	ask_begin(ask, words);
	ask_key(ask, "dead_of", account, (struct span){ "", 0 });
	ask_word(ask, span_of(mode));
	ask_time(ask, 0);
	ask_number(ask, rule->most);
	ask_number(ask, rule->keep_ms);
}

struct store_request dead_of_ask(struct dead_of_request *request)
{
	struct ask ask;

	begin(&ask, &request->asked, request->account, request->mode == DEAD_OF_ADD ? "add" : "drop", request->rule);
	ask_time(&ask, request->at_ms);
	ask_name(&ask, request->address);
	return ask_end(&ask, STORE_SCRIPT_DEAD_OF);
}

bool dead_of_answer(struct dead_of_request *request, const struct store_answer *answer)
{
	request->was_new = request->was_full = false;
	if (!answer || answer->result != STORE_OK || answer->count != 1)
		return false;
	if (request->mode == DEAD_OF_ADD) {
		request->was_new = store_field_number(answer, 0) != 0;
		request->was_full = store_field_number(answer, 0) < 0;
	}
	return true;
}

enum store_result dead_of_list(struct store *store, const char *account, const struct dead_of_rule *rule,
			       dead_of_fn *fn, void *arg, int64_t deadline_ms)
{
	struct store_words words;
	struct store_answer *answers;
	struct ask ask;
	bool more = true;

	begin(&ask, &words, span_of(account), "list", rule);
	const struct store_request request = ask_end(&ask, STORE_SCRIPT_DEAD_OF);
	enum store_result result = store_run(store, &request, 1, &answers, deadline_ms);
	for (size_t i = 0; result == STORE_OK && i + 2 <= answers->count && more; i += 2)
		more = fn(arg, store_field(answers, i).at, store_field_number(answers, i + 1));
	if (result == STORE_OK && answers->count == 0)
		result = STORE_NONE;
	store_answers_free(&answers);
	return result;
}
