/*
 * Where an account stands with its limits now (standing.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standing.h"
#include "system/clock.h"

/* ---- what the hash says, as of its last change ------------------------------------------------- */

/* Fields of the hash that are no limits, see redis/KEYS. */
static bool is_own(const char *field)
{
	static const char *const names[] = { "last_text", "state",    "refused", "recent",
					     "recent_1",  "recent_2", "recent_3" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(field, names[i]))
			return true;
	return false;
}

/* "-" is no limit. */
static bool limit_read(const char *at, const char **end, uint32_t *limit)
{
	char *rest;

	*limit = 0;
	if (*at == '-') {
		*end = at + 1;
		return true;
	}
	const unsigned long number = strtoul(at, &rest, 10);
	*limit = number < LIMIT_MOST ? (uint32_t)number : LIMIT_MOST;
	*end = rest;
	return rest > at;
}

/* "USED/LIMIT USED/LIMIT ..." in front of a value; far from its limits it has none of it. */
static bool head_read(const char *value, struct limit *limit)
{
	const char *at = value + strspn(value, "0123456789");

	if (at == value || *at++ != '/' || !limit_read(at, &at, &limit->per_hour) || *at++ != ' ')
		return false;
	at += strspn(at, "0123456789");
	return *at++ == '/' && limit_read(at, &at, &limit->per_day) && *at == ' ';
}

static bool field_take(void *arg, const char *account, const char *field, const char *value)
{
	struct standing *standing = arg;

	(void)account;
	if (!strcmp(field, "refused"))
		standing->refused = strtoll(value, NULL, 10);
	else if (!strcmp(field, "last_text"))
		snprintf(standing->last_text, sizeof(standing->last_text), "%s", value);
	if (is_own(field) || strlen(field) >= LIMIT_NAME_SIZE || standing->count >= STANDING_LIMITS)
		return true;
	struct standing_limit *at = &standing->at[standing->count++];
	snprintf(at->limit.name, sizeof(at->limit.name), "%s", field);
	at->knows_limits = head_read(value, &at->limit);
	at->limit.n = 1;
	return true;
}

/* ---- what the store's script makes of it now ----------------------------------------------------- */

static enum store_result look(struct store *store, const char *account, struct standing *standing, int64_t until_ms)
{
	for (size_t first = 0; first < standing->count; first += LIMITS) {
		struct limit_request request = { .mode = LIMIT_CHECK, .entity = span_of(account) };
		struct limit_request *const requests[] = { &request };
		const int64_t left_ms = until_ms - clock_ticks_ms();

		for (size_t i = first; i < standing->count && request.count < LIMITS; i++)
			request.limits[request.count++] = standing->at[i].limit;
		const enum store_result result = limit_run(store, requests, 1, left_ms > 1 ? left_ms : 1);
		if (result != STORE_OK || request.local)
			return result != STORE_OK ? result : STORE_UNSURE;
		standing->refused_ms = request.refused_ms;
		standing->full_since_ms = request.full_since_ms;
		for (size_t i = 0; i < request.count; i++) {
			standing->at[first + i].limit = request.limits[i];
			standing->at[first + i].knows_limits |= request.limits[i].overridden_ms > 0;
		}
	}
	return STORE_OK;
}

static bool is_accounts_own(const struct standing_limit *limit)
{
	return strncmp(limit->limit.name, "account", 7) == 0;
}

static int order(const void *a, const void *b)
{
	const struct standing_limit *one = a, *other = b;

	if (is_accounts_own(one) != is_accounts_own(other))
		return is_accounts_own(one) ? -1 : 1;
	if (one->limit.used_day != other->limit.used_day)
		return one->limit.used_day < other->limit.used_day ? 1 : -1;
	return strcmp(one->limit.name, other->limit.name);
}

/* What was counted more than a day ago may still stand there. */
static void drop_empty(struct standing *standing)
{
	size_t kept = 0;

	for (size_t i = 0; i < standing->count; i++)
		if (standing->at[i].limit.used_day > 0)
			standing->at[kept++] = standing->at[i];
	standing->count = kept;
}

enum store_result standing_read(struct store *store, const char *account, struct standing *out, int64_t deadline_ms)
{
	const int64_t until_ms = clock_ticks_ms() + deadline_ms;

	memset(out, 0, sizeof(*out));
	enum store_result result = store_fields(store, "limit", account, field_take, out, deadline_ms);
	if (result == STORE_OK)
		result = look(store, account, out, until_ms);
	if (result != STORE_OK)
		return result;
	drop_empty(out);
	qsort(out->at, out->count, sizeof(*out->at), order);
	return out->count > 0 || out->refused > 0 ? STORE_OK : STORE_NONE;
}

bool standing_is_full(const struct standing_limit *limit)
{
	return limit->knows_limits && limit->limit.free_ms != 0;
}

bool standing_is_near(const struct standing_limit *at)
{
	const struct limit *limit = &at->limit;

	return at->knows_limits && ((limit->per_hour && limit->used_hour * 5 >= (int64_t)limit->per_hour * 4) ||
				    (limit->per_day && limit->used_day * 5 >= (int64_t)limit->per_day * 4));
}
