/*
 * Answers that still hold, within a bound of memory (dns/cache.h): a hash table whose entries also stand in a row,
 * the one used last in front; what does not fit any more goes from the row's end.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/answer.h"
#include "dns/cache.h"

#define FOUND_MAX_S 86400 /* RFC 8767 4 asks for a cap; a day hurts nobody */
#define NO_MAX_S 10800	  /* RFC 2308 5 */
#define FAILED_MIN_S 5	  /* RFC 9520 3.2: at least 1 s, longer each time, at most 5 min */
#define FAILED_MAX_S 30
#define MALLOC_COST 16	 /* of glibc, beside what was asked for */
#define BUCKET_BYTES 256 /* of the bound, for each chain: about one entry */

struct entry {
	struct entry *next;	     /* of the chain */
	struct entry *newer, *older; /* of the row */
	const struct dns_answer *answer;
	int64_t until_ms;
	uint64_t hash;
	uint32_t hold_s;
	uint8_t type, len;
	uint8_t wire[];
};

struct dns_cache {
	struct entry *newest, *oldest;
	size_t bytes, bytes_max, count, mask;
	struct entry *chains[];
};

struct dns_cache *dns_cache_new(size_t bytes)
{
	size_t chains = 16;
	struct dns_cache *cache;

	while (chains < SIZE_MAX / 4096 && chains * BUCKET_BYTES < bytes)
		chains *= 2;
	cache = calloc(1, sizeof(*cache) + chains * sizeof(struct entry *));
	if (!cache)
		return NULL;
	cache->mask = chains - 1;
	cache->bytes = sizeof(*cache) + chains * sizeof(struct entry *);
	cache->bytes_max = bytes;
	return cache;
}

static size_t entry_bytes(const struct entry *entry)
{
	return sizeof(*entry) + entry->len + MALLOC_COST + dns_answer_size(entry->answer);
}

static void row_leave(struct dns_cache *cache, struct entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		cache->newest = entry->older;
	if (entry == cache->oldest)
		cache->oldest = entry->newer;
	else
		entry->older->newer = entry->newer;
}

static void row_lead(struct dns_cache *cache, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	if (cache->newest)
		cache->newest->newer = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
}

/* The place that points to the entry, or the end of its chain. */
static struct entry **entry_place(struct dns_cache *cache, uint64_t hash, uint8_t type, const uint8_t *wire, size_t len)
{
	struct entry **at = &cache->chains[hash & cache->mask];

	while (*at &&
	       ((*at)->hash != hash || (*at)->type != type || (*at)->len != len || memcmp((*at)->wire, wire, len) != 0))
		at = &(*at)->next;
	return at;
}

static struct entry *entry_find(struct dns_cache *cache, const struct dns_key *key)
{
	return *entry_place(cache, key->hash, (uint8_t)key->type, key->name.wire, key->name.len);
}

static void entry_drop(struct dns_cache *cache, struct entry *entry)
{
	*entry_place(cache, entry->hash, entry->type, entry->wire, entry->len) = entry->next;
	row_leave(cache, entry);
	cache->bytes -= entry_bytes(entry);
	cache->count--;
	dns_unref(&entry->answer);
	free(entry);
}

void dns_cache_free(struct dns_cache **cache)
{
	while (*cache && (*cache)->oldest)
		entry_drop(*cache, (*cache)->oldest);
	free(*cache);
	*cache = NULL;
}

const struct dns_answer *dns_cache_get(struct dns_cache *cache, const struct dns_key *key, int64_t now_ms)
{
	struct entry *entry = entry_find(cache, key);

	/* One that holds no more stays until it is replaced: how long a failure is believed depends on the one before.
	 */
	if (!entry || now_ms >= entry->until_ms)
		return NULL;
	if (entry->newer) {
		row_leave(cache, entry);
		row_lead(cache, entry);
	}
	return dns_ref(entry->answer);
}

static uint32_t hold_seconds(const struct entry *before, const struct dns_answer *answer, int64_t now_ms)
{
	const uint32_t max = answer->status == DNS_FOUND ? FOUND_MAX_S : NO_MAX_S;

	if (answer->status != DNS_FAILED)
		return answer->ttl < max ? answer->ttl : max;
	if (!before || before->answer->status != DNS_FAILED || now_ms - before->until_ms > FAILED_MAX_S * INT64_C(1000))
		return FAILED_MIN_S;
	return 2 * before->hold_s < FAILED_MAX_S ? 2 * before->hold_s : FAILED_MAX_S;
}

static struct entry *entry_new(const struct dns_key *key, const struct dns_answer *answer)
{
	struct entry *entry = malloc(sizeof(*entry) + key->name.len);

	if (!entry)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	entry->hash = key->hash;
	entry->type = (uint8_t)key->type;
	entry->len = key->name.len;
	memcpy(entry->wire, key->name.wire, key->name.len);
	entry->answer = dns_ref(answer);
	return entry;
}

void dns_cache_put(struct dns_cache *cache, const struct dns_key *key, const struct dns_answer *answer, int64_t now_ms)
{
	struct entry *before = entry_find(cache, key), *entry;
	const uint32_t hold_s = hold_seconds(before, answer, now_ms);

	if (before)
		entry_drop(cache, before);
	entry = hold_s > 0 ? entry_new(key, answer) : NULL;
	if (!entry)
		return;
	entry->hold_s = hold_s;
	entry->until_ms = now_ms + (int64_t)hold_s * 1000;
	entry->next = cache->chains[key->hash & cache->mask];
	cache->chains[key->hash & cache->mask] = entry;
	row_lead(cache, entry);
	cache->bytes += entry_bytes(entry);
	cache->count++;
	while (cache->bytes > cache->bytes_max && cache->oldest)
		entry_drop(cache, cache->oldest);
}

size_t dns_cache_entries(const struct dns_cache *cache)
{
	return cache->count;
}

size_t dns_cache_bytes(const struct dns_cache *cache)
{
	return cache->bytes;
}

size_t dns_cache_bytes_max(const struct dns_cache *cache)
{
	return cache->bytes_max;
}
