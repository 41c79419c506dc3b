/*
 * The rules of `signup` (policy.h): their codes and texts, and the decision. The texts are ASCII because SMTP replies
 * are; {about} is what was counted by, {detail} what came out (detail.h).
 */
#include "policy.h"

/* Evidence may lower a limit to a tenth and raise it to 128 times; more would be no limit, or no account. */
#define PERCENT_LEAST 10
#define PERCENT_MOST 12800

/* Of a day's first contacts this part falls into the busiest hour, in every trade of the sample. */
#define USUAL_HOURS 6

/* clang-format off */
const struct rule signup_rules[] = {
	[SIGNUP_VICTIM] = {
		"victim_messages", "SGN10", "5.7.1", "4.7.1",
		{ "{about} gets too many messages from forms of this platform that it did not know before: {detail}",
		  "{about} bekommt zu viele Mails von ihm bisher fremden Formularen dieser Plattform: {detail}" } },
	[SIGNUP_CLIENT] = {
		"client_recipients", "SGN20", "5.7.1", "4.7.1",
		{ "forms filled in from {about} write to too many new recipients: {detail}",
		  "von {about} ausgefuellte Formulare schreiben an zu viele neue Empfaenger: {detail}" } },
	[SIGNUP_SCRIPT] = {
		"script_recipients", "SGN30", "5.7.1", "4.7.1",
		{ "{about} writes to too many new recipients: {detail}. A captcha in its form helps",
		  "{about} schreibt an zu viele neue Empfaenger: {detail}. Ein Captcha im Formular hilft" } },
	[SIGNUP_PROVIDER] = {
		"provider_recipients", "SGN40", "5.7.1", "4.7.1",
		{ "account {account} writes to too many new recipients at {about}: {detail}",
		  "Konto {account} schreibt an zu viele neue Empfaenger bei {about}: {detail}" } },
	[SIGNUP_ACCOUNT] = {
		"account_recipients", "SGN50", "5.7.1", "4.7.1",
		{ "account {account} writes to too many new recipients: {detail}",
		  "Konto {account} schreibt an zu viele neue Empfaenger: {detail}" } },
	[SIGNUP_RULES] = { .name = NULL }
};

const char *const signup_evidence_names[] = {
	[SIGNUP_MACHINE] = "machine", [SIGNUP_PERSONAL] = "personal", [SIGNUP_SUBJECT] = "subject", [SIGNUP_TRADE] = "trade",
	[SIGNUP_LIST] = "list", [SIGNUP_REPLY] = "reply", [SIGNUP_ALIKE] = "alike", [SIGNUP_RANDOM] = "random",
	[SIGNUP_EVIDENCES] = NULL
};

const char *const signup_kind_names[] = {
	[SIGNUP_CONFIRM] = "confirm", [SIGNUP_PROGRAM] = "program", [SIGNUP_SALE] = "sale", [SIGNUP_BULK] = "bulk", [SIGNUP_PERSON] = "person", [SIGNUP_KINDS] = NULL
};

/* Whose limits the evidence and the account's usual day change: a victim and a botnet do not care what the text says. */
static const bool is_elastic[SIGNUP_RULES] = {
	[SIGNUP_SCRIPT] = true, [SIGNUP_PROVIDER] = true, [SIGNUP_ACCOUNT] = true
};
/* clang-format on */

enum signup_kind signup_kind_of(unsigned evidence)
{
	if (SIGNUP_HAS(evidence, SIGNUP_PERSONAL))
		return SIGNUP_PERSON;
	if (SIGNUP_HAS(evidence, SIGNUP_LIST))
		return SIGNUP_BULK;
	if (SIGNUP_HAS(evidence, SIGNUP_TRADE))
		return SIGNUP_SALE;
	return SIGNUP_HAS(evidence, SIGNUP_SUBJECT) ? SIGNUP_CONFIRM : SIGNUP_PROGRAM;
}

uint32_t signup_usual(uint32_t usual_256, uint32_t of_the_day)
{
	int64_t usual = usual_256, most = (usual + 2 * INT64_C(256)) * 2, day = (int64_t)of_the_day * 256;

	if (day > most)
		day = most;
	usual += (day - usual) / 8;
	return usual > UINT32_MAX ? UINT32_MAX : (uint32_t)usual;
}

uint32_t signup_percent(unsigned evidence, const struct signup_limits *limits)
{
	uint64_t percent = 100;

	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++) {
		if (!SIGNUP_HAS(evidence, i))
			continue;
		percent = percent * limits->weight[i] / 100;
		if (percent > UINT32_MAX)
			percent = UINT32_MAX;
	}
	return percent < PERCENT_LEAST ? PERCENT_LEAST : percent > PERCENT_MOST ? PERCENT_MOST : (uint32_t)percent;
}

/* What the account sends on its usual day passes, whatever the subjects say. */
static uint64_t usual_limit(enum signup_window window, const struct signup_facts *facts,
			    const struct signup_limits *limits)
{
	uint64_t usual = facts->usual < limits->usual_most ? facts->usual : limits->usual_most;

	return usual * limits->usual_percent / 100 / (window == SIGNUP_HOUR ? USUAL_HOURS : 1);
}

/* Accounts that new customers open come with their orders: in proportion, they come on top. */
static uint64_t sales_limit(enum signup_window window, const struct signup_facts *facts,
			    const struct signup_limits *limits)
{
	if (signup_kind_of(facts->evidence) != SIGNUP_CONFIRM)
		return 0;
	return (uint64_t)facts->sales[window] * limits->sales_percent / 100;
}

uint32_t signup_limit(enum signup_rule rule, enum signup_window window, const struct signup_facts *facts,
		      const struct signup_limits *limits)
{
	uint64_t limit = limits->limit[rule][window], extra;

	if (limit == 0 || !is_elastic[rule])
		return (uint32_t)limit;
	extra = usual_limit(window, facts, limits);
	limit = limit * signup_percent(facts->evidence, limits) / 100;
	/* made-up recipients are neither usual nor customers */
	if (SIGNUP_HAS(facts->evidence, SIGNUP_RANDOM))
		return limit < 1 ? 1 : limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
	if (limit < extra)
		limit = extra;
	limit += sales_limit(window, facts, limits);
	return limit < 1 ? 1 : limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

uint32_t signup_limit_calm(enum signup_rule rule, enum signup_window window, uint32_t limit)
{
	return window == SIGNUP_DAY && is_elastic[rule] && limit <= UINT32_MAX / 2 ? limit * 2 : limit;
}

static bool is_calm(const struct signup_tally *tally, const struct signup_facts *facts,
		    const struct signup_limits *limits)
{
	return limits->calm_ms > 0 && tally->refused_ms > 0 && facts->now_ms - tally->refused_ms >= limits->calm_ms;
}

uint32_t signup_limit_now(enum signup_rule rule, enum signup_window window, const struct signup_tally *tally,
			  const struct signup_facts *facts, const struct signup_limits *limits)
{
	uint32_t limit = signup_limit(rule, window, facts, limits);

	return is_calm(tally, facts, limits) ? signup_limit_calm(rule, window, limit) : limit;
}

static enum action action_now(enum action action, const struct signup_finding *found, const struct signup_tally *tally,
			      const struct signup_facts *facts, const struct signup_limits *limits)
{
	if (action > ACTION_OBSERVE && facts->learning)
		return ACTION_OBSERVE;
	if (action != ACTION_DEFER)
		return action;
	/* no later try of so many recipients would do better */
	if (found->adds > found->limit)
		return ACTION_REJECT;
	if (limits->reject_after_ms > 0 && tally->full_since_ms > 0 &&
	    facts->now_ms - tally->full_since_ms >= limits->reject_after_ms)
		return ACTION_REJECT;
	return action;
}

/* Does this window, or what else is found already, keep the message for longer? */
static bool is_longer(const struct signup_finding *found, uint32_t limit, uint32_t adds, int64_t free_ms)
{
	if (!found->verdict.rule || adds > limit)
		return true;
	return found->free_ms != 0 && free_ms > found->free_ms;
}

struct signup_finding signup_decide(enum signup_rule rule, const struct signup_tally *tally,
				    const struct signup_facts *facts, const struct signup_limits *limits)
{
	struct signup_finding found = { .verdict = VERDICT_NONE };

	if (!tally->about.at || tally->adds == 0 || limits->action[rule] == ACTION_OFF)
		return found;
	for (unsigned i = 0; i < SIGNUP_WINDOWS; i++) {
		uint32_t limit = signup_limit_now(rule, (enum signup_window)i, tally, facts, limits);
		uint64_t with = (uint64_t)tally->used[i] + tally->adds;

		if (limit == 0)
			continue;
		if (with > limit && is_longer(&found, limit, tally->adds, tally->free_ms[i])) {
			found.verdict = (struct verdict){
				limits->action[rule], &signup_rules[rule], tally->about, { "", 0 }, { "", 0 }, false
			};
			found.window = (enum signup_window)i;
			found.limit = limit;
			found.used = tally->used[i];
			found.adds = tally->adds;
			found.free_ms = tally->adds > limit ? 0 : tally->free_ms[i];
		}
		if (with * 5 >= (uint64_t)limit * 4 && (uint64_t)tally->used[i] * 5 < (uint64_t)limit * 4)
			found.near = true;
	}
	if (found.verdict.rule)
		found.verdict.action = action_now(limits->action[rule], &found, tally, facts, limits);
	return found;
}
