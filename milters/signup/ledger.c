/*
 * The counters that one message touches (ledger.h).
 */
#include "milters/signup/ledger.h"

/* Behind whose day no limit of an hour can keep anybody: an hour, and the step in which pieces of it end. */
#define HOUR_MOST_MS (70 * INT64_C(60000))

void ledger_open(struct ledger *ledger, struct span entity, struct span sub)
{
	if (ledger->entity_count < LEDGER_ENTITIES)
		ledger->entities[ledger->entity_count++] =
			(struct entity){ .entity = entity, .sub = sub, .first = ledger->counter_count };
}

void ledger_add(struct ledger *ledger, enum signup_rule rule, const char *kind, struct span detail, struct span about)
{
	struct entity *entity = &ledger->entities[ledger->entity_count - 1];
	struct counter *counter = &ledger->counters[ledger->counter_count];

	if (ledger->counter_count == LEDGER_COUNTERS || entity->count == LIMITS)
		return;
	*counter = (struct counter){ .rule = rule, .tally = { .about = about } };
	limit_name(counter->name, kind, detail);
	ledger->counter_count++;
	entity->count++;
}

void ledger_add_bare(struct ledger *ledger, enum signup_rule rule, const char *kind, struct span detail)
{
	const size_t before = ledger->counter_count;

	ledger_add(ledger, rule, kind, detail, (struct span){ "", 0 });
	if (ledger->counter_count > before)
		ledger->counters[before].is_bare = true;
}

/* ---- requests ---------------------------------------------------------------------------------- */

static struct limit_request *request_begin(const struct ledger *ledger, struct entity *entity, enum limit_mode mode)
{
	struct limit_request *request = &entity->request;

	request->mode = mode;
	request->entity = entity->entity;
	request->sub = entity->sub;
	/* mail of nobody is somebody's too: without a name, its guests would have no bound */
	request->by = ledger->entities[0].entity.len > 0 ? ledger->entities[0].entity : span_of("unknown");
	request->token = mode == LIMIT_CHECK ? (struct span){ "", 0 } : ledger->token;
	request->count = 0;
	return request;
}

static void request_add(struct limit_request *request, const char *name, uint32_t n, uint32_t per_hour,
			uint32_t per_day)
{
	struct limit *limit = &request->limits[request->count++];

	*limit = (struct limit){ .n = n, .per_hour = per_hour, .per_day = per_day };
	memcpy(limit->name, name, sizeof(limit->name));
}

static const struct store_answer *answer_at(const struct store_answer *answers, size_t i)
{
	return answers ? &answers[i] : NULL;
}

/* ---- the first trip ---------------------------------------------------------------------------- */

void ledger_ask(struct ledger *ledger, struct store *store, struct store_request *out)
{
	for (size_t i = 0; i < ledger->entity_count; i++) {
		struct entity *entity = &ledger->entities[i];
		struct limit_request *request = request_begin(ledger, entity, LIMIT_CHECK);
		char name[LIMIT_NAME_SIZE];

		for (size_t j = entity->first; j < entity->first + entity->count; j++)
			request_add(request, ledger->counters[j].name, 0, 0, 0);
		if (i == 0 && ledger->sale && request->count < LIMITS) {
			limit_name(name, "account", span_of(ledger->sale));
			request_add(request, name, 0, 0, 0);
		}
		out[i] = limit_ask(request, store);
	}
}

static uint32_t number_of(int64_t number)
{
	return number < 0 ? 0 : number > LIMIT_MOST ? LIMIT_MOST : (uint32_t)number;
}

static void counter_take(struct counter *counter, const struct limit_request *request, const struct limit *limit)
{
	struct signup_tally *tally = &counter->tally;

	tally->used[SIGNUP_HOUR] = number_of(limit->used_hour);
	tally->used[SIGNUP_DAY] = number_of(limit->used_day);
	counter->overridden = limit->overridden_ms > 0;
	counter->overridden_to[SIGNUP_HOUR] = limit->per_hour;
	counter->overridden_to[SIGNUP_DAY] = limit->per_day;
	tally->refused_ms = request->refused_ms;
	tally->full_since_ms = request->full_since_ms;
	/* the store tells one time for both windows: what lies behind any hour is the day's */
	tally->free_ms[SIGNUP_HOUR] = tally->free_ms[SIGNUP_DAY] = limit->free_ms;
}

void ledger_take(struct ledger *ledger, struct store *store, const struct store_answer *answers)
{
	for (size_t i = 0; i < ledger->entity_count; i++) {
		struct entity *entity = &ledger->entities[i];
		struct limit_request *request = &entity->request;

		limit_answer(request, store, answer_at(answers, i));
		ledger->local |= request->local;
		for (size_t j = 0; j < entity->count; j++)
			counter_take(&ledger->counters[entity->first + j], request, &request->limits[j]);
		if (i == 0 && ledger->sale && request->count > entity->count) {
			ledger->sales[SIGNUP_HOUR] = number_of(request->limits[entity->count].used_hour);
			ledger->sales[SIGNUP_DAY] = number_of(request->limits[entity->count].used_day);
		}
	}
}

/* ---- decisions --------------------------------------------------------------------------------- */

/* An admin's limits are meant as they are: no evidence bends them, and no calm. */
static struct signup_facts facts_of(const struct ledger *ledger, const struct counter *counter)
{
	struct signup_facts facts = *ledger->facts;

	if (counter->overridden) {
		facts.evidence = 0;
		facts.usual = facts.sales[SIGNUP_HOUR] = facts.sales[SIGNUP_DAY] = 0;
	}
	return facts;
}

static struct signup_limits limits_of(const struct ledger *ledger, const struct counter *counter)
{
	struct signup_limits limits = *ledger->limits;

	if (counter->overridden) {
		memcpy(limits.limit[counter->rule], counter->overridden_to, sizeof(counter->overridden_to));
		limits.calm_ms = 0;
	}
	if (counter->is_bare)
		memset(limits.limit[counter->rule], 0, sizeof(limits.limit[counter->rule]));
	return limits;
}

uint32_t ledger_limit(const struct ledger *ledger, const struct counter *counter, enum signup_window window)
{
	const struct signup_facts facts = facts_of(ledger, counter);
	const struct signup_limits limits = limits_of(ledger, counter);

	return signup_limit_now(counter->rule, window, &counter->tally, &facts, &limits);
}

static void counter_decide(const struct ledger *ledger, struct counter *counter)
{
	const struct signup_facts facts = facts_of(ledger, counter);
	const struct signup_limits limits = limits_of(ledger, counter);
	struct signup_tally *tally = &counter->tally;

	tally->adds = counter->adds;
	if (tally->free_ms[SIGNUP_DAY] - facts.now_ms > HOUR_MOST_MS)
		tally->free_ms[SIGNUP_HOUR] = 0;
	counter->finding = signup_decide(counter->rule, tally, &facts, &limits);
}

static bool objects(const struct counter *counter)
{
	return counter->finding.verdict.action > ACTION_OBSERVE;
}

static bool is_counted(const struct ledger *ledger, const struct counter *counter)
{
	return counter->adds > 0 && ledger->limits->action[counter->rule] != ACTION_OFF;
}

/* Would the rule keep the message, if it objected? */
static bool bites(const struct ledger *ledger, const struct counter *counter)
{
	return is_counted(ledger, counter) && !ledger->facts->learning &&
	       ledger->limits->action[counter->rule] > ACTION_OBSERVE;
}

bool ledger_objects(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->counter_count; i++)
		if (objects(&ledger->counters[i]))
			return true;
	return false;
}

/* ---- the second trip --------------------------------------------------------------------------- */

/* Fills in those that bite, or those that do not. False: there are none. */
static bool request_fill(const struct ledger *ledger, struct entity *entity, enum limit_mode mode, bool biting)
{
	struct limit_request *request = request_begin(ledger, entity, mode);

	for (size_t i = entity->first; i < entity->first + entity->count; i++) {
		const struct counter *counter = &ledger->counters[i];

		if (is_counted(ledger, counter) && bites(ledger, counter) == biting)
			request_add(request, counter->name, counter->adds, ledger_limit(ledger, counter, SIGNUP_HOUR),
				    ledger_limit(ledger, counter, SIGNUP_DAY));
	}
	return request->count > 0;
}

static bool entity_objects(const struct ledger *ledger, const struct entity *entity)
{
	for (size_t i = entity->first; i < entity->first + entity->count; i++)
		if (objects(&ledger->counters[i]))
			return true;
	return false;
}

/* The store says that it is full: whatever its other numbers tell, it is. */
static void insist(struct ledger *ledger, struct entity *entity)
{
	for (size_t i = 0; i < entity->request.count; i++) {
		const struct limit *limit = &entity->request.limits[i];

		for (size_t j = entity->first; limit->free_ms != 0 && j < entity->first + entity->count; j++) {
			struct counter *counter = &ledger->counters[j];

			if (strcmp(counter->name, limit->name) != 0)
				continue;
			counter->tally.used[SIGNUP_DAY] = ledger_limit(ledger, counter, SIGNUP_DAY);
			counter->tally.used[SIGNUP_HOUR] = ledger_limit(ledger, counter, SIGNUP_HOUR);
			counter_decide(ledger, counter);
		}
	}
}

static void entity_take(struct ledger *ledger, struct entity *entity)
{
	const struct limit_request *request = &entity->request;
	size_t at = 0;

	ledger->local |= request->local;
	entity->counted = request->counted;
	for (size_t i = entity->first; i < entity->first + entity->count && at < request->count; i++) {
		struct counter *counter = &ledger->counters[i];

		if (!bites(ledger, counter))
			continue;
		counter->notices = request->limits[at].notices;
		counter_take(counter, request, &request->limits[at++]);
		if (request->fits)
			counter->finding = (struct signup_finding){ .verdict = VERDICT_NONE };
		else
			counter_decide(ledger, counter);
	}
	if (!request->fits && !entity_objects(ledger, entity))
		insist(ledger, entity);
}

/* Those to ask. One that would be refused again is only looked at: when it is free again is told by its numbers. */
static size_t choose(struct ledger *ledger, struct entity **chosen)
{
	const bool refused = ledger_objects(ledger);
	const enum limit_mode mode = refused && ledger->tried_before ? LIMIT_CHECK : LIMIT_COUNT;
	size_t count = 0;

	for (size_t i = 0; i < ledger->entity_count; i++) {
		struct entity *entity = &ledger->entities[i];

		if (refused && !entity_objects(ledger, entity))
			continue;
		if (request_fill(ledger, entity, mode, true))
			chosen[count++] = entity;
	}
	return count;
}

void ledger_count(struct ledger *ledger, struct store *store)
{
	struct store_request requests[LEDGER_ENTITIES];
	struct entity *chosen[LEDGER_ENTITIES];
	struct store_answer *answers;
	size_t count;

	for (size_t i = 0; i < ledger->counter_count; i++)
		counter_decide(ledger, &ledger->counters[i]);
	count = choose(ledger, chosen);
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		requests[i] = limit_ask(&chosen[i]->request, store);
	(void)store_run(store, requests, count, &answers, 0);
	for (size_t i = 0; i < count; i++) {
		limit_answer(&chosen[i]->request, store, answer_at(answers, i));
		chosen[i]->sent = chosen[i]->request.mode == LIMIT_COUNT;
		entity_take(ledger, chosen[i]);
	}
	store_answers_free(&answers);
}

/* Those that observe have a token of their own: else what bites would stand for them. */
void ledger_post(struct ledger *ledger, struct store *store)
{
	char TEXT_BUFFER token[600];
	struct text text;

	for (size_t i = 0; i < ledger->entity_count; i++) {
		struct entity *entity = &ledger->entities[i];

		if (!entity->sent && request_fill(ledger, entity, LIMIT_OBSERVE, true))
			limit_post(&entity->request, store);
		if (!request_fill(ledger, entity, LIMIT_OBSERVE, false))
			continue;
		text_init(&text, token, sizeof(token));
		text_str(&text, "observe ");
		text_mem(&text, ledger->token.at, ledger->token.len);
		entity->request.token = (struct span){ text.at, text.len };
		limit_post(&entity->request, store);
	}
}
