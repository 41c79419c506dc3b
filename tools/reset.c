/*
 * `leumund reset`: forgets what was counted of an account, or of one whom forms were made to write to.
 */
#include <string.h>
#include <time.h>

#include "address/address.h"
#include "admin.h"
#include "contact.h"
#include "limit_names.h"
#include "standing.h"
#include "store/contact.h"
#include "system/clock.h"

#define NOBODY "unknown" /* whose history has what is no account's */

/* ---- an account's ------------------------------------------------------------------------------ */

static bool is_meant(const struct limit_names *names, const char *name)
{
	for (size_t i = 0; names && i < names->count; i++)
		if (!strcmp(names->at[i], name))
			return true;
	return !names;
}

/* Keeps those that are to be forgotten. */
static void choose(struct standing *standing, const struct limit_names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < standing->count; i++)
		if (is_meant(names, standing->at[i].limit.name))
			standing->at[kept++] = standing->at[i];
	standing->count = kept;
}

static void forgotten_show(struct question *question, const struct limit *limit)
{
	char shown[LIMIT_SHOWN_SIZE];

	list_separate(question);
	limit_name_shown(limit->name, shown);
	if (!question->call->json) {
		print_safe(stdout, shown);
		printf(": forgotten, %lld in the last hour, %lld in the last day\n", (long long)limit->used_hour,
		       (long long)limit->used_day);
		return;
	}
	fputs("{\"name\":", stdout);
	print_json(stdout, shown);
	printf(",\"used_hour\":%lld,\"used_day\":%lld}", (long long)limit->used_hour, (long long)limit->used_day);
}

/* "NAME USED,NAME USED" of the last day. */
static bool reset_note(const struct question *question, const char *account, const struct standing *standing, bool all)
{
	char buffer[1600], list[1200], shown[LIMIT_SHOWN_SIZE];
	struct text facts, text;

	text_init(&facts, buffer, sizeof(buffer));
	text_init(&text, list, sizeof(list));
	for (size_t i = 0; i < standing->count; i++) {
		text_str(&text, i > 0 ? "," : "");
		text_str(&text, limit_name_shown(standing->at[i].limit.name, shown));
		text_char(&text, ' ');
		text_u64(&text, (uint64_t)standing->at[i].limit.used_day);
	}
	admin_fact(&facts, "scope", all ? "everything" : "names");
	admin_fact(&facts, "used_in_a_day", list);
	return admin_note(question, account, "reset", buffer);
}

/* What no command can reach from here. */
static void rest_say(const struct question *question)
{
	if (!question->call->json)
		print_wrapped(
			stdout,
			"What a running service has counted itself stays in its memory, for a day at most; it "
			"decides by that only while the store is away, and `leumund restart` empties it. A message "
			"under way may still be counted, and what was counted while the store was away is told "
			"when it is back.",
			0, 0);
}

static enum store_result account_reset(struct question *question, const char *account, const struct limit_names *names)
{
	static struct standing standing;
	const char *list[STANDING_LIMITS];
	enum store_result result = standing_read(question->store, account, &standing, QUESTION_MS);

	if (result != STORE_OK)
		return result;
	choose(&standing, names);
	if (names && standing.count == 0)
		return STORE_NONE;
	for (size_t i = 0; i < standing.count; i++)
		list[i] = standing.at[i].limit.name;
	result = limit_reset(question->store, span_of(account), span_of(""), list, names ? standing.count : 0,
			     QUESTION_MS);
	if (result != STORE_OK)
		return result;
	for (size_t i = 0; i < standing.count; i++)
		forgotten_show(question, &standing.at[i].limit);
	if (!reset_note(question, account, &standing, !names))
		question->finding = true;
	rest_say(question);
	return STORE_OK;
}

/* ---- a victim's -------------------------------------------------------------------------------- */

/* The connection may still be being made. */
static bool secret_wait(struct store *store, struct store_secret *secret)
{
	const int64_t until_ms = clock_ticks_ms() + QUESTION_MS;
	struct store_status status;

	while (!store_secret(store, secret)) {
		store_status(store, &status);
		if (clock_ticks_ms() > until_ms || status.state >= STORE_STATE_AWAY)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return true;
}

static enum store_result victim_reset(struct question *question, const struct mail_path *path)
{
	char box[CONTACT_MAX], victim[CONTACT_VICTIM_SIZE], buffer[200];
	struct store_secret secret;
	struct text address, facts;

	if (!secret_wait(question->store, &secret))
		return STORE_DOWN;
	text_init(&address, box, sizeof(box));
	contact_box(path->local, path->domain, &address);
	contact_victim(victim, &secret, (struct span){ address.at, address.len });
	const enum store_result result =
		limit_reset(question->store, span_of(victim), span_of("victim"), NULL, 0, QUESTION_MS);
	if (result != STORE_OK)
		return result;
	list_separate(question);
	if (question->call->json) {
		fputs("{\"name\":\"victim\",\"entity\":", stdout);
		print_json(stdout, victim);
		putchar('}');
	} else {
		print_safe(stdout, question->call->victim);
		printf(": forgotten what all accounts' forms wrote to this address (%s)\n", victim);
	}
	text_init(&facts, buffer, sizeof(buffer));
	admin_fact(&facts, "victim", victim);
	if (!admin_note(question, NOBODY, "reset", buffer))
		question->finding = true;
	rest_say(question);
	return STORE_OK;
}

/* ---- the command ------------------------------------------------------------------------------- */

static bool victim_read(const char *address, struct mail_path *path)
{
	if (mail_path_parse(address, strlen(address), path) == 0 && !path->null && path->domain[0] != '\0')
		return true;
	complain_word(address, "no address; write it as in RCPT TO, such as somebody@example.net");
	return false;
}

int command_reset(const struct call *call)
{
	const char *none = "nothing was counted against that within a day; `leumund show ACCOUNT` lists what was";
	struct limit_names names;
	struct mail_path path;
	struct question question;
	enum store_result result;
	int status;

	if (!call->victim == (call->count == 0)) {
		complain(call->victim ? "--victim ADDRESS stands alone: it is no account's"
				      : "name an account, or an address with --victim");
		return EX_USAGE;
	}
	if (call->victim ? !victim_read(call->victim, &path)
			 : call->count == 2 && !limit_names_read(call->words[1], &names)) {
		if (!call->victim)
			complain_word(call->words[1], "%s", names.problem);
		return EX_USAGE;
	}
	status = question_open(&question, call);
	if (status != 0)
		return status;
	list_begin(&question, "reset");
	if (call->victim) {
		none = "nothing was counted against this address within a day";
		result = victim_reset(&question, &path);
	} else {
		result = account_reset(&question, call->words[0], call->count == 2 ? &names : NULL);
	}
	return question_close(&question, result, none);
}
