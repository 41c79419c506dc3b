/*
 * A provider's patience (store/budget.h).
 */
#include "store/ask.h"
#include "store/budget.h"

static const char *const kinds[] = { [BUDGET_UNKNOWN] = "unknown", [BUDGET_COMPLAINT] = "complaint" };

uint32_t budget_share(const struct budget_rule *rule, enum budget_kind kind)
{
	const uint64_t share = (uint64_t)rule->per_day[kind] * rule->share_percent / 100;

	if (rule->per_day[kind] == 0 || rule->share_percent == 0)
		return 0;
	return share < 1 ? 1 : share > LIMIT_MOST ? LIMIT_MOST : (uint32_t)share;
}

void budget_limit(struct limit_request *request, enum limit_mode mode, const struct budget_rule *rule,
		  enum budget_kind kind, struct span provider, struct span account, uint32_t n)
{
	const bool whole = account.len == 0;

	*request = (struct limit_request){
		.mode = mode,
		.entity = whole ? provider : account,
		.sub = whole ? span_of("provider") : (struct span){ "", 0 },
		.token = { "", 0 },
		.count = 1,
	};
	limit_name(request->limits[0].name, kinds[kind], whole ? (struct span){ "", 0 } : provider);
	request->limits[0].n = n;
	request->limits[0].per_day = whole ? rule->per_day[kind] : budget_share(rule, kind);
}

static struct store_request ask_use(struct ask *ask, const struct budget_request *request)
{
	ask_name(ask, request->account);
	ask_word(ask, span_of(kinds[request->kind]));
	ask_number(ask, request->n);
	return ask_end(ask, STORE_SCRIPT_BUDGET);
}

struct store_request budget_ask(struct budget_request *request, struct store *store)
{
	static const char *const modes[] = { "use", "take", "settle" };
	struct ask ask;

	ask_begin(&ask, &request->asked);
	ask_key(&ask, "budget", request->provider, (struct span){ "", 0 });
	ask_word(&ask, span_of(modes[request->mode]));
	ask_token(&ask, store, request->token);
	ask_time(&ask, request->mode == BUDGET_USE ? request->at_ms : 0);
	ask_time(&ask, 0);
	if (request->mode == BUDGET_USE)
		return ask_use(&ask, request);
	ask_number(&ask, request->mode == BUDGET_TAKE ? request->room : 0);
	ask_number(&ask, request->way_ms);
	ask_number(&ask, request->n);
	return ask_end(&ask, STORE_SCRIPT_BUDGET);
}

bool budget_answer(struct budget_request *request, const struct store_answer *answer)
{
	const size_t fields = request->mode == BUDGET_USE ? 1 : 2;

	request->done = request->again = false;
	request->under_way = 0;
	if (!answer || answer->result != STORE_OK || answer->count != fields)
		return false;
	request->done = store_field_number(answer, 0) > 0;
	request->again = store_field_number(answer, 0) == 2;
	request->under_way = store_field_number(answer, 1);
	return true;
}

#define PER_USER 4

enum store_result budget_who(struct store *store, const char *provider, unsigned days, budget_user_fn *fn, void *arg,
			     int64_t deadline_ms)
{
	struct store_words words;
	struct store_answer *answers;
	struct ask ask;
	bool more = true;

	ask_begin(&ask, &words);
	ask_key(&ask, "budget", span_of(provider), (struct span){ "", 0 });
	ask_word(&ask, span_of("who"));
	for (int i = 0; i < 3; i++)
		ask_time(&ask, 0);
	ask_number(&ask, days);
	ask_time(&ask, 0);
	ask_time(&ask, 0);
	const struct store_request request = ask_end(&ask, STORE_SCRIPT_BUDGET);
	enum store_result result = store_run(store, &request, 1, &answers, deadline_ms);
	for (size_t i = 0; result == STORE_OK && i + PER_USER <= answers->count && more; i += PER_USER) {
		const struct budget_user user = { store_field(answers, i).at,
						  store_field(answers, i + 1).at,
						  { store_field_number(answers, i + 2),
						    store_field_number(answers, i + 3) } };
		more = fn(arg, &user);
	}
	if (result == STORE_OK && answers->count == 0)
		result = STORE_NONE;
	store_answers_free(&answers);
	return result;
}
