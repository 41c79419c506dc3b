/*
 * What an admin does to the limits of an account (store/limit.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/limit.h"

/* Of whom. */
struct whom {
	const char *kind; /* of the key */
	struct span entity, sub;
};

static struct whom overrides_of(const char *account)
{
	return (struct whom){ "override", span_of(account), span_of("") };
}

/* One script of one entity; `answers` as of store_run(). */
static enum store_result run(struct store *store, enum store_script script, struct whom whom, const struct span *args,
			     size_t count, struct store_answer **answers, int64_t deadline_ms)
{
	char buffer[STORE_KEY_SIZE];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	store_key_write(&text, whom.kind, whom.entity, whom.sub);
	const struct span key = { text.at, text.len };
	const struct store_request request = { script, &key, 1, args, count };
	return store_run(store, &request, 1, answers, deadline_ms);
}

enum store_result limit_override_set(struct store *store, const char *account, const struct limit_override *override,
				     char *error, size_t size, int64_t deadline_ms)
{
	char per_hour[24], per_day[24], until[24];
	struct store_answer *answers;

	snprintf(per_hour, sizeof(per_hour), "%u", override->per_hour);
	snprintf(per_day, sizeof(per_day), "%u", override->per_day);
	snprintf(until, sizeof(until), "%lld", (long long) override->until_ms);
	const struct span args[] = {
		span_of("set"),	  span_of(""),	  span_of(override->name),   span_of(per_hour),
		span_of(per_day), span_of(until), span_of(override->reason), span_of(override->who)
	};
	const enum store_result result = run(store, STORE_SCRIPT_OVERRIDE, overrides_of(account), args,
					     sizeof(args) / sizeof(*args), &answers, deadline_ms);
	snprintf(error, size, "%s", result == STORE_REFUSED && answers->count ? store_field(answers, 0).at : "");
	store_answers_free(&answers);
	return result;
}

/* A script that says how many there were. */
static enum store_result remove_some(struct store *store, enum store_script script, struct whom whom,
				     const struct span *args, size_t count, int64_t deadline_ms)
{
	struct store_answer *answers;
	enum store_result result = run(store, script, whom, args, count, &answers, deadline_ms);

	if (result == STORE_OK && store_field_number(answers, 0) == 0)
		result = STORE_NONE;
	store_answers_free(&answers);
	return result;
}

enum store_result limit_override_drop(struct store *store, const char *account, const char *name, int64_t deadline_ms)
{
	const struct span args[] = { span_of("drop"), span_of(""), span_of(name ? name : "") };

	return remove_some(store, STORE_SCRIPT_OVERRIDE, overrides_of(account), args, name ? 3 : 2, deadline_ms);
}

enum store_result limit_reset(struct store *store, struct span entity, struct span sub, const char *const *names,
			      size_t count, int64_t deadline_ms)
{
	struct span args[4 + 4 * LIMIT_NAMES] = { span_of("reset"), span_of(""), span_of("0"), span_of("") };
	size_t args_count = 4;

	for (size_t i = 0; i < count && i < LIMIT_NAMES; i++) {
		args[args_count++] = span_of(names[i]);
		for (int number = 0; number < 3; number++)
			args[args_count++] = span_of("0");
	}
	return remove_some(store, STORE_SCRIPT_LIMIT, (struct whom){ "limit", entity, sub }, args, args_count,
			   deadline_ms);
}

#define FIELDS 5 /* of each in the list */

enum store_result limit_override_list(struct store *store, const char *account, limit_override_fn *fn, void *arg,
				      int64_t deadline_ms)
{
	const struct span args[] = { span_of("list"), span_of("") };
	struct store_answer *answers;
	enum store_result result =
		run(store, STORE_SCRIPT_OVERRIDE, overrides_of(account), args, 2, &answers, deadline_ms);
	bool more = true;

	for (size_t i = 0; result == STORE_OK && i + FIELDS <= answers->count && more; i += FIELDS) {
		const struct limit_override override = {
			.name = store_field(answers, i).at,
			.per_hour = (uint32_t)store_field_number(answers, i + 1),
			.per_day = (uint32_t)store_field_number(answers, i + 2),
			.until_ms = store_field_number(answers, i + 3),
			.reason = "",
			.who = "",
		};
		more = fn(arg, &override, store_field(answers, i + 4).at);
	}
	if (result == STORE_OK && answers->count == 0)
		result = STORE_NONE;
	store_answers_free(&answers);
	return result;
}
