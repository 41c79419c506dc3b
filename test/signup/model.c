/*
 * Contacts, rings and usual days in memory (model.h).
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "milters/signup/policy.h"

#define TENS 7	 /* of minutes: six and the one under way */
#define HOURS 25 /* twenty-four and the one under way */
#define DAY 86400

struct ring {
	int64_t ten, hour; /* the latest slot written */
	int64_t refused;
	uint32_t tens[TENS], hours[HOURS];
};

struct days {
	int64_t day;
	uint32_t count; /* of that day */
	uint32_t usual_256;
};

/* Open addressing; 0 is no key. `value` of a contact: the latest month. */
struct entry {
	uint64_t key;
	size_t value;
};

struct table {
	struct entry *at;
	size_t size, used;
};

struct model {
	struct table contacts, counters, accounts;
	struct ring *rings;
	struct days *days;
	size_t ring_count, day_count;
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

struct model *model_new(void)
{
	return must(calloc(1, sizeof(struct model)));
}

void model_free(struct model *model)
{
	free(model->contacts.at);
	free(model->counters.at);
	free(model->accounts.at);
	free(model->rings);
	free(model->days);
	free(model);
}

static uint64_t hash_on(uint64_t hash, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
	return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

uint64_t model_key(const char *kind, const char *a, struct span b)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = hash_on(hash, (struct span){ kind, strlen(kind) });
	hash = hash_on(hash, (struct span){ a, strlen(a) });
	hash = hash_on(hash, b);
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

static struct entry *find(const struct table *table, uint64_t key)
{
	if (table->size == 0)
		return NULL;
	for (size_t i = key % table->size;; i = (i + 1) % table->size)
		if (table->at[i].key == key || table->at[i].key == 0)
			return &table->at[i];
}

/* The entry of the key, new ones with the value that comes. */
static struct entry *put(struct table *table, uint64_t key, size_t value, bool *is_new)
{
	struct entry *entry;

	if (table->used * 2 >= table->size) {
		struct table larger = { .size = table->size ? table->size * 4 : 4096, .used = table->used };

		larger.at = must(calloc(larger.size, sizeof(*larger.at)));
		for (size_t i = 0; i < table->size; i++)
			if (table->at[i].key)
				*find(&larger, table->at[i].key) = table->at[i];
		free(table->at);
		*table = larger;
	}
	entry = find(table, key);
	*is_new = entry->key == 0;
	if (*is_new) {
		*entry = (struct entry){ key, value };
		table->used++;
	}
	return entry;
}

static size_t month_of(int64_t time)
{
	time_t seconds = (time_t)time;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return (size_t)(tm.tm_year * 12 + tm.tm_mon);
}

bool model_knows(const struct model *model, uint64_t pair, int64_t time)
{
	const struct entry *entry = find(&model->contacts, pair);

	return entry && entry->key && entry->value + 1 >= month_of(time);
}

void model_meet(struct model *model, uint64_t pair, int64_t time)
{
	bool is_new;

	put(&model->contacts, pair, 0, &is_new)->value = month_of(time);
}

void model_used(const struct model *model, uint64_t counter, int64_t time, uint32_t used[2])
{
	const struct entry *entry = find(&model->counters, counter);
	int64_t ten = time / 600, hour = time / 3600;
	const struct ring *ring;

	used[0] = used[1] = 0;
	if (!entry || !entry->key)
		return;
	ring = &model->rings[entry->value];
	for (int64_t slot = ten; slot > ten - TENS; slot--)
		if (slot <= ring->ten && slot > ring->ten - TENS)
			used[0] += ring->tens[slot % TENS];
	for (int64_t slot = hour; slot > hour - HOURS; slot--)
		if (slot <= ring->hour && slot > ring->hour - HOURS)
			used[1] += ring->hours[slot % HOURS];
}

/* Clears the slots between the latest one and `now`. */
static void turn(int64_t *latest, int64_t now, uint32_t *slots, int64_t count)
{
	for (int64_t slot = *latest + 1; slot <= now && slot <= *latest + count; slot++)
		slots[slot % count] = 0;
	if (now > *latest + count)
		memset(slots, 0, (size_t)count * sizeof(*slots));
	if (now > *latest)
		*latest = now;
}

static struct ring *ring_of(struct model *model, uint64_t counter)
{
	bool is_new;
	size_t at = put(&model->counters, counter, model->ring_count, &is_new)->value;

	if (is_new) {
		if ((model->ring_count & (model->ring_count - 1)) == 0)
			model->rings = must(realloc(model->rings, (model->ring_count ? model->ring_count * 2 : 1) *
									  sizeof(*model->rings)));
		memset(&model->rings[model->ring_count++], 0, sizeof(*model->rings));
	}
	return &model->rings[at];
}

int64_t model_refused(const struct model *model, uint64_t counter)
{
	const struct entry *entry = find(&model->counters, counter);

	return entry && entry->key ? model->rings[entry->value].refused : 0;
}

void model_refuse(struct model *model, uint64_t counter, int64_t time)
{
	ring_of(model, counter)->refused = time;
}

void model_add(struct model *model, uint64_t counter, int64_t time, uint32_t count)
{
	struct ring *ring = ring_of(model, counter);

	turn(&ring->ten, time / 600, ring->tens, TENS);
	turn(&ring->hour, time / 3600, ring->hours, HOURS);
	ring->tens[ring->ten % TENS] += count;
	ring->hours[ring->hour % HOURS] += count;
}

/* Up to the begin of that day. */
static struct days days_at(struct days days, int64_t day)
{
	for (; days.day < day; days.day++) {
		days.usual_256 = signup_usual(days.usual_256, days.count);
		days.count = 0;
	}
	return days;
}

uint32_t model_usual(const struct model *model, uint64_t account, int64_t time)
{
	const struct entry *entry = find(&model->accounts, account);

	return entry && entry->key ? days_at(model->days[entry->value], time / DAY).usual_256 / 256 : 0;
}

void model_usual_add(struct model *model, uint64_t account, int64_t time, uint32_t count)
{
	bool is_new;
	size_t at = put(&model->accounts, account, model->day_count, &is_new)->value;

	if (is_new) {
		if ((model->day_count & (model->day_count - 1)) == 0)
			model->days = must(realloc(model->days, (model->day_count ? model->day_count * 2 : 1) *
									sizeof(*model->days)));
		model->days[model->day_count++] = (struct days){ time / DAY, 0, 0 };
	}
	model->days[at] = days_at(model->days[at], time / DAY);
	model->days[at].count += count;
}
