/*
 * Limits that an admin has set for a time, as they are listed (overrides.h).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limit_names.h"
#include "overrides.h"
#include "system/clock.h"

#define WALK_MS 120000 /* all keys of a large store */
#define WORDS 320      /* of the store: at most about 250 bytes */

const char *limits_words(uint32_t per_hour, uint32_t per_day, char *out, size_t size)
{
	if (per_hour && per_day)
		snprintf(out, size, "%u an hour, %u a day", per_hour, per_day);
	else if (per_hour || per_day)
		snprintf(out, size, per_hour ? "%u an hour" : "%u a day", per_hour ? per_hour : per_day);
	else
		snprintf(out, size, "no limit");
	return out;
}

/* ---- one --------------------------------------------------------------------------------------- */

/* "until YYYY-MM-DD HH:MM UTC by WHO: REASON", of which the first part is known better. */
static const char *words_split(const char *words, char who[WORDS])
{
	const char *by = strstr(words, "UTC by "), *colon = by ? strstr(by, ": ") : strstr(words, "UTC: ");

	who[0] = '\0';
	if (by)
		snprintf(who, WORDS, "%.*s", colon ? (int)(colon - by - 7) : -1, by + 7);
	if (!colon)
		return "";
	return colon + (by ? 2 : 5);
}

static void limit_json(const char *name, uint32_t limit)
{
	if (limit)
		printf(",\"%s\":%u", name, limit);
	else
		printf(",\"%s\":null", name);
}

static void override_json(const char *account, const struct limit_override *override, const char *who,
			  const char *reason)
{
	char name[LIMIT_SHOWN_SIZE];

	fputs("{\"account\":", stdout);
	print_json(stdout, account);
	fputs(",\"name\":", stdout);
	print_json(stdout, limit_name_shown(override->name, name));
	limit_json("per_hour", override->per_hour);
	limit_json("per_day", override->per_day);
	printf(",\"until_ms\":%lld,\"who\":", (long long) override->until_ms);
	print_json(stdout, who);
	fputs(",\"reason\":", stdout);
	print_json(stdout, reason);
	putchar('}');
}

void override_show(struct question *question, const char *account, const struct limit_override *override,
		   const char *words)
{
	char who[WORDS], limits[64], until[TIME_BOTH_SIZE], line[2 * WORDS], name[LIMIT_SHOWN_SIZE];
	const char *reason = words_split(words, who);

	list_separate(question);
	if (question->call->json) {
		override_json(account, override, who, reason);
		return;
	}
	print_safe(stdout, account);
	fputs("  ", stdout);
	print_safe(stdout, limit_name_shown(override->name, name));
	printf("  %s\n", limits_words(override->per_hour, override->per_day, limits, sizeof(limits)));
	snprintf(line, sizeof(line), "until %s%s%s%s%s", time_both(override->until_ms, until), *who ? ", by " : "", who,
		 *reason ? ": " : "", reason);
	print_wrapped(stdout, line, 4, 0);
}

struct listing {
	struct question *question;
	const char *account;
};

static bool override_take(void *arg, const struct limit_override *override, const char *words)
{
	const struct listing *listing = arg;

	override_show(listing->question, listing->account, override, words);
	return true;
}

enum store_result overrides_show(struct question *question, const char *account)
{
	struct listing listing = { question, account };

	return limit_override_list(question->store, account, override_take, &listing, QUESTION_MS);
}

/* ---- all --------------------------------------------------------------------------------------- */

struct row {
	char account[192], name[LIMIT_NAME_SIZE], words[WORDS];
	unsigned long per_hour, per_day;
	long long until_s;
};

struct rows {
	struct row *at;
	size_t count, room;
	bool full;
};

/* A limit's two fields come in any order, but those of an account behind one another. */
static struct row *row_of(struct rows *rows, const char *account, const char *name, size_t name_len)
{
	struct row *row;

	for (size_t i = rows->count; i-- > 0 && !strcmp(rows->at[i].account, account);)
		if (strlen(rows->at[i].name) == name_len && !memcmp(rows->at[i].name, name, name_len))
			return &rows->at[i];
	if (rows->count == rows->room) {
		const size_t room = rows->room ? rows->room * 2 : 64;

		row = reallocarray(rows->at, room, sizeof(*row));
		if (!row)
			return NULL;
		rows->at = row;
		rows->room = room;
	}
	row = &rows->at[rows->count++];
	memset(row, 0, sizeof(*row));
	snprintf(row->account, sizeof(row->account), "%s", account);
	snprintf(row->name, sizeof(row->name), "%.*s", (int)name_len, name);
	return row;
}

static bool field_take(void *arg, const char *account, const char *field, const char *value)
{
	static const char end[] = "_text";
	const size_t len = strlen(field), end_len = sizeof(end) - 1;
	const bool is_words = len > end_len && !strcmp(field + len - end_len, end);
	struct rows *rows = arg;
	struct row *row = row_of(rows, account, field, is_words ? len - end_len : len);

	rows->full = !row;
	if (!row)
		return false;
	if (is_words)
		snprintf(row->words, sizeof(row->words), "%s", value);
	else if (sscanf(value, "%10lu %10lu %18lld", &row->per_hour, &row->per_day, &row->until_s) != 3)
		row->until_s = 0;
	return true;
}

static void walked(void *arg, uint64_t keys)
{
	const struct rows *rows = arg;

	fprintf(stderr, "\r\033[Kabout %llu keys looked through, %zu limits found", (unsigned long long)keys,
		rows->count);
}

static int by_account(const void *a, const void *b)
{
	const struct row *one = a, *other = b;
	const int accounts = strcmp(one->account, other->account);

	return accounts != 0 ? accounts : strcmp(one->name, other->name);
}

enum store_result overrides_show_all(struct question *question)
{
	const bool shows = isatty(STDERR_FILENO);
	const int64_t now_ms = clock_wall_ms();
	struct rows rows = { .at = NULL };
	enum store_result result =
		store_fields_all(question->store, "override", field_take, shows ? walked : NULL, &rows, WALK_MS);

	if (shows)
		fputs("\r\033[K", stderr);
	if (rows.full)
		complain("out of memory: the list is not whole");
	if (rows.count > 0)
		qsort(rows.at, rows.count, sizeof(*rows.at), by_account);
	for (size_t i = 0; i < rows.count; i++) {
		const struct row *row = &rows.at[i];
		const struct limit_override override = {
			row->name, (uint32_t)row->per_hour, (uint32_t)row->per_day, row->until_s * 1000, "", ""
		};

		if (override.until_ms > now_ms)
			override_show(question, row->account, &override, row->words);
	}
	free(rows.at);
	return result == STORE_OK && question->shown == 0 ? STORE_NONE : result;
}
