/*
 * Section `reputation` of conf.d (reputation.h).
 */
#include "reputation.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY 86400
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-_."

/* One of UNKNOWN/COMPLAINTS; *rest behind it. */
static bool number_read(const char **rest, uint32_t *out)
{
	char *end;
	const unsigned long long number = strtoull(*rest, &end, 10);

	if (**rest < '0' || **rest > '9' || end - *rest > 10 || number > LIMIT_MOST)
		return false;
	*out = (uint32_t)number;
	*rest = end;
	return true;
}

/* "microsoft: 40/10" */
static bool budget_read(const char *row, struct span *name, uint32_t per_day[BUDGET_KINDS])
{
	const char *rest = row;

	name->at = row;
	name->len = row[0] == '*' ? 1 : strspn(row, NAME_CHARACTERS);
	rest += name->len;
	if (name->len == 0 || *rest++ != ':')
		return false;
	rest += strspn(rest, " ");
	if (!number_read(&rest, &per_day[BUDGET_UNKNOWN]) || *rest++ != '/')
		return false;
	return number_read(&rest, &per_day[BUDGET_COMPLAINT]) && *rest == '\0';
}

static const char *budget_check(const char *row)
{
	uint32_t per_day[BUDGET_KINDS];
	struct span name;

	return budget_read(row, &name, per_day)
		       ? NULL
		       : "write PROVIDER: UNKNOWN/COMPLAINTS, both a day, such as \"microsoft: 40/10\"; \"*\" is any "
			 "other provider, 0 is no limit";
}

/* clang-format off */
#define OPTION_AT(member) offsetof(struct reputation_options, member)
#define NUMBER_ROW(member, preset, least, most, text) \
	{ OPTION_NUMBER, #member, preset, least, most, NULL, NULL, OPTION_AT(member), text }
#define TIME_ROW(member, preset, least, most, text) \
	{ OPTION_TIME, #member, preset, least, most, NULL, NULL, OPTION_AT(member), text }

/*
 * Hotmail and others count mail to mailboxes that do not exist. Of the times, KumoMTA's shaping.toml has for Microsoft 2 h
 * after a block, and Microsoft's own words for its warnings are "rate limited".
 */
static const struct option rows[] = {
	NUMBER_ROW(dead_attempts, "3", 1, 100,
	  "So often must a provider have said that a mailbox does not exist before nobody writes to it any more."),
	NUMBER_ROW(dead_days, "3", 1, 100,
	  "On so many different days (UTC), at most as many as dead_attempts."),
	TIME_ROW(dead_apart, "20h", 0, 30 * DAY,
	  "So long after it was said the next attempt may be made."),
	TIME_ROW(dead_keep, "90d", 60, 400 * DAY,
	  "How long a dead mailbox is remembered."),
	TIME_ROW(dead_watch, "30d", 60, 400 * DAY,
	  "How long one is remembered of which it was said less often."),
	NUMBER_ROW(dead_list, "1000", 1, 100000,
	  "The latest so many are kept for each account that has written to them."),
	NUMBER_ROW(wave_count, "30", 1, 1000,
	  "When so many different mailboxes of one provider turn out dead within an hour, it may be the provider: nothing new is held against any."),
	NUMBER_ROW(wave_percent, "30", 0, 100,
	  "And they are so much of its answers; 0 is any."),
	TIME_ROW(wave_hold, "6h", 60, 30 * DAY,
	  "How long that lasts."),
	TIME_ROW(block_open, "2h", 1, 7 * DAY,
	  "How long nothing is sent to a provider that has blocked an address of ours; each further block doubles it."),
	TIME_ROW(block_most, "2d", 1, 7 * DAY,
	  "And at most so long."),
	TIME_ROW(block_quiet, "1d", 1, 7 * DAY,
	  "So long without a block takes one doubling away."),
	NUMBER_ROW(probes, "5", 1, 1000000,
	  "So many messages may then try whether the provider takes them, and when all of them are taken the block is over."),
	TIME_ROW(probe_wait, "30m", 1, 7 * DAY,
	  "As many more may try when no answer has come for so long."),
	TIME_ROW(ramp, "6h", 1, 7 * DAY,
	  "After that, only newsletters and first contacts wait for so long."),
	TIME_ROW(warning, "2h", 1, 7 * DAY,
	  "The same after a provider has warned, such as \"451 4.7.650\"."),
	NUMBER_ROW(unknown_hour, "20", 0, 1000000,
	  "The same when so many mailboxes were unknown to it in an hour, by mail from one address of ours; 0 is never."),
	NUMBER_ROW(unknown_day, "60", 0, 1000000,
	  "Or so many in a day; 0 is never."),
	NUMBER_ROW(unknown_percent, "10", 0, 100,
	  "Or so much of its answers of an hour; 0 is never."),
	NUMBER_ROW(unknown_sample, "50", 1, 1000000,
	  "Of so many answers at least."),
	{ OPTION_LIST, "budgets", "{\"microsoft: 40/10\", \"*: 100/20\"}", 0, 0, NULL, budget_check, OPTION_AT(budgets),
	  "How many unknown mailboxes and complaints a provider may get in any 24 hours, from all accounts and servers: "
	  "\"microsoft: 40/10\"; \"*\" is any other, 0 is no limit." },
	NUMBER_ROW(budget_share, "25", 0, 100,
	  "How much of that one account may use, in percent; 0 is all."),
	TIME_ROW(budget_way, "6h", 2, 7 * DAY,
	  "A first contact of which no answer comes counts for so long as one that may be unknown."),
	TIME_ROW(complaint_keep, "365d", 60, 1000 * DAY,
	  "How long it is remembered who has complained, after an account's latest complaint."),
	{ .name = NULL }
};
/* clang-format on */

static bool reputation_check(const void *values, const char **option, char *error, size_t size)
{
	const struct reputation_options *options = values;

	if (options->dead_days > options->dead_attempts) {
		*option = "dead_days";
		snprintf(error, size, "%lld attempts cannot be on %lld days; raise dead_attempts",
			 (long long)options->dead_attempts, (long long)options->dead_days);
		return false;
	}
	if (options->block_most < options->block_open) {
		*option = "block_most";
		snprintf(error, size, "it is shorter than block_open, the first block");
		return false;
	}
	return true;
}

const struct section reputation_section = {
	.name = "reputation",
	.summary = "What providers answer, and how long it counts.",
	.options = rows,
	.size = sizeof(struct reputation_options),
	.check = reputation_check,
};

struct dead_rule reputation_dead(const struct reputation_options *options)
{
	return (struct dead_rule){
		.attempts = options->dead_attempts,
		.days = options->dead_days,
		.apart_ms = options->dead_apart * 1000,
		.keep_ms = options->dead_keep * 1000,
		.watch_ms = options->dead_watch * 1000,
	};
}

struct dead_of_rule reputation_dead_of(const struct reputation_options *options)
{
	return (struct dead_of_rule){ options->dead_list, options->dead_keep * 1000 };
}

struct wave_rule reputation_wave(const struct reputation_options *options)
{
	return (struct wave_rule){ options->wave_count, options->wave_percent, options->wave_hold * 1000 };
}

struct weather_rule reputation_weather(const struct reputation_options *options)
{
	return (struct weather_rule){
		.open_ms = options->block_open * 1000,
		.open_most_ms = options->block_most * 1000,
		.quiet_ms = options->block_quiet * 1000,
		.probes = options->probes,
		.probe_wait_ms = options->probe_wait * 1000,
		.ramp_ms = options->ramp * 1000,
		.warn_ms = options->warning * 1000,
		.unknown_hour = options->unknown_hour,
		.unknown_day = options->unknown_day,
		.percent = options->unknown_percent,
		.sample = options->unknown_sample,
	};
}

struct budget_rule reputation_budget(const struct reputation_options *options, const char *provider)
{
	struct budget_rule found = { .share_percent = (uint32_t)options->budget_share };

	for (size_t i = 0; i < options->budgets.count; i++) {
		uint32_t per_day[BUDGET_KINDS];
		struct span name;

		if (!budget_read(options->budgets.at[i], &name, per_day))
			continue;
		if (span_is(name, provider)) {
			memcpy(found.per_day, per_day, sizeof(per_day));
			break;
		}
		if (span_is(name, "*"))
			memcpy(found.per_day, per_day, sizeof(per_day));
	}
	return found;
}
