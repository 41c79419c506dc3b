/*
 * `leumund limit`: other limits for an account, for a time.
 */
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "limit_names.h"
#include "overrides.h"
#include "system/clock.h"

#define LONGEST_MS (366 * 86400000LL) /* as override.lua has it */
#define WORDS_BYTES 200		      /* of reason and name together, the same */
#define ERROR_BYTES 256

/* What is to be set, understood. */
struct order {
	struct limit_names names;
	struct limit_override limits; /* but for its name */
	char who[ADMIN_NAME_SIZE];
};

/* ---- the words of the call ----------------------------------------------------------------------- */

/* One of HOUR/DAY. 0, or -1: it is no limit. No 0, which could be meant as the opposite of what it is to the store. */
static int number_read(const char *from, const char **end, uint32_t *out)
{
	static const char none[] = "none";
	char *rest;
	long number;

	*out = 0;
	if (strncmp(from, none, sizeof(none) - 1) == 0) {
		*end = from + sizeof(none) - 1;
		return 0;
	}
	number = *from >= '0' && *from <= '9' ? strtol(from, &rest, 10) : 0;
	if (number < 1 || number > LIMIT_MOST)
		return -1;
	*out = (uint32_t)number;
	*end = rest;
	return 0;
}

static bool limits_read(const char *from, struct limit_override *out)
{
	const char *rest;

	if (number_read(from, &rest, &out->per_hour) < 0 || *rest != '/' ||
	    number_read(rest + 1, &rest, &out->per_day) < 0 || *rest != '\0') {
		complain_word(from, "write HOUR/DAY, such as 50/200: numbers from 1 to %d, or none for no limit",
			      LIMIT_MOST);
		return false;
	}
	if (out->per_hour > out->per_day && out->per_day) {
		complain_word(from, "more in an hour than in a day; write HOUR/DAY, the hour first");
		return false;
	}
	return true;
}

static bool until_take(const char *from, struct limit_override *out)
{
	const int64_t now_ms = clock_wall_ms();

	out->until_ms = until_read(from, now_ms);
	if (out->until_ms < 0)
		complain_word(from, "no time to come to for --until: write a day (2026-12-01, all of it), a local time "
				    "(\"2026-12-01 18:00\") or a span (+2d)");
	else if (out->until_ms <= now_ms)
		complain_word(from, "--until is over; name a time to come");
	else if (out->until_ms > now_ms + LONGEST_MS)
		complain_word(from, "--until: at most 366 days; what is to stay belongs into conf.d");
	else
		return true;
	return false;
}

static bool reason_take(const char *reason, struct order *out)
{
	const size_t room = WORDS_BYTES - strlen(out->who);

	for (const char *at = reason; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f) {
			complain("--reason: control characters are not allowed; write one line");
			return false;
		}
	if (reason[strspn(reason, " ")] == '\0' || strlen(reason) > room) {
		complain("--reason: 1 to %zu bytes, so that whoever reads it later knows why", room);
		return false;
	}
	out->limits.reason = reason;
	out->limits.who = out->who;
	return true;
}

static bool names_take(const char *word, struct limit_names *names)
{
	if (limit_names_read(word, names))
		return true;
	complain_word(word, "%s", names->problem);
	return false;
}

static bool order_read(const struct call *call, struct order *out)
{
	admin_name(out->who);
	return names_take(call->words[1], &out->names) && limits_read(call->words[2], &out->limits) &&
	       until_take(call->until, &out->limits) && reason_take(call->reason, out);
}

/* What goes with what; true: it fits. */
static bool call_is_whole(const struct call *call)
{
	const bool sets = call->count == 3;
	const char *problem = NULL;

	if (call->list)
		problem = call->count > 0 || call->drop || call->until || call->reason ? "--list stands alone" : NULL;
	else if (call->count == 0)
		problem = "name an account, or write --list for all of them";
	else if (call->drop)
		problem = call->count != 2		? "--drop: write ACCOUNT NAME --drop"
			  : call->until || call->reason ? "--drop takes no --until and no --reason"
							: NULL;
	else if (call->count == 2)
		problem = "write HOUR/DAY behind NAME, or --drop";
	else if (sets && !call->until)
		problem = "--until DATE is missing: whatever is set ends some day";
	else if (sets && !call->reason)
		problem = "--reason TEXT is missing: whoever finds it later must know why";
	else if (!sets && (call->until || call->reason))
		problem = "--until and --reason: write ACCOUNT NAME HOUR/DAY too";
	if (problem)
		complain("%s", problem);
	return !problem;
}

/* ---- set, drop ----------------------------------------------------------------------------------- */

/* The first `count` names as a fact. */
static void names_fact(struct text *facts, const struct limit_names *names, size_t count)
{
	char list[LIMIT_NAMES_MEANT * LIMIT_SHOWN_SIZE], shown[LIMIT_SHOWN_SIZE];
	struct text text;

	text_init(&text, list, sizeof(list));
	for (size_t i = 0; i < count; i++) {
		text_str(&text, i > 0 ? "," : "");
		text_str(&text, limit_name_shown(names->at[i], shown));
	}
	admin_fact(facts, "names", list);
}

static bool set_note(const struct question *question, const char *account, const struct order *order, size_t count)
{
	char buffer[1600], number[24];
	struct text facts;

	text_init(&facts, buffer, sizeof(buffer));
	names_fact(&facts, &order->names, count);
	snprintf(number, sizeof(number), "%u", order->limits.per_hour);
	admin_fact(&facts, "per_hour", order->limits.per_hour ? number : "none");
	snprintf(number, sizeof(number), "%u", order->limits.per_day);
	admin_fact(&facts, "per_day", order->limits.per_day ? number : "none");
	admin_fact(&facts, "until", time_both(order->limits.until_ms, (char[TIME_BOTH_SIZE]){ "" }));
	admin_fact(&facts, "reason", order->limits.reason);
	return admin_note(question, account, "limit", buffer);
}

/* The script's own sentence, where it has one: the store is well. */
static bool refusal_say(const char *error)
{
	static const char begin[] = "ERR ";

	if (strncmp(error, begin, sizeof(begin) - 1) != 0)
		return false;
	complain("the store refused it: %s%s", error + sizeof(begin) - 1,
		 strstr(error, "too many")
			 ? "; drop one that is no more needed with `leumund limit ACCOUNT NAME --drop`"
			 : "");
	return true;
}

static enum store_result order_run(struct question *question, const char *account, struct order *order)
{
	char error[ERROR_BYTES] = "", words[WORDS_BYTES + 100];
	enum store_result result = STORE_OK;
	size_t done = 0;

	snprintf(words, sizeof(words), "UTC by %s: %s", order->limits.who, order->limits.reason);
	for (; done < order->names.count; done++) {
		order->limits.name = order->names.at[done];
		result =
			limit_override_set(question->store, account, &order->limits, error, sizeof(error), QUESTION_MS);
		if (result != STORE_OK)
			break;
		override_show(question, account, &order->limits, words);
	}
	if (done > 0 && !set_note(question, account, order, done))
		question->finding = true;
	if (result != STORE_REFUSED || !refusal_say(error))
		return result;
	question->finding = true;
	return STORE_OK;
}

static enum store_result drop_run(struct question *question, const char *account, const struct limit_names *names)
{
	enum store_result result = STORE_OK;
	struct limit_names gone = { .count = 0 };
	char buffer[1600], shown[LIMIT_SHOWN_SIZE];
	struct text facts;

	for (size_t i = 0; i < names->count && result <= STORE_NONE; i++) {
		result = limit_override_drop(question->store, account, names->at[i], QUESTION_MS);
		if (result == STORE_OK)
			memcpy(gone.at[gone.count++], names->at[i], LIMIT_NAME_SIZE);
	}
	for (size_t i = 0; i < gone.count; i++) {
		list_separate(question);
		limit_name_shown(gone.at[i], shown);
		if (question->call->json) {
			print_json(stdout, shown);
		} else {
			print_safe(stdout, shown);
			puts(": dropped; the limit of conf.d is in force again");
		}
	}
	text_init(&facts, buffer, sizeof(buffer));
	names_fact(&facts, &gone, gone.count);
	if (gone.count > 0 && !admin_note(question, account, "limit_drop", buffer))
		question->finding = true;
	return result == STORE_NONE && gone.count > 0 ? STORE_OK : result;
}

/* ---- the command --------------------------------------------------------------------------------- */

int command_limit(const struct call *call)
{
	const char *account = call->count > 0 ? call->words[0] : NULL, *none = "no limit is overridden now";
	struct limit_names names;
	struct question question;
	enum store_result result;
	struct order order;
	int status;

	if (!call_is_whole(call) || (call->drop && !names_take(call->words[1], &names)) ||
	    (call->count == 3 && !order_read(call, &order)))
		return EX_USAGE;
	status = question_open(&question, call);
	if (status != 0)
		return status;
	list_begin(&question, call->drop ? "dropped" : "overrides");
	if (call->drop) {
		none = "there was none to drop; `leumund limit ACCOUNT` lists them";
		result = drop_run(&question, account, &names);
	} else if (call->count == 3) {
		admin_doubt(&question, account);
		result = order_run(&question, account, &order);
	} else if (account) {
		none = "no limit of this account is overridden now";
		result = overrides_show(&question, account);
	} else {
		result = overrides_show_all(&question);
	}
	return question_close(&question, result, none);
}
