/*
 * All that the store knows of an account (picture.h).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decision_line.h"
#include "picture.h"
#include "store/contact.h"
#include "system/clock.h"

#define TOPS 5
#define LOOKED 200 /* decisions that are looked through for objections */

static int most_first(const void *a, const void *b)
{
	const struct top *one = a, *other = b;

	if (one->used_day != other->used_day)
		return one->used_day < other->used_day ? 1 : -1;
	return strcmp(one->name, other->name);
}

static void tops_make(struct tops *tops, const struct standing *standing, enum limit_scope wanted)
{
	char detail[LIMIT_SHOWN_SIZE];
	enum limit_scope scope;
	size_t i;

	for (size_t k = 0; k < standing->count; k++) {
		if (!limit_name_split(standing->at[k].limit.name, &scope, detail) || scope != wanted)
			continue;
		for (i = 0; i < tops->count && strcmp(tops->at[i].name, detail) != 0; i++)
			;
		if (i == tops->count)
			snprintf(tops->at[tops->count++].name, LIMIT_SHOWN_SIZE, "%s", detail);
		tops->at[i].used_day += standing->at[k].limit.used_day;
	}
	if (tops->count > 0)
		qsort(tops->at, tops->count, sizeof(*tops->at), most_first);
	if (tops->count > TOPS)
		tops->count = TOPS;
}

/* "COUNT on YYYY-MM-DD, usual NUMBER": of that day. Other fields of leu:seen tell nothing here. */
static bool kind_take(void *arg, const char *account, const char *field, const char *value)
{
	struct picture *picture = arg;
	const time_t now = (time_t)(picture->now_ms / 1000);
	char day[16], today[16] = "";
	long long count;
	struct tm utc;

	(void)account;
	if (picture->usual_count >= USUAL || sscanf(value, "%10lld on %10[0-9-], usual", &count, day) != 2)
		return true;
	if (gmtime_r(&now, &utc))
		strftime(today, sizeof(today), "%Y-%m-%d", &utc);
	struct usual *at = &picture->usual[picture->usual_count++];
	snprintf(at->kind, sizeof(at->kind), "%s", field);
	at->today = strcmp(day, today) == 0 ? count : 0;
	return true;
}

/* The usual day moves with each day that goes by: only the script knows where it is now. It wants a fingerprint. */
static enum store_result usual_take(struct picture *picture, struct store *store)
{
	static struct contact_request contacts[USUAL];
	struct store_request requests[USUAL] = { 0 };
	struct store_answer *answers;
	enum store_result result = store_fields(store, "seen", picture->account, kind_take, picture, QUESTION_MS);

	if (result != STORE_OK || picture->usual_count == 0)
		return result;
	for (size_t i = 0; i < picture->usual_count; i++) {
		contacts[i] = (struct contact_request){ .mode = CONTACT_LOOK,
							.account = span_of(picture->account),
							.kind = span_of(picture->usual[i].kind),
							.count = 1 };
		requests[i] = contact_ask(&contacts[i]);
	}
	result = store_run(store, requests, picture->usual_count, &answers, QUESTION_MS);
	for (size_t i = 0; answers && i < picture->usual_count; i++)
		if (contact_answer(&contacts[i], &answers[i]))
			picture->usual[i].usual = contacts[i].usual;
	store_answers_free(&answers);
	return result;
}

static bool rule_take(void *arg, const char *account, const char *name, int64_t count)
{
	struct picture *picture = arg;

	(void)account;
	if (picture->rule_count >= RULES)
		return false;
	struct rule_count *at = &picture->rules[picture->rule_count++];
	snprintf(at->rule, sizeof(at->rule), "%s", name);
	at->count = count;
	return true;
}

static bool decision_take(void *arg, int64_t at_ms, const char *account, const char *text)
{
	struct picture *picture = arg;
	struct objection *at = &picture->objections[picture->objection_count];

	(void)account;
	fact_of(text, "rule", at->rule, sizeof(at->rule));
	if (at->rule[0] == '\0')
		return true;
	fact_of(text, "action", at->action, sizeof(at->action));
	fact_of(text, "id", at->id, sizeof(at->id));
	at->at_ms = at_ms;
	return ++picture->objection_count < OBJECTIONS;
}

static enum store_result worse(enum store_result a, enum store_result b)
{
	if (b == STORE_NONE || (b == STORE_OK && a > STORE_NONE))
		return a;
	return a == STORE_NONE || b != STORE_OK ? b : a;
}

static bool override_count(void *arg, const struct limit_override *override, const char *words)
{
	(void)arg;
	(void) override;
	(void)words;
	return false;
}

enum store_result picture_take(struct picture *picture, struct question *question, const char *account)
{
	struct store *store = question->store;

	picture->question = question;
	picture->account = account;
	picture->now_ms = clock_wall_ms();
	enum store_result result = standing_read(store, account, &picture->standing, QUESTION_MS);

	if (result <= STORE_NONE)
		result = worse(result, limit_override_list(store, account, override_count, NULL, QUESTION_MS));
	if (result <= STORE_NONE)
		result = worse(result, usual_take(picture, store));
	if (result <= STORE_NONE)
		result = worse(result, store_refusals(store, account, rule_take, picture, QUESTION_MS));
	if (result <= STORE_NONE)
		result = worse(result, store_history(store, account, 0, picture->now_ms + 60000, LOOKED, decision_take,
						     picture, QUESTION_MS));
	tops_make(&picture->scripts, &picture->standing, LIMIT_OF_SCRIPT);
	tops_make(&picture->providers, &picture->standing, LIMIT_OF_PROVIDER);
	return result;
}
