/*
 * What this process has counted itself (store/local.h).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "store/local.h"
#include "store/ring.h"

#define NONE 0 /* the place that nobody has: so that memory full of zeros is an empty table */
#define PAUSE_MS 86400000
#define TRY 64 /* places that are looked at for one that owes nothing, before one that does is forgotten */

/* What has to be told. */
struct debt {
	struct debt *next;
	uint32_t place;
	struct ring ring;
	size_t key_len;
	char words[]; /* the key, its NUL, the name */
};

/* One limit of one entity; without a name, what concerns all of them. */
struct place {
	uint64_t hash;	       /* of both */
	uint32_t chain;	       /* the next of its slot */
	uint32_t older, newer; /* by use */
	uint32_t per_hour, per_day;
	uint32_t admins_hour, admins_day; /* an admin's, in force until admins_until */
	int64_t admins_until;
	int64_t told[4];	     /* when a notice was given; 0 = never */
	int64_t refused, full_since; /* of the entity: a count last did not fit, and since when; 0 = never */
	struct debt *debt;
	struct ring ring;
};

struct local {
	pthread_mutex_t lock;
	struct place *places; /* the first is nobody's */
	uint32_t *slots;
	uint32_t size, used, mask;
	uint32_t oldest, newest;
	struct debt *debts, **last_debt;
	_Atomic uint32_t owing;
	_Atomic uint64_t decided, lost;
};

static bool make_room(struct local *local)
{
	local->places = calloc(local->size, sizeof(*local->places));
	local->slots = calloc(local->mask + 1, sizeof(*local->slots));
	return local->places && local->slots;
}

struct local *local_new(size_t keys)
{
	struct local *local = calloc(1, sizeof(*local));

	if (!local)
		return NULL;
	pthread_mutex_init(&local->lock, NULL);
	local->size = (uint32_t)keys + 1;
	local->used = 1;
	local->mask = 1;
	while (local->mask < keys)
		local->mask = local->mask << 1 | 1;
	local->last_debt = &local->debts;
	if (!make_room(local))
		local_free(&local);
	return local;
}

void local_free(struct local **at)
{
	struct local *local = *at;

	*at = NULL;
	if (!local)
		return;
	while (local->debts) {
		struct debt *next = local->debts->next;
		free(local->debts);
		local->debts = next;
	}
	free(local->places);
	free(local->slots);
	pthread_mutex_destroy(&local->lock);
	free(local);
}

/* ---- places ---------------------------------------------------------------------------------- */

static uint64_t hash_of(struct span key, const char *name)
{
	char TEXT_BUFFER buffer[STORE_KEY_SIZE + LIMIT_NAME_SIZE];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_mem(&text, key.at, key.len);
	text_char(&text, '\0');
	text_str(&text, name);
	return hash_bytes(text.at, text.len);
}

static void unlink_use(struct local *local, uint32_t at)
{
	const struct place *place = &local->places[at];

	*(place->older == NONE ? &local->oldest : &local->places[place->older].newer) = place->newer;
	*(place->newer == NONE ? &local->newest : &local->places[place->newer].older) = place->older;
}

static void link_newest(struct local *local, uint32_t at)
{
	struct place *place = &local->places[at];

	place->older = local->newest;
	place->newer = NONE;
	*(local->newest == NONE ? &local->oldest : &local->places[local->newest].newer) = at;
	local->newest = at;
}

static void unlink_slot(struct local *local, uint32_t at)
{
	uint32_t *link = &local->slots[local->places[at].hash & local->mask];

	while (*link != at)
		link = &local->places[*link].chain;
	*link = local->places[at].chain;
}

static void drop_debt(struct local *local, struct debt *debt)
{
	struct debt **link = &local->debts;

	while (*link != debt)
		link = &(*link)->next;
	*link = debt->next;
	if (local->last_debt == &debt->next)
		local->last_debt = link;
	local->places[debt->place].debt = NULL;
	atomic_fetch_sub(&local->owing, 1);
	free(debt);
}

/* The place not used for longest, of those that owe nothing if there is one near. */
static uint32_t reuse(struct local *local)
{
	uint32_t at = local->oldest;

	for (unsigned i = 0; i < TRY && at != NONE && local->places[at].debt; i++)
		at = local->places[at].newer;
	if (at == NONE || local->places[at].debt)
		at = local->oldest;
	if (local->places[at].debt) {
		drop_debt(local, local->places[at].debt);
		atomic_fetch_add(&local->lost, 1);
	}
	unlink_use(local, at);
	unlink_slot(local, at);
	return at;
}

/* NULL: there is none, and none shall be made. */
static struct place *place_of(struct local *local, struct span key, const char *name, bool make)
{
	const uint64_t hash = hash_of(key, name);
	uint32_t *slot = &local->slots[hash & local->mask], at = *slot;

	while (at != NONE && local->places[at].hash != hash)
		at = local->places[at].chain;
	if (at == NONE && !make)
		return NULL;
	if (at == NONE) {
		at = local->used < local->size ? local->used++ : reuse(local);
		local->places[at] = (struct place){ .hash = hash, .chain = *slot };
		*slot = at;
	} else {
		unlink_use(local, at);
	}
	link_newest(local, at);
	return &local->places[at];
}

static void owe(struct local *local, struct place *place, struct span key, const char *name, uint32_t n, int64_t ticks)
{
	const size_t name_size = strlen(name) + 1;

	if (!place->debt) {
		struct debt *debt = calloc(1, sizeof(*debt) + key.len + 1 + name_size);
		if (!debt) {
			atomic_fetch_add(&local->lost, 1);
			return;
		}
		debt->place = (uint32_t)(place - local->places);
		debt->key_len = key.len;
		memcpy(debt->words, key.at, key.len);
		memcpy(debt->words + key.len + 1, name, name_size);
		*local->last_debt = debt;
		local->last_debt = &debt->next;
		place->debt = debt;
		atomic_fetch_add(&local->owing, 1);
	}
	ring_turn(&place->debt->ring, ticks);
	ring_add(&place->debt->ring, n);
}

/* ---- deciding -------------------------------------------------------------------------------- */

static const struct {
	int64_t span_ms;
	unsigned near, full;
} windows[] = {
	{ 3600000, LIMIT_HOUR_NEAR, LIMIT_HOUR_FULL },
	{ 86400000, LIMIT_DAY_NEAR, LIMIT_DAY_FULL },
};

static bool first_told(int64_t *told, int64_t now, int64_t span_ms)
{
	if (*told && now - *told < span_ms)
		return false;
	*told = now + !now;
	return true;
}

/* ---- refusals -------------------------------------------------------------------------------- */

static int64_t wall_of(int64_t ticks, struct local_time now)
{
	return ticks ? now.wall + ticks - now.ticks : 0;
}

static int64_t ticks_of(int64_t wall, struct local_time now)
{
	const int64_t ticks = now.ticks + wall - now.wall;

	return wall ? ticks + !ticks : 0;
}

static void look_refused(struct local *local, struct limit_request *request, struct span key, struct local_time now)
{
	const struct place *place = place_of(local, key, "", false);
	const bool lately = place && place->refused && now.ticks - place->refused <= PAUSE_MS;

	request->refused_ms = lately ? wall_of(place->refused, now) : 0;
	request->full_since_ms = lately ? wall_of(place->full_since, now) : 0;
}

/* After what the request found. */
static void note_refused(struct local *local, const struct limit_request *request, struct span key,
			 struct local_time now)
{
	const bool refuses = !request->fits && request->mode != LIMIT_CHECK;

	if (!refuses && !request->refused_ms)
		return;
	struct place *place = place_of(local, key, "", true);
	place->refused = ticks_of(refuses ? now.wall : request->refused_ms, now);
	place->full_since = ticks_of(request->full_since_ms ? request->full_since_ms : now.wall, now);
}

/* ---- deciding and following ------------------------------------------------------------------ */

/* Each notice once within the window; that of the full limit says all that the earlier one would. */
static unsigned notices(struct place *place, const struct limit *limit, bool counted, int64_t now)
{
	const int64_t limits[] = { limit->per_hour, limit->per_day };
	const int64_t used[] = { limit->used_hour, limit->used_day };
	unsigned bits = 0;

	for (size_t i = 0; i < 2; i++) {
		int64_t *told = &place->told[2 * i];
		if (!limits[i])
			continue;
		if (used[i] >= limits[i] || used[i] + (counted ? 0 : limit->n) > limits[i]) {
			if (first_told(&told[1], now, windows[i].span_ms))
				bits |= windows[i].full;
			first_told(&told[0], now, windows[i].span_ms);
		} else if (used[i] * 5 >= limits[i] * 4 && first_told(&told[0], now, windows[i].span_ms)) {
			bits |= windows[i].near;
		}
	}
	return bits;
}

static int64_t later(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return -1;
	return a > b ? a : b;
}

static void look(const struct place *place, struct limit *limit, struct local_time now)
{
	static const struct ring empty = { 0 };
	struct ring ring = place ? place->ring : empty;

	ring_turn(&ring, now.ticks);
	limit->overridden_ms = 0;
	if (place && place->admins_until > now.ticks) {
		limit->per_hour = place->admins_hour;
		limit->per_day = place->admins_day;
		limit->overridden_ms = now.wall + place->admins_until - now.ticks;
	}
	limit->notices = 0;
	limit->used_hour = (int64_t)ring_hour(&ring);
	limit->used_day = (int64_t)ring_day(&ring);
	limit->free_ms = ring_free(&ring, limit->n, limit->per_hour, limit->per_day);
	if (limit->free_ms > 0)
		limit->free_ms += now.wall - now.ticks;
}

void local_decide(struct local *local, struct limit_request *request, struct span key, struct local_time now, bool owed)
{
	const bool writes = request->mode != LIMIT_CHECK;
	struct place *places[LIMITS] = { NULL };

	request->free_ms = 0;
	request->again = false;
	request->local = true;
	pthread_mutex_lock(&local->lock);
	for (size_t i = 0; i < request->count; i++) {
		struct limit *limit = &request->limits[i];
		places[i] = place_of(local, key, limit->name, writes);
		look(places[i], limit, now);
		request->free_ms = later(request->free_ms, limit->free_ms);
	}
	request->fits = request->free_ms == 0;
	request->counted = writes && (request->fits || request->mode == LIMIT_OBSERVE);
	for (size_t i = 0; i < request->count && writes; i++) {
		struct limit *limit = &request->limits[i];
		places[i]->per_hour = limit->per_hour;
		places[i]->per_day = limit->per_day;
		if (request->counted && limit->n) {
			ring_turn(&places[i]->ring, now.ticks);
			ring_add(&places[i]->ring, limit->n);
			limit->used_hour += limit->n;
			limit->used_day += limit->n;
			if (owed)
				owe(local, places[i], key, limit->name, limit->n, now.ticks);
		}
		limit->notices = notices(places[i], limit, request->counted, now.ticks);
	}
	look_refused(local, request, key, now);
	note_refused(local, request, key, now);
	pthread_mutex_unlock(&local->lock);
	atomic_fetch_add(&local->decided, 1);
}

bool local_fits(struct local *local, const struct limit_request *request, struct span key, struct local_time now)
{
	bool fits = true;

	pthread_mutex_lock(&local->lock);
	for (size_t i = 0; i < request->count; i++) {
		struct limit limit = request->limits[i];
		look(place_of(local, key, limit.name, false), &limit, now);
		fits &= limit.free_ms == 0;
	}
	pthread_mutex_unlock(&local->lock);
	return fits;
}

bool local_bound(struct local *local, struct span key, const struct limit *bound, bool add, struct local_time now)
{
	struct limit limit = *bound;

	pthread_mutex_lock(&local->lock);
	struct place *place = place_of(local, key, bound->name, add);
	look(place, &limit, now);
	if (add) {
		ring_turn(&place->ring, now.ticks);
		ring_add(&place->ring, bound->n);
	}
	pthread_mutex_unlock(&local->lock);
	return limit.free_ms == 0;
}

void local_follow(struct local *local, const struct limit_request *request, struct span key, struct local_time now)
{
	const bool counts = request->counted && !request->again && request->mode != LIMIT_CHECK;

	pthread_mutex_lock(&local->lock);
	for (size_t i = 0; i < request->count; i++) {
		const struct limit *limit = &request->limits[i];
		struct place *place = place_of(local, key, limit->name, counts || limit->overridden_ms);
		if (!place)
			continue;
		place->admins_hour = limit->per_hour;
		place->admins_day = limit->per_day;
		place->admins_until = limit->overridden_ms ? now.ticks + limit->overridden_ms - now.wall : 0;
		if (!counts)
			continue;
		ring_turn(&place->ring, now.ticks);
		ring_add(&place->ring, limit->n);
		for (size_t bit = 0; bit < 4; bit++)
			if (limit->notices & 1u << bit)
				place->told[bit] = now.ticks;
	}
	note_refused(local, request, key, now);
	pthread_mutex_unlock(&local->lock);
}

/* ---- debts ----------------------------------------------------------------------------------- */

bool local_owes(struct local *local)
{
	return atomic_load(&local->owing) > 0;
}

bool local_pay(struct local *local, struct local_debt *out, struct local_time now)
{
	bool found = false;

	pthread_mutex_lock(&local->lock);
	while (local->debts && !found) {
		struct debt *debt = local->debts;
		const char *name = debt->words + debt->key_len + 1;
		ring_turn(&debt->ring, now.ticks);
		found = ring_take(&debt->ring, &out->n, &out->age_ms);
		if (found) {
			memcpy(out->key, debt->words, debt->key_len + 1);
			memcpy(out->name, name, strlen(name) + 1);
			out->per_hour = local->places[debt->place].per_hour;
			out->per_day = local->places[debt->place].per_day;
		} else {
			drop_debt(local, debt);
		}
	}
	pthread_mutex_unlock(&local->lock);
	return found;
}

uint64_t local_decided(struct local *local)
{
	return atomic_load(&local->decided);
}

uint64_t local_lost(struct local *local)
{
	return atomic_load(&local->lost);
}
