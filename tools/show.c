/*
 * `leumund show`: where an account stands with its limits now, what fills them, and what objected of late.
 */
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "overrides.h"
#include "picture.h"

/* ---- for people -------------------------------------------------------------------------------- */

/* "34 of 100" */
static const char *used_words(int64_t used, uint32_t limit, char *out, size_t size)
{
	if (limit)
		snprintf(out, size, "%lld of %u", (long long)used, limit);
	else
		snprintf(out, size, "%lld", (long long)used);
	return out;
}

static const char *state_of(const struct standing_limit *at)
{
	if (standing_is_full(at))
		return "full";
	return standing_is_near(at) ? "near" : "";
}

static void limit_show(const struct standing_limit *at)
{
	const struct limit *limit = &at->limit;
	char hour[32], day[32], shown[LIMIT_SHOWN_SIZE], when[TIME_BOTH_SIZE];

	limit_name_shown(limit->name, shown);
	fputs("  ", stdout);
	print_safe(stdout, shown);
	if (strlen(shown) > 34)
		printf("\n  %34s", "");
	else
		printf("%*s", 34 - (int)strlen(shown), "");
	printf(" %16s %17s%s%s\n", used_words(limit->used_hour, limit->per_hour, hour, sizeof(hour)),
	       used_words(limit->used_day, limit->per_day, day, sizeof(day)), *state_of(at) ? "  " : "", state_of(at));
	if (standing_is_full(at) && limit->free_ms > 0)
		printf("      free again at %s\n", time_both(limit->free_ms, when));
	if (limit->overridden_ms > 0)
		printf("      set by an admin until %s\n", time_both(limit->overridden_ms, when));
}

static void limits_show(const struct picture *picture)
{
	const struct standing *standing = &picture->standing;
	char first[TIME_BOTH_SIZE], last[TIME_BOTH_SIZE];
	bool unknown = false;

	if (standing->count == 0) {
		puts("  nothing was counted within a day");
		return;
	}
	printf("  %-34s %16s %17s\n", "counted", "in the last hour", "in the last day");
	for (size_t i = 0; i < standing->count; i++) {
		limit_show(&standing->at[i]);
		unknown |= !standing->at[i].knows_limits;
	}
	fputs("\n", stdout);
	print_wrapped(stdout,
		      unknown ? "Limits are those that the last message met: evidence raises or lowers them. Where "
				"none is named the count is below half of it."
			      : "Limits are those that the last message met: evidence raises or lowers them.",
		      2, 0);
	if (standing->refused > 0)
		printf("  Counts that did not fit: %lld%s%s%s%s\n", (long long)standing->refused,
		       standing->refused_ms ? ",\n    the last at " : "",
		       standing->refused_ms ? time_both(standing->refused_ms, last) : "",
		       standing->refused_ms ? ",\n    the first without a day's pause at " : "",
		       standing->refused_ms ? time_both(standing->full_since_ms, first) : "");
}

static void tops_show(const char *title, const struct tops *tops)
{
	if (tops->count == 0)
		return;
	printf("\n%s\n", title);
	for (size_t i = 0; i < tops->count; i++) {
		printf("  %10lld  ", (long long)tops->at[i].used_day);
		print_safe(stdout, tops->at[i].name);
		putchar('\n');
	}
}

static void usual_show(const struct picture *picture)
{
	if (picture->usual_count == 0)
		return;
	puts("\nNew recipients on the usual day, and today (UTC)");
	for (size_t i = 0; i < picture->usual_count; i++) {
		const struct usual *at = &picture->usual[i];

		printf("  %10lld %10lld  ", (long long)at->usual, (long long)at->today);
		print_safe(stdout, at->kind);
		putchar('\n');
	}
}

static void objections_show(const struct picture *picture)
{
	char when[40];

	if (picture->rule_count > 0)
		puts("\nRules that objected, and how often (30 days from the last time)");
	for (size_t i = 0; i < picture->rule_count; i++) {
		printf("  %10lld  ", (long long)picture->rules[i].count);
		print_safe(stdout, picture->rules[i].rule);
		putchar('\n');
	}
	if (picture->objection_count > 0)
		puts("\nThe last of them; `leumund explain ID` tells more");
	for (size_t i = 0; i < picture->objection_count; i++) {
		const struct objection *at = &picture->objections[i];

		printf("  %s  ", time_words(at->at_ms, when, sizeof(when)));
		print_safe(stdout, at->id);
		fputs("  ", stdout);
		print_safe(stdout, at->action);
		fputs(" by ", stdout);
		print_safe(stdout, at->rule);
		putchar('\n');
	}
}

static enum store_result picture_show(struct picture *picture)
{
	char now[TIME_BOTH_SIZE];
	enum store_result result;

	print_safe(stdout, picture->account);
	printf(", %s\n", time_both(picture->now_ms, now));
	limits_show(picture);
	tops_show("Scripts that wrote to new recipients, in the last day", &picture->scripts);
	tops_show("Whose mailboxes those were, in the last day", &picture->providers);
	usual_show(picture);
	objections_show(picture);
	puts("\nSet by an admin (`leumund limit`)");
	result = overrides_show(picture->question, picture->account);
	if (result == STORE_NONE)
		puts("  nothing");
	return result;
}

/* ---- for programs ------------------------------------------------------------------------------ */

static void limit_json(const struct standing_limit *at)
{
	const struct limit *limit = &at->limit;
	const uint32_t limits[] = { limit->per_hour, limit->per_day };
	char shown[LIMIT_SHOWN_SIZE];

	fputs("{\"name\":", stdout);
	print_json(stdout, limit_name_shown(limit->name, shown));
	printf(",\"used_hour\":%lld,\"used_day\":%lld", (long long)limit->used_hour, (long long)limit->used_day);
	for (size_t i = 0; i < 2; i++)
		if (limits[i])
			printf(",\"%s\":%u", i == 0 ? "per_hour" : "per_day", limits[i]);
		else
			printf(",\"%s\":null", i == 0 ? "per_hour" : "per_day");
	printf(",\"below_half\":%s,\"state\":\"%s\",\"free_ms\":%lld,\"overridden_ms\":%lld}",
	       at->knows_limits ? "false" : "true", state_of(at), (long long)limit->free_ms,
	       (long long)limit->overridden_ms);
}

static void tops_json(const char *name, const struct tops *tops)
{
	printf(",\"%s\":[", name);
	for (size_t i = 0; i < tops->count; i++) {
		printf("%s{\"name\":", i > 0 ? "," : "");
		print_json(stdout, tops->at[i].name);
		printf(",\"used_day\":%lld}", (long long)tops->at[i].used_day);
	}
	putchar(']');
}

static void objections_json(const struct picture *picture)
{
	fputs(",\"rules\":[", stdout);
	for (size_t i = 0; i < picture->rule_count; i++) {
		printf("%s{\"rule\":", i > 0 ? "," : "");
		print_json(stdout, picture->rules[i].rule);
		printf(",\"count\":%lld}", (long long)picture->rules[i].count);
	}
	fputs("],\"objections\":[", stdout);
	for (size_t i = 0; i < picture->objection_count; i++) {
		const struct objection *at = &picture->objections[i];

		printf("%s{\"at_ms\":%lld,\"id\":", i > 0 ? "," : "", (long long)at->at_ms);
		print_json(stdout, at->id);
		fputs(",\"action\":", stdout);
		print_json(stdout, at->action);
		fputs(",\"rule\":", stdout);
		print_json(stdout, at->rule);
		putchar('}');
	}
	putchar(']');
}

/* The list of overrides stands last: question_close() ends it. */
static enum store_result picture_json(struct picture *picture)
{
	fputs("{\"account\":", stdout);
	print_json(stdout, picture->account);
	printf(",\"at_ms\":%lld,\"refused\":%lld,\"refused_ms\":%lld,\"full_since_ms\":%lld,\"limits\":[",
	       (long long)picture->now_ms, (long long)picture->standing.refused,
	       (long long)picture->standing.refused_ms, (long long)picture->standing.full_since_ms);
	for (size_t i = 0; i < picture->standing.count; i++) {
		fputs(i > 0 ? "," : "", stdout);
		limit_json(&picture->standing.at[i]);
	}
	putchar(']');
	tops_json("scripts", &picture->scripts);
	tops_json("providers", &picture->providers);
	fputs(",\"usual\":[", stdout);
	for (size_t i = 0; i < picture->usual_count; i++) {
		printf("%s{\"kind\":", i > 0 ? "," : "");
		print_json(stdout, picture->usual[i].kind);
		printf(",\"usual\":%lld,\"today\":%lld}", (long long)picture->usual[i].usual,
		       (long long)picture->usual[i].today);
	}
	putchar(']');
	objections_json(picture);
	fputs(",\"overrides\":[", stdout);
	return overrides_show(picture->question, picture->account);
}

int command_show(const struct call *call)
{
	struct question question;
	int status = question_open(&question, call);

	if (status != 0)
		return status;
	struct picture *picture = calloc(1, sizeof(*picture));
	enum store_result result = STORE_DOWN;
	if (picture)
		result = picture_take(picture, &question, call->words[0]);
	const bool found = result == STORE_OK;
	if (!found)
		list_begin(&question, "limits");
	if (result == STORE_NONE)
		admin_doubt(&question, call->words[0]);
	if (found)
		result = (call->json ? picture_json : picture_show)(picture);
	if (found && result == STORE_NONE)
		result = STORE_OK;
	free(picture);
	return question_close(&question, result,
			      "nothing is known of this account: no count, no limit of its own, "
			      "no refusal");
}
