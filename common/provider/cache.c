/*
 * Who receives for which domain, within a bound (cache.h): a hash table whose entries also stand in a row.
 */
#include "provider/cache.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

void cache_init(struct cache *cache, size_t most)
{
	cache->most = most;
}

void cache_free(struct cache *cache)
{
	for (struct cache_entry *entry = cache->newest, *older; entry; entry = older) {
		older = entry->older;
		free(entry);
	}
	cache->newest = cache->oldest = NULL;
}

static struct cache_entry **bucket_of(struct cache *cache, const char *domain)
{
	return &cache->buckets[hash_bytes(domain, strlen(domain)) % CACHE_BUCKETS];
}

static void row_leave(struct cache *cache, struct cache_entry *entry)
{
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void row_enter(struct cache *cache, struct cache_entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
}

struct cache_entry *cache_find(struct cache *cache, const char *domain)
{
	struct cache_entry *entry = *bucket_of(cache, domain);

	while (entry && strcmp(entry->domain, domain) != 0)
		entry = entry->chain;
	if (entry && entry->newer) {
		row_leave(cache, entry);
		row_enter(cache, entry);
	}
	return entry;
}

static void oldest_forget(struct cache *cache)
{
	struct cache_entry *entry = cache->oldest, **at;

	while (entry && entry->pinned)
		entry = entry->newer;
	if (!entry)
		return;
	at = bucket_of(cache, entry->domain);
	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	row_leave(cache, entry);
	cache->count--;
	free(entry);
}

struct cache_entry *cache_add(struct cache *cache, const char *domain)
{
	const size_t size = strlen(domain) + 1;
	struct cache_entry *entry = calloc(1, sizeof(*entry) + size), **bucket = bucket_of(cache, domain);

	if (!entry)
		return NULL;
	if (cache->count >= cache->most)
		oldest_forget(cache);
	memcpy(entry->domain, domain, size);
	entry->chain = *bucket;
	*bucket = entry;
	row_enter(cache, entry);
	cache->count++;
	return entry;
}
