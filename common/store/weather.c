/*
 * A provider's weather (store/weather.h).
 */
#include <stdio.h>

#include "store/ask.h"
#include "store/weather.h"

const char *const weather_state_names[] = { "green", "yellow", "red", "half_open", NULL };

enum {
	STATE,
	CHANGED,
	DONE,
	NOW,
	SINCE,
	UNTIL,
	BLOCKS,
	SENT_HOUR,
	UNKNOWN_HOUR,
	SENT_DAY,
	UNKNOWN_DAY,
	REASON,
	FIELDS
};

static void ask_rule(struct ask *ask, const struct weather_rule *rule)
{
	const int64_t numbers[] = { rule->open_ms,	 rule->open_most_ms, rule->quiet_ms, rule->probes,
				    rule->probe_wait_ms, rule->ramp_ms,	     rule->warn_ms,  rule->unknown_hour,
				    rule->unknown_day,	 rule->percent,	     rule->sample };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		ask_number(ask, numbers[i]);
}

struct store_request weather_ask(struct weather_request *request, struct store *store)
{
	static const char *const modes[] = { "look", "event", "probe", "reset" };
	static const char *const events[] = { "delivered", "unknown", "warning", "block" };
	const bool is_event = request->mode == WEATHER_EVENT;
	struct ask ask;

	ask_begin(&ask, &request->asked);
	ask_key(&ask, "weather", request->provider, request->egress.len ? request->egress : span_of("unknown"));
	ask_word(&ask, span_of(modes[request->mode]));
	ask_token(&ask, store, request->mode == WEATHER_LOOK ? (struct span){ "", 0 } : request->token);
	ask_time(&ask, request->at_ms);
	ask_time(&ask, 0);
	ask_rule(&ask, request->rule);
	ask_word(&ask, span_of(is_event ? events[request->event] : ""));
	ask_number(&ask, is_event ? request->n : 0);
	ask_word(&ask,
		 is_event ? (struct span){ request->said.at, request->said.len < WEATHER_TEXT_SIZE ? request->said.len
												   : WEATHER_TEXT_SIZE }
			  : (struct span){ "", 0 });
	return ask_end(&ask, STORE_SCRIPT_WEATHER);
}

bool weather_answer(struct weather_request *request, const struct store_answer *answer)
{
	request->state = WEATHER_GREEN;
	request->changed = request->counted = request->again = request->may_go = false;
	request->since_ms = request->until_ms = request->blocks = 0;
	request->sent_hour = request->unknown_hour = request->sent_day = request->unknown_day = 0;
	request->reason[0] = '\0';
	if (!answer || answer->result != STORE_OK || answer->count != FIELDS)
		return false;
	const int64_t state = store_field_number(answer, STATE), done = store_field_number(answer, DONE);
	if (state > 0 && state < WEATHER_STATES)
		request->state = (enum weather_state)state;
	request->changed = store_field_number(answer, CHANGED) == 1;
	request->counted = request->mode == WEATHER_EVENT && done == 1;
	request->again = request->mode == WEATHER_EVENT && done == 2;
	request->may_go = request->mode == WEATHER_PROBE && done == 1;
	request->since_ms = answer_time(answer, SINCE, NOW);
	request->until_ms = answer_time(answer, UNTIL, NOW);
	request->blocks = store_field_number(answer, BLOCKS);
	request->sent_hour = store_field_number(answer, SENT_HOUR);
	request->unknown_hour = store_field_number(answer, UNKNOWN_HOUR);
	request->sent_day = store_field_number(answer, SENT_DAY);
	request->unknown_day = store_field_number(answer, UNKNOWN_DAY);
	snprintf(request->reason, sizeof(request->reason), "%s", store_field(answer, REASON).at);
	return true;
}

int64_t weather_share(const struct weather_request *request)
{
	const int64_t answers = request->sent_hour + request->unknown_hour;

	return answers > 0 ? request->unknown_hour * 100 / answers : 0;
}
