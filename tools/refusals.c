/*
 * `leumund refusals`: who is refused most, and by which rule.
 */
#include <stdlib.h>
#include <string.h>

#include "question.h"

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
				QUESTION_MS);
	list_begin(&question, "refusals");
	refusals_show(&question, &refusals);
	return question_close(&question, result, "nothing was refused");
}
