/*
 * `leumund explain`, `history`: the decisions that the store remembers.
 */
#include <stdlib.h>
#include <string.h>

#include "decision_line.h"
#include "milters/table.h"
#include "question.h"
#include "system/clock.h"

#define MAX_DEFAULT 50
#define MAX_LIMIT 100000
#define FACT 400

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

/* The facts that stand in the first two lines of a decision. */
static bool is_in_head(struct span key)
{
	static const char *const keys[] = {
		"id", "action", "rule", "milter", "account", "rcpts", "rcpt_to", "mail_from"
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (key.len == strlen(keys[i]) && !memcmp(key.at, keys[i], key.len))
			return true;
	return false;
}

/* "FROM -> TO (of 3 recipients)": a decision names the recipient that it concerns, or the first. */
static void way_show(const char *text)
{
	char from[FACT], to[FACT], count[24], line[3 * FACT];

	fact_of(text, "mail_from", from, sizeof(from));
	fact_of(text, "rcpt_to", to, sizeof(to));
	fact_of(text, "rcpts", count, sizeof(count));
	snprintf(line, sizeof(line), "%s -> %s", from[0] ? from : "<>", to[0] ? to : "(no recipient yet)");
	if (strtol(count, NULL, 10) > 1)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " (of %s recipients)", count);
	print_wrapped(stdout, line, 4, 0);
}

/* The line writes a blank inside a value as \x20. */
static const char *blanks_back(char *value)
{
	static const char blank[] = "\\x20";
	char *to = value;

	for (const char *from = value; *from;) {
		const bool is_blank = !strncmp(from, blank, sizeof(blank) - 1);

		*to++ = (char)(is_blank ? ' ' : *from);
		from += is_blank ? sizeof(blank) - 1 : 1;
	}
	*to = '\0';
	return value;
}

/* A rule's detail is a sentence of ours: for people, in quotes with its blanks. */
static void fact_put(struct text *facts, struct span key, struct span value)
{
	const size_t detail = strlen("detail");
	char words[FACT];

	snprintf(words, sizeof(words), "%.*s", (int)value.len, value.at);
	text_mem(facts, key.at, key.len);
	text_char(facts, '=');
	if (value.len >= sizeof(words) || key.len < detail ||
	    memcmp(key.at + key.len - detail, "detail", detail) != 0 || !strstr(words, "\\x20")) {
		text_mem(facts, value.at, value.len);
		return;
	}
	text_char(facts, '"');
	text_str(facts, blanks_back(words));
	text_char(facts, '"');
}

static void rest_show(const char *text)
{
	char *rest = calloc(1, strlen(text) + 1);
	struct span key, value;
	struct text facts;

	if (!rest)
		return;
	text_init(&facts, rest, strlen(text) + 1);
	while (fact_next(&text, &key, &value)) {
		if (is_in_head(key))
			continue;
		if (facts.len > 0)
			text_char(&facts, ' ');
		fact_put(&facts, key, value);
	}
	print_wrapped(stdout, rest, 4, 0);
	free(rest);
}

/* What an admin did (admin.h): for people, so with its blanks. */
static void admin_show(const char *text)
{
	char word[FACT + 1], line[4 * FACT];
	struct span key, value;
	struct text facts;

	text_init(&facts, line, sizeof(line));
	while (fact_next(&text, &key, &value)) {
		if (is_in_head(key) || span_is(key, "what") || span_is(key, "who"))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)value.len, value.at);
		text_str(&facts, facts.len > 0 ? "; " : "");
		text_mem(&facts, key.at, key.len);
		text_char(&facts, ' ');
		text_str(&facts, blanks_back(word));
	}
	print_wrapped(stdout, line, 4, 0);
}

static void decision_show(int64_t at_ms, const char *account, const char *text)
{
	char when[40], word[FACT];
	const bool is_admins = strcmp(fact_of(text, "action", word, sizeof(word)), "admin") == 0;

	printf("%s  ", time_words(at_ms, when, sizeof(when)));
	print_safe(stdout, fact_of(text, is_admins ? "what" : "action", word, sizeof(word)));
	fputs(fact_of(text, is_admins ? "who" : "rule", word, sizeof(word))[0] ? " by " : "", stdout);
	print_safe(stdout, word);
	fputs("  ", stdout);
	print_safe(stdout, account);
	fputs("  ", stdout);
	print_safe(stdout, fact_of(text, "id", word, sizeof(word)));
	putchar('\n');
	if (is_admins) {
		admin_show(text);
		return;
	}
	way_show(text);
	rest_show(text);
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

/* Words of strangers that a shell takes for words. */
static bool is_harmless(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@_+:=-";

	return word[0] != '\0' && word[0] != '-' && word[strspn(word, plain)] == '\0';
}

/* What to look at next: whose domains an account has, or what SPF says now of mail from elsewhere. */
static void hint_show(const char *text, const char *account, const struct milter *milter)
{
	static const char *const keys[] = { "client", "helo", "mail_from" };
	static const char *const stand_ins[] = { "IP", "HELO", "MAILFROM" };
	char word[FACT];

	if (strcmp(milter->name, "spf") != 0) {
		fputs("Its domains: leumund who ", stdout);
		print_safe(stdout, account);
	} else {
		fputs("SPF now:     leumund spf check", stdout);
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			fact_of(text, keys[i], word, sizeof(word));
			if (!strcmp(word, "<>"))
				snprintf(word, sizeof(word), "''");
			printf(" %s", is_harmless(word) || !strcmp(word, "''") ? word : stand_ins[i]);
		}
	}
	putchar('\n');
}

/* As a reply has it, but for the id and the words of others. */
static void reason_show(const struct question *question, const char *text, const char *account, const struct rule *rule,
			const char *about, char *detail)
{
	char client[FACT], buffer[1024];
	struct text reason;

	text_init(&reason, buffer, sizeof(buffer));
	text_char(&reason, '[');
	text_str(&reason, rule->code);
	text_str(&reason, "] ");
	blanks_back(detail);
	rule_text(rule, (enum language)question->setup.leumund->language, setup_own_text(question->setup.leumund, rule),
		  &(struct rule_words){ { about, strlen(about) },
					{ detail, strlen(detail) },
					account,
					fact_of(text, "client", client, sizeof(client)) },
		  &reason);
	print_wrapped(stdout, buffer, 4, 0);
}

/* What stopped or held it. False: nothing did. */
static bool rule_show(const struct question *question, const char *text, const char *account)
{
	char name[FACT], about[FACT], detail[FACT];
	const struct milter *milter = NULL;
	const struct rule *rule = rule_find(fact_of(text, "rule", name, sizeof(name)), &milter);

	if (!rule)
		return false;
	fputs("\nThe sender is told:\n", stdout);
	fact_of(text, "about", about, sizeof(about));
	fact_of(text, "detail", detail, sizeof(detail));
	reason_show(question, text, account, rule, about, detail);
	printf("The rule:    option %s of section %s in conf.d\n", rule->name, milter->name);
	hint_show(text, account, milter);
	return true;
}

/* What rules that do no more than observe would have said. */
static void observed_show(const struct question *question, const char *text, const char *account)
{
	char names[FACT], key[FACT], about[FACT], detail[FACT], *rest = names, *name;
	const struct milter *milter = NULL;
	unsigned shown = 0;

	fact_of(text, "observed", names, sizeof(names));
	while ((name = strsep(&rest, ","))) {
		const struct rule *rule = rule_find(name, &milter);

		if (!rule)
			continue;
		if (shown++ == 0)
			puts("\nAccepted. Rules that only observe would have said:");
		fact_of(text, name, about, sizeof(about));
		snprintf(key, sizeof(key), "%s_detail", name);
		fact_of(text, key, detail, sizeof(detail));
		reason_show(question, text, account, rule, about, detail);
		printf("The rule:    option %s of section %s in conf.d\n", rule->name, milter->name);
	}
	if (shown > 0)
		hint_show(text, account, milter);
}

static bool explain_take(void *arg, int64_t at_ms, const char *account, const char *text)
{
	struct question *question = arg;

	history_take(arg, at_ms, account, text);
	if (!question->call->json && !rule_show(question, text, account))
		observed_show(question, text, account);
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
	return question_close(&question,
			      store_explain(question.store, call->words[0], explain_take, &question, QUESTION_MS),
			      "no decision with this id: it is older than store.history_keep, another store holds it, "
			      "or it is of mail "
			      "from elsewhere that nothing objected to");
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
			       &question, QUESTION_MS);
	if (result == STORE_OK && question.shown == max && !call->json)
		printf("(the newest %zu; --max shows more)\n", max);
	return question_close(
		&question, result,
		"no decisions about this account; mail whose account cannot be told is under \"unknown\", mail from "
		"elsewhere that a rule objected to under \"remote\"");
}
