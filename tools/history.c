/*
 * `leumund explain`, `history`, `refusals`: what the store remembers.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decision_line.h"
#include "milters/table.h"
#include "redis_server.h"
#include "setup.h"
#include "store.h"
#include "tool.h"

#define DEADLINE_MS 10000
#define MAX_DEFAULT 50
#define MAX_LIMIT 100000
#define FACT 400

/* ---- the store --------------------------------------------------------------------------------- */

struct question {
	const struct call *call;
	struct setup setup;
	struct store *store;
	size_t shown;
};

static int question_open(struct question *question, const struct call *call)
{
	const struct store_options *options;
	char error[256];
	int status;

	memset(question, 0, sizeof(*question));
	question->call = call;
	status = tool_setup(call, &question->setup);
	if (status != 0)
		return status;
	options = question->setup.store;
	if (options->address[0] == '\0')
		status = tool_run_enter(tool_run(call, &question->setup));
	if (status == 0) {
		question->store = store_open(options, REDIS_ADDRESS, error, sizeof(error));
		if (!question->store) {
			complain("%s", error);
			status = EX_CONFIG;
		}
	}
	if (status != 0)
		setup_free(&question->setup);
	return status;
}

static void away_say(const struct question *question)
{
	const char *address = question->setup.store->address;
	struct store_status now;

	store_status(question->store, &now);
	complain("the store at %s does not answer%s%s; `leumund check` says what to do",
		 address[0] ? address : "RUN/redis.sock", now.trouble[0] ? ": " : "", now.trouble);
}

/* What was found becomes the exit status. */
static int question_close(struct question *question, enum store_result result, const char *none)
{
	int status = EX_OK;

	if (question->call->json)
		puts("]}");
	switch (result) {
	case STORE_OK:
		break;
	case STORE_NONE:
		if (!question->call->json)
			puts(none);
		status = EXIT_FINDING;
		break;
	default:
		fflush(stdout);
		away_say(question);
		status = EX_UNAVAILABLE;
		break;
	}
	store_close(&question->store, 0);
	setup_free(&question->setup);
	return status;
}

static void list_begin(const struct question *question, const char *name)
{
	if (question->call->json)
		printf("{\"%s\":[", name);
}

static void list_separate(struct question *question)
{
	if (question->shown++ > 0 && question->call->json)
		putchar(',');
}

/* ---- one decision ------------------------------------------------------------------------------ */

static void decision_json(int64_t at_ms, const char *account, const char *text)
{
	const char *rest = text;
	struct span key, value;
	char word[FACT];
	bool first = true;

	printf("{\"at_ms\":%lld,\"account\":", (long long)at_ms);
	print_json(stdout, account);
	fputs(",\"facts\":{", stdout);
	while (fact_next(&rest, &key, &value)) {
		fputs(first ? "" : ",", stdout);
		first = false;
		snprintf(word, sizeof(word), "%.*s", (int)key.len, key.at);
		print_json(stdout, word);
		putchar(':');
		snprintf(word, sizeof(word), "%.*s", (int)value.len, value.at);
		print_json(stdout, word);
	}
	fputs("},\"text\":", stdout);
	print_json(stdout, text);
	putchar('}');
}

/* The facts that stand in the first line of a decision. */
static bool is_in_head(struct span key)
{
	static const char *const keys[] = { "id", "action", "rule", "milter", "account" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (key.len == strlen(keys[i]) && !memcmp(key.at, keys[i], key.len))
			return true;
	return false;
}

static void decision_show(int64_t at_ms, const char *account, const char *text)
{
	char when[40], word[FACT], *rest = calloc(1, strlen(text) + 1);
	struct span key, value;
	struct text facts;

	printf("%s  ", time_words(at_ms, when, sizeof(when)));
	print_safe(stdout, fact_of(text, "action", word, sizeof(word)));
	fputs(fact_of(text, "rule", word, sizeof(word))[0] ? " by " : "", stdout);
	print_safe(stdout, word);
	fputs("  ", stdout);
	print_safe(stdout, account);
	fputs("  ", stdout);
	print_safe(stdout, fact_of(text, "id", word, sizeof(word)));
	putchar('\n');
	if (!rest)
		return;
	text_init(&facts, rest, strlen(text) + 1);
	while (fact_next(&text, &key, &value)) {
		if (is_in_head(key))
			continue;
		if (facts.len > 0)
			text_char(&facts, ' ');
		text_mem(&facts, key.at, key.len + 1 + value.len);
	}
	print_wrapped(stdout, rest, 4, 0);
	free(rest);
}

static bool history_take(void *arg, int64_t at_ms, const char *account, const char *text)
{
	struct question *question = arg;

	list_separate(question);
	(question->call->json ? decision_json : decision_show)(at_ms, account, text);
	return true;
}

/* ---- explain ----------------------------------------------------------------------------------- */

static const struct rule *rule_find(const char *name, const struct milter **milter)
{
	for (size_t i = 0; milters[i]; i++)
		for (const struct rule *rule = milters[i]->rules; rule->name; rule++)
			if (!strcmp(rule->name, name)) {
				*milter = milters[i];
				return rule;
			}
	return NULL;
}

static bool explain_take(void *arg, int64_t at_ms, const char *account, const char *text)
{
	struct question *question = arg;
	const struct milter *milter = NULL;
	const struct rule *rule;
	char name[FACT], about[FACT], buffer[1024];
	struct text reason;

	if (question->call->json)
		return history_take(arg, at_ms, account, text);
	history_take(arg, at_ms, account, text);
	rule = rule_find(fact_of(text, "rule", name, sizeof(name)), &milter);
	if (!rule) {
		if (fact_of(text, "observed", name, sizeof(name))[0])
			puts("\nAccepted; the rules after observed= would have objected if they did more than "
			     "observe.");
		return true;
	}
	fact_of(text, "about", about, sizeof(about));
	text_init(&reason, buffer, sizeof(buffer));
	text_char(&reason, '[');
	text_str(&reason, rule->code);
	text_str(&reason, "] ");
	rule_text(rule, (enum language)question->setup.leumund->language, NULL, (struct span){ about, strlen(about) },
		  account, &reason);
	fputs("\nThe sender is told:\n", stdout);
	print_wrapped(stdout, buffer, 4, 0);
	printf("The rule:    option %s of section %s in conf.d\nIts domains: leumund who ", rule->name, milter->name);
	print_safe(stdout, account);
	putchar('\n');
	return true;
}

int command_explain(const struct call *call)
{
	struct question question;
	int status;

	if (decision_id_ms(call->words[0]) < 0) {
		complain("an id has 13 characters of 0-9 a-z, as after \"id\" in a reply or \"id=\" in the log");
		return EX_USAGE;
	}
	status = question_open(&question, call);
	if (status != 0)
		return status;
	list_begin(&question, "decisions");
	return question_close(
		&question, store_explain(question.store, call->words[0], explain_take, &question, DEADLINE_MS),
		"no decision with this id: it is older than store.history_keep, or another store holds it");
}

/* ---- history ----------------------------------------------------------------------------------- */

static int span_read(const struct call *call, int64_t *from_ms, size_t *max)
{
	char *end;
	long number = MAX_DEFAULT;

	*from_ms = 0;
	if (call->since) {
		int64_t seconds = time_read(call->since);

		if (seconds < 0) {
			complain("--since %s: write a number and one of s m h d w, such as 24h", call->since);
			return -1;
		}
		*from_ms = clock_wall_ms() - seconds * 1000;
	}
	if (call->max) {
		number = strtol(call->max, &end, 10);
		if (*end != '\0' || number < 1 || number > MAX_LIMIT) {
			complain("--max %s: a number from 1 to %d is allowed", call->max, MAX_LIMIT);
			return -1;
		}
	}
	*max = (size_t)number;
	return 0;
}

int command_history(const struct call *call)
{
	struct question question;
	enum store_result result;
	int64_t from_ms;
	size_t max;
	int status;

	if (span_read(call, &from_ms, &max) < 0)
		return EX_USAGE;
	status = question_open(&question, call);
	if (status != 0)
		return status;
	list_begin(&question, "decisions");
	result = store_history(question.store, call->words[0], from_ms, clock_wall_ms() + 60000, max, history_take,
			       &question, DEADLINE_MS);
	if (result == STORE_OK && question.shown == max && !call->json)
		printf("(the newest %zu; --max shows more)\n", max);
	return question_close(
		&question, result,
		"no decisions about this account; mail whose account cannot be told is under \"unknown\"");
}

/* ---- refusals ---------------------------------------------------------------------------------- */

struct refusal {
	char account[128], rule[80];
	int64_t count;
};

struct refusals {
	struct refusal *at;
	size_t count, room;
};

static bool refusal_take(void *arg, const char *account, const char *name, int64_t count)
{
	struct refusals *refusals = arg;
	struct refusal *refusal;

	if (refusals->count == refusals->room) {
		size_t room = refusals->room ? refusals->room * 2 : 256;

		refusal = reallocarray(refusals->at, room, sizeof(*refusal));
		if (!refusal)
			return false;
		refusals->at = refusal;
		refusals->room = room;
	}
	refusal = &refusals->at[refusals->count++];
	snprintf(refusal->account, sizeof(refusal->account), "%s", account);
	snprintf(refusal->rule, sizeof(refusal->rule), "%s", name);
	refusal->count = count;
	return true;
}

static int most_first(const void *a, const void *b)
{
	const struct refusal *one = a, *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return strcmp(one->account, other->account);
}

static void print_column(const char *text, int width)
{
	print_safe(stdout, text);
	printf("%*s ", strlen(text) < (size_t)width ? width - (int)strlen(text) : 0, "");
}

static void refusal_show(const struct refusal *refusal)
{
	print_column(refusal->account, 24);
	print_column(refusal->rule, 42);
	printf("%10lld\n", (long long)refusal->count);
}

static void refusal_json(const struct refusal *refusal)
{
	fputs("{\"account\":", stdout);
	print_json(stdout, refusal->account);
	fputs(",\"rule\":", stdout);
	print_json(stdout, refusal->rule);
	printf(",\"count\":%lld}", (long long)refusal->count);
}

static void refusals_show(struct question *question, struct refusals *refusals)
{
	if (refusals->count > 0)
		qsort(refusals->at, refusals->count, sizeof(*refusals->at), most_first);
	for (size_t i = 0; i < refusals->count; i++) {
		list_separate(question);
		(question->call->json ? refusal_json : refusal_show)(&refusals->at[i]);
	}
	free(refusals->at);
}

int command_refusals(const struct call *call)
{
	struct refusals refusals = { .at = NULL };
	struct question question;
	enum store_result result;
	int status = question_open(&question, call);

	if (status != 0)
		return status;
	result = store_refusals(question.store, call->count > 0 ? call->words[0] : NULL, refusal_take, &refusals,
				DEADLINE_MS);
	list_begin(&question, "refusals");
	refusals_show(&question, &refusals);
	return question_close(&question, result, "nothing was refused");
}
