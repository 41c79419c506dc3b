/*
 * Waves (store/wave.h).
 */
#include "store/ask.h"
#include "store/wave.h"

enum { FROZEN, ALARM, UNTIL, COUNT, NOW, FIELDS };

struct store_request wave_ask(struct wave_request *request)
{
	static const char *const modes[] = { "look", "dead", "end" };
	struct ask ask;

	ask_begin(&ask, &request->asked);
	ask_key(&ask, "wave", request->provider, (struct span){ "", 0 });
	ask_word(&ask, span_of(modes[request->mode]));
	ask_time(&ask, request->at_ms);
	ask_time(&ask, 0);
	ask_number(&ask, request->rule->count);
	ask_number(&ask, request->rule->percent);
	ask_number(&ask, request->share);
	ask_number(&ask, request->rule->hold_ms);
	ask_name(&ask, request->address);
	return ask_end(&ask, STORE_SCRIPT_WAVE);
}

bool wave_answer(struct wave_request *request, const struct store_answer *answer)
{
	const bool known = answer && answer->result == STORE_OK && answer->count == FIELDS;

	request->frozen = known && store_field_number(answer, FROZEN) == 1;
	request->alarm = known && store_field_number(answer, ALARM) == 1;
	request->until_ms = known ? answer_time(answer, UNTIL, NOW) : 0;
	request->count = known ? store_field_number(answer, COUNT) : 0;
	return known;
}
