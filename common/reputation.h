/*
 * What providers think of us, and how long it counts: section `reputation` of conf.d. Who reads their answers and who
 * heeds what was read must count alike, so both take their figures from here.
 */
#ifndef LEUMUND_REPUTATION_H
#define LEUMUND_REPUTATION_H

#include "option/option.h"
#include "store/budget.h"
#include "store/dead.h"
#include "store/wave.h"
#include "store/weather.h"

struct reputation_options {
	int64_t dead_attempts, dead_days, dead_list;
	int64_t dead_apart, dead_keep, dead_watch; /* seconds, as all times here */
	int64_t wave_count, wave_percent, wave_hold;
	int64_t block_open, block_most, block_quiet;
	int64_t probes, probe_wait, ramp, warning;
	int64_t unknown_hour, unknown_day, unknown_percent, unknown_sample;
	struct string_list budgets;
	int64_t budget_share, budget_way, complaint_keep;
};

extern const struct section reputation_section;

struct dead_rule reputation_dead(const struct reputation_options *options);
struct dead_of_rule reputation_dead_of(const struct reputation_options *options);
struct wave_rule reputation_wave(const struct reputation_options *options);
struct weather_rule reputation_weather(const struct reputation_options *options);

/* Of a provider as common/provider names it; who has no row has that of "*", or no limit. */
struct budget_rule reputation_budget(const struct reputation_options *options, const char *provider);

/* The address of weather where egress.addresses is empty and nobody can tell. */
#define REPUTATION_NO_EGRESS "unknown"

#endif
