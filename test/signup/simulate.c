/*
 * simulate [OPTION]... [FILE]: what the limits of `signup` make of the sample: the shares of bot mail stopped and of
 * honest mail touched.
 *   -v by kind and attack   -s in one line   -d each honest mail touched   -t for several limits   -b held against the
 * aims -o NAME=NUMBER another limit, weight_EVIDENCE, usual_percent, sales_percent, calm_minutes -c an installation
 * that was told of no contacts   -l DAYS it only observes for so long -A -L -W without the evidence of alike texts, of
 * local parts, of words
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay.h"

#define SAMPLE_START INT64_C(1774224000) /* as test/data/signup/make has it */
#define GROUPS_MAX 128
#define SIEGES_MAX 256
#define AIM_STOPPED 95.0 /* percent, at least */
#define AIM_TOUCHED 0.1	 /* percent, at most */
#define FIRST_FREE 20	 /* so many of an attack are allowed to get through */

struct group {
	char name[48];
	enum label label;
	unsigned long messages, first_contacts, touched, late, late_stopped, besieged, besieged_touched;
	unsigned long by_rule[SIGNUP_RULES];
};

struct groups {
	unsigned count;
	struct group at[GROUPS_MAX];
};

/* For so long after an attack the account's counts are full. */
#define SIEGE_SECONDS (26 * 3600)

struct siege {
	char account[16];
	int64_t last;
};

struct result {
	unsigned sieges;
	struct siege siege[SIEGES_MAX];
	struct groups kinds, attacks;
	unsigned long honest, honest_single, honest_fresh, touched, besieged, besieged_touched, bot, stopped, late,
		late_stopped, stolen, stolen_stopped;
};

static struct group *group_of(struct groups *groups, const char *name, enum label label)
{
	for (unsigned i = 0; i < groups->count; i++)
		if (groups->at[i].label == label && !strcmp(groups->at[i].name, name))
			return &groups->at[i];
	if (groups->count == GROUPS_MAX) {
		fprintf(stderr, "simulate: more than %d kinds\n", GROUPS_MAX);
		exit(2);
	}
	groups->at[groups->count].label = label;
	snprintf(groups->at[groups->count].name, sizeof(groups->at->name), "%s", name);
	return &groups->at[groups->count++];
}

static void group_add(struct group *group, const struct outcome *outcome, bool is_late, bool is_besieged)
{
	bool stopped = outcome->finding.verdict.action > ACTION_OBSERVE;

	group->messages++;
	group->first_contacts += outcome->fresh > 0;
	group->touched += stopped;
	group->late += is_late;
	group->late_stopped += is_late && stopped;
	group->besieged += is_besieged && outcome->fresh > 0;
	group->besieged_touched += is_besieged && stopped;
	if (stopped)
		group->by_rule[outcome->finding.verdict.rule - signup_rules]++;
}

/* When a bot was last seen at the account. */
static int64_t *siege_of(struct result *result, const char *account)
{
	for (unsigned i = 0; i < result->sieges; i++)
		if (!strcmp(result->siege[i].account, account))
			return &result->siege[i].last;
	if (result->sieges == SIEGES_MAX) {
		fprintf(stderr, "simulate: more than %d accounts\n", SIEGES_MAX);
		exit(2);
	}
	snprintf(result->siege[result->sieges].account, sizeof(result->siege->account), "%s", account);
	return &result->siege[result->sieges++].last;
}

static void result_add(struct result *result, const struct line *line, const struct outcome *outcome)
{
	bool stopped = outcome->finding.verdict.action > ACTION_OBSERVE, is_late = false, is_besieged;
	int64_t *last_bot = siege_of(result, line->account);

	if (line->label != LABEL_HONEST)
		*last_bot = line->time;
	is_besieged = line->label == LABEL_HONEST && line->time - *last_bot < SIEGE_SECONDS;
	if (line->label == LABEL_SIDE)
		return;
	if (line->attack[0] != '\0') {
		struct group *attack = group_of(&result->attacks, line->attack, line->label);

		is_late = attack->messages >= FIRST_FREE;
		group_add(attack, outcome, is_late, false);
	}
	group_add(group_of(&result->kinds, line->kind, line->label), outcome, is_late, is_besieged);
	if (line->label == LABEL_HONEST) {
		result->honest++;
		result->honest_single += strncmp(line->kind, "newsletter", 10) != 0;
		result->honest_fresh += outcome->fresh > 0;
		result->touched += stopped;
		result->besieged += is_besieged && outcome->fresh > 0;
		result->besieged_touched += is_besieged && stopped;
	} else if (line->label == LABEL_BOT) {
		result->bot++;
		result->stopped += stopped;
		result->late += is_late;
		result->late_stopped += is_late && stopped;
	} else {
		result->stolen++;
		result->stolen_stopped += stopped;
	}
}

static double percent(unsigned long part, unsigned long whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_touched(const struct line *line, const struct outcome *outcome)
{
	const struct signup_finding *found = &outcome->finding;

	printf("%lld %s %s %u of %u %s evidence=", (long long)line->time, line->account, found->verdict.rule->name,
	       found->used, found->limit, found->window == SIGNUP_HOUR ? "hour" : "day");
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++)
		if (SIGNUP_HAS(outcome->evidence, i))
			printf("%s,", signup_evidence_names[i]);
	printf(" %s: %.*s\n", line->kind, (int)line->subject.len, line->subject.at);
}

static struct result *run(FILE *file, const struct replay_settings *settings, bool says_touched)
{
	struct sample sample = { .file = file };
	struct result *result = calloc(1, sizeof(*result));
	struct replay *replay = replay_new(settings);
	struct line line;

	if (!result)
		abort();
	while (sample_next(&sample, &line)) {
		struct outcome outcome = replay_line(replay, &line);

		if (line.event == EVENT_MAIL && line.time >= settings->learning_until)
			result_add(result, &line, &outcome);
		if (says_touched && line.event == EVENT_MAIL && line.label == LABEL_HONEST &&
		    outcome.finding.verdict.rule)
			print_touched(&line, &outcome);
	}
	replay_free(replay);
	free(sample.buffer);
	return result;
}

/* The mean over attacks: each counts alike, however fast it was. */
static double mean_of_attacks(const struct result *result)
{
	double sum = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < result->attacks.count; i++) {
		const struct group *attack = &result->attacks.at[i];

		if (attack->label != LABEL_BOT || attack->late == 0)
			continue;
		sum += percent(attack->late_stopped, attack->late);
		count++;
	}
	return count ? sum / count : 0;
}

static void print_groups(const struct groups *groups, enum label label, const char *title)
{
	printf("%-22s %8s %8s %8s %8s %8s  by rule\n", title, "mails", "first", "stopped", "%", "late %");
	for (unsigned i = 0; i < groups->count; i++) {
		const struct group *group = &groups->at[i];

		if (group->label != label)
			continue;
		printf("%-22s %8lu %8lu %8lu %8.2f %8.2f ", group->name, group->messages, group->first_contacts,
		       group->touched, percent(group->touched, group->messages),
		       percent(group->late_stopped, group->late));
		if (label == LABEL_HONEST)
			printf(" calm=%lu", group->touched - group->besieged_touched);
		for (unsigned rule = 0; rule < SIGNUP_RULES; rule++)
			if (group->by_rule[rule])
				printf(" %s=%lu", signup_rules[rule].name, group->by_rule[rule]);
		putchar('\n');
	}
}

static void print_short(const struct result *result)
{
	printf("stopped %.2f touched %.3f %% (all bots %.2f, mean of attacks %.2f; of honest first contacts %.3f)\n",
	       percent(result->late_stopped, result->late), percent(result->touched, result->honest),
	       percent(result->stopped, result->bot), mean_of_attacks(result),
	       percent(result->touched, result->honest_fresh));
}

static void print_result(const struct result *result, bool is_long)
{
	if (is_long) {
		print_groups(&result->kinds, LABEL_HONEST, "honest mail");
		print_groups(&result->kinds, LABEL_BOT, "bots' mail");
		print_groups(&result->kinds, LABEL_STOLEN, "stolen mailboxes");
		print_groups(&result->attacks, LABEL_BOT, "attack");
	}
	printf("bot mail stopped: %.2f %% of %lu, after the first %d of an attack %.2f %%, mean of attacks %.2f %%\n",
	       percent(result->stopped, result->bot), result->bot, FIRST_FREE,
	       percent(result->late_stopped, result->late), mean_of_attacks(result));
	printf("honest mail touched: %lu of %lu = %.3f %%, of %lu without newsletters %.3f %%, of %lu first contacts "
	       "%.3f %%\n",
	       result->touched, result->honest, percent(result->touched, result->honest), result->honest_single,
	       percent(result->touched, result->honest_single), result->honest_fresh,
	       percent(result->touched, result->honest_fresh));
	printf("of the touched, at accounts under attack: %lu = %.1f %% of their %lu honest first contacts; elsewhere: "
	       "%lu\n",
	       result->besieged_touched, percent(result->besieged_touched, result->besieged), result->besieged,
	       result->touched - result->besieged_touched);
	printf("stolen mailboxes (not counted above): %.2f %% of %lu stopped\n",
	       percent(result->stolen_stopped, result->stolen), result->stolen);
}

/* NAME=NUMBER as conf.d would say it: script_recipients_hour, weight_trade, usual_percent. */
static bool set_option(struct replay_settings *settings, char *assignment)
{
	char *value = strchr(assignment, '=');
	char name[64];
	uint32_t number;

	if (!value)
		return false;
	*value++ = '\0';
	number = (uint32_t)strtoul(value, NULL, 10);
	for (unsigned rule = 0; rule < SIGNUP_RULES; rule++)
		for (unsigned window = 0; window < SIGNUP_WINDOWS; window++) {
			snprintf(name, sizeof(name), "%s_%s", signup_rules[rule].name,
				 window == SIGNUP_HOUR ? "hour" : "day");
			if (!strcmp(name, assignment)) {
				settings->limits.limit[rule][window] = number;
				return true;
			}
		}
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++) {
		snprintf(name, sizeof(name), "weight_%s", signup_evidence_names[i]);
		if (!strcmp(name, assignment)) {
			settings->limits.weight[i] = number;
			return true;
		}
	}
	if (!strcmp(assignment, "usual_percent"))
		settings->limits.usual_percent = number;
	else if (!strcmp(assignment, "sales_percent"))
		settings->limits.sales_percent = number;
	else if (!strcmp(assignment, "calm_minutes"))
		settings->limits.calm_ms = number * INT64_C(60000);
	else
		return false;
	return true;
}

/* All limits times so much. */
static void scale(struct replay_settings *settings, unsigned percent_of)
{
	for (unsigned rule = SIGNUP_SCRIPT; rule < SIGNUP_RULES; rule++)
		for (unsigned window = 0; window < SIGNUP_WINDOWS; window++)
			settings->limits.limit[rule][window] = settings->limits.limit[rule][window] * percent_of / 100;
}

static void print_table(FILE *file, const struct replay_settings *settings)
{
	static const unsigned percents[] = { 25, 50, 75, 100, 150, 200, 400, 800, 0 };

	printf("%-10s %14s %14s %14s   %10s %10s %10s   %10s\n", "limits", "script h/day", "provider h/day",
	       "account h/day", "bots late%", "mean att.%", "bots all%", "honest %");
	for (const unsigned *at = percents; *at; at++) {
		struct replay_settings changed = *settings;
		const uint32_t(*limit)[SIGNUP_WINDOWS] = changed.limits.limit;
		struct result *result;
		char words[3][32];

		scale(&changed, *at);
		rewind(file);
		result = run(file, &changed, false);
		for (unsigned i = 0; i < 3; i++)
			snprintf(words[i], sizeof(words[i]), "%u/%u", limit[SIGNUP_SCRIPT + i][0],
				 limit[SIGNUP_SCRIPT + i][1]);
		printf("x %-8.2f %14s %14s %14s   %10.2f %10.2f %10.2f   %10.3f\n", *at / 100.0, words[0], words[1],
		       words[2], percent(result->late_stopped, result->late), mean_of_attacks(result),
		       percent(result->stopped, result->bot), percent(result->touched, result->honest));
		free(result);
	}
}

/* The aims, as lines of a test. */
static bool print_bars(const struct result *result)
{
	bool stops = percent(result->late_stopped, result->late) >= AIM_STOPPED;
	bool spares = percent(result->touched, result->honest) <= AIM_TOUCHED;

	printf("%s signup_sample_stops_bots_after_the_first_20\n", stops ? "ok" : "not ok");
	printf("%s signup_sample_spares_honest_mail\n", spares ? "ok" : "not ok");
	return stops && spares;
}

int main(int count, char **argument)
{
	struct replay_settings settings = { .limits = replay_defaults };
	bool is_long = false, is_short = false, has_table = false, has_bars = false, says_touched = false, is_good;
	struct result *result;
	FILE *file = stdin;
	int option;

	while ((option = getopt(count, argument, "vstbdcALWl:o:")) != -1) {
		is_long |= option == 'v';
		is_short |= option == 's';
		has_table |= option == 't';
		says_touched |= option == 'd';
		has_bars |= option == 'b';
		settings.is_cold |= option == 'c';
		if (option == 'l')
			settings.learning_until = SAMPLE_START + atoi(optarg) * INT64_C(86400);
		settings.has_no_alike |= option == 'A';
		settings.has_no_local |= option == 'L';
		settings.has_no_words |= option == 'W';
		if (option == '?' || (option == 'o' && !set_option(&settings, optarg))) {
			fprintf(stderr, "usage: simulate [-vstbdcALW] [-l DAYS] [-o NAME=NUMBER]... [FILE]\n");
			return 2;
		}
	}
	if (optind < count && !(file = fopen(argument[optind], "r"))) {
		perror(argument[optind]);
		return 2;
	}
	if (has_table) {
		print_table(file, &settings);
		return 0;
	}
	result = run(file, &settings, says_touched);
	if (is_short)
		print_short(result);
	else
		print_result(result, is_long);
	is_good = !has_bars || print_bars(result);
	free(result);
	return is_good ? 0 : 1;
}
