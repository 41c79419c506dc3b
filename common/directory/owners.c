/*
 * Names and their accounts in memory (directory/owners.h).
 *
 * A million domains are ordinary here, and then a lookup costs what its cache misses cost. So names
 * stand in one pool, a domain beside the account of its first line, and the entries, with 32-bit offsets
 * into the pool and the hash, stand in the open-addressed table itself: two or three misses.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "directory/owners.h"
#include "hash.h"
#include "text.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define SAME_OWNER_LOOKS 64

/* An entry of a table: a domain or a login with its owner, or an account. */
struct owner_line {
	uint32_t hash;
	uint32_t name;	  /* offset in the pool; 0: free */
	uint32_t account; /* offset in the pool */
	uint32_t more;	  /* the second owner: place in `links`, from 1; 0: none */
};

struct table {
	struct owner_line *entries;
	uint32_t size, count; /* size is a power of two, or 0 */
};

struct link {
	uint32_t account, next;
};

struct owners {
	atomic_uint references;
	char *pool;
	struct link *links;
	struct table names;    /* domains and logins */
	struct table accounts; /* of these, only the names are used */
	uint32_t pool_len, pool_size;
	uint32_t link_count, link_size;
	struct owner_counts counts;
	int64_t changed_ms;
};

/* ---- keys -------------------------------------------------------------------------------------- */

static struct owner_key key_make(const char *name, size_t len, uint64_t hash)
{
	return (struct owner_key){ name, len, (uint32_t)(hash ^ hash >> 32) };
}

struct owner_key owner_key(const char *name, size_t len)
{
	return key_make(name, len, hash_bytes(name, len));
}

struct owner_key owner_account_key(const char *account)
{
	size_t len = strlen(account);

	return key_make(account, len, hash_lower(account, len));
}

bool owner_same_account(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	while (*a && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return *a == '\0' && *b == '\0';
}

/* ---- tables ------------------------------------------------------------------------------------ */

typedef bool same_fn(const char *name, struct owner_key key);

static bool same_name(const char *name, struct owner_key key)
{
	return strncmp(name, key.at, key.len) == 0 && name[key.len] == '\0';
}

static bool same_account(const char *name, struct owner_key key)
{
	return owner_same_account(name, key.at);
}

/* The entry that has the key, or the free one where it belongs; NULL in a table of no size. */
static struct owner_line *table_find(const struct table *table, const char *pool, struct owner_key key, same_fn *same)
{
	if (table->size == 0)
		return NULL;
	for (uint32_t i = key.hash;; i++) {
		struct owner_line *entry = &table->entries[i & (table->size - 1)];

		if (entry->name == 0 || (entry->hash == key.hash && same(pool + entry->name, key)))
			return entry;
	}
}

/*
 * With huge pages, loading a million domains takes about half the CPU time: 1,500 page faults instead of
 * 31,300 (measured in a virtual machine; lookups showed no clear gain). Where the system has none, nothing is lost.
 */
void *owners_alloc(size_t size)
{
	void *memory =
		size < 2 * HUGE_PAGE ? NULL : aligned_alloc(HUGE_PAGE, (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);

	if (!memory)
		return malloc(size);
	(void)madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	return memory;
}

/* `size` is a power of two with room for all entries. */
static bool table_resize(struct table *table, uint32_t size)
{
	struct owner_line *entries = owners_alloc(size * sizeof(*entries));

	if (!entries)
		return false;
	memset(entries, 0, size * sizeof(*entries));
	for (uint32_t i = 0; i < table->size; i++) {
		uint32_t to = table->entries[i].hash;

		if (table->entries[i].name == 0)
			continue;
		while (entries[to & (size - 1)].name != 0)
			to++;
		entries[to & (size - 1)] = table->entries[i];
	}
	free(table->entries);
	table->entries = entries;
	table->size = size;
	return true;
}

/* Room for one more, so that table_find() meets a free entry soon: at most 3/4 full. */
static bool table_reserve(struct table *table)
{
	if ((uint64_t)(table->count + 1) * 4 <= (uint64_t)table->size * 3)
		return true;
	return table_resize(table, table->size ? 2 * table->size : 64);
}

/* ---- building ---------------------------------------------------------------------------------- */

/* The offset of a copy in the pool, 0 without memory (offset 0 holds the empty name). */
static uint32_t pool_add(struct owners *owners, const char *name, size_t len)
{
	uint32_t at = owners->pool_len;

	if (owners->pool_size - owners->pool_len < len + 1) {
		uint32_t size = owners->pool_size + owners->pool_size / 2 + OWNER_NAME_MAX + 1;
		char *moved = size > owners->pool_size ? realloc(owners->pool, size) : NULL;

		if (!moved)
			return 0;
		owners->pool = moved;
		owners->pool_size = size;
	}
	memcpy(owners->pool + at, name, len);
	owners->pool[at + len] = '\0';
	owners->pool_len += (uint32_t)len + 1;
	return at;
}

/* 0 without memory. */
static uint32_t account_add(struct owners *owners, const char *account)
{
	struct owner_key key = owner_account_key(account);
	struct owner_line *entry;
	uint32_t at;

	if (!table_reserve(&owners->accounts))
		return 0;
	entry = table_find(&owners->accounts, owners->pool, key, same_account);
	if (entry->name != 0)
		return entry->name;
	at = pool_add(owners, account, key.len);
	if (at != 0) {
		*entry = (struct owner_line){ key.hash, at, at, 0 };
		owners->accounts.count++;
	}
	return at;
}

/* Another owner of a known domain. The same line twice is harmless; among very many owners it may count twice. */
static bool owner_add(struct owners *owners, struct owner_line *line, uint32_t account)
{
	unsigned looks = 0;

	if (line->account == account)
		return true;
	for (uint32_t i = line->more; i != 0 && looks < SAME_OWNER_LOOKS; i = owners->links[i - 1].next, looks++) {
		if (owners->links[i - 1].account == account)
			return true;
	}
	if (owners->link_count == owners->link_size) {
		uint32_t size = owners->link_size ? 2 * owners->link_size : 64;
		struct link *moved = realloc(owners->links, size * sizeof(*moved));

		if (!moved)
			return false;
		owners->links = moved;
		owners->link_size = size;
	}
	owners->links[owners->link_count++] = (struct link){ account, line->more };
	line->more = owners->link_count;
	return true;
}

enum owners_added owners_add(struct owners *owners, const char *name, size_t len, const char *account_name)
{
	struct owner_key key = owner_key(name, len);
	bool is_login = memchr(name, '@', len) != NULL;
	uint32_t account, at = 0;
	struct owner_line *line;

	if (!table_reserve(&owners->names))
		return OWNERS_ADDED_NO_MEMORY;
	line = table_find(&owners->names, owners->pool, key, same_name);
	if (line->name == 0) {
		at = pool_add(owners, name, len);
		if (at == 0)
			return OWNERS_ADDED_NO_MEMORY;
	}
	account = account_add(owners, account_name);
	if (account == 0)
		return OWNERS_ADDED_NO_MEMORY;
	if (line->name != 0 && is_login)
		return line->account == account ? OWNERS_ADDED : OWNERS_ADDED_OTHER_ACCOUNT;
	if (line->name != 0)
		return owner_add(owners, line, account) ? OWNERS_ADDED : OWNERS_ADDED_NO_MEMORY;
	*line = (struct owner_line){ key.hash, at, account, 0 };
	owners->names.count++;
	if (is_login)
		owners->counts.logins++;
	else
		owners->counts.domains++;
	return OWNERS_ADDED;
}

/* As a rule each line has a domain of its own: growing by doubling would take a third of the time. */
static bool table_expect(struct table *table, size_t lines)
{
	uint32_t size = 64;

	while ((uint64_t)lines * 4 > (uint64_t)size * 3)
		size *= 2;
	return table_resize(table, size);
}

struct owners *owners_new(size_t bytes, size_t lines, int64_t changed_ms)
{
	struct owners *owners = calloc(1, sizeof(*owners));

	if (!owners)
		return NULL;
	atomic_init(&owners->references, 1);
	owners->changed_ms = changed_ms;
	/* names need no more than their lines, except where U-labels become A-labels: then it grows */
	owners->pool_size = (uint32_t)bytes + 2;
	owners->pool = owners_alloc(owners->pool_size);
	if (!owners->pool || !table_expect(&owners->names, lines)) {
		owners_unref(&owners);
		return NULL;
	}
	owners->pool[owners->pool_len++] = '\0';
	return owners;
}

static void shrink(void **array, size_t size)
{
	void *moved = size > 0 ? realloc(*array, size) : NULL;

	if (moved)
		*array = moved;
}

size_t owners_done(struct owners *owners)
{
	shrink((void **)&owners->pool, owners->pool_len);
	shrink((void **)&owners->links, owners->link_count * sizeof(*owners->links));
	owners->counts.accounts = owners->accounts.count;
	return owners->names.count;
}

struct owners *owners_ref(struct owners *owners)
{
	if (owners)
		atomic_fetch_add_explicit(&owners->references, 1, memory_order_relaxed);
	return owners;
}

void owners_unref(struct owners **owners)
{
	struct owners *last = *owners;

	*owners = NULL;
	if (!last || atomic_fetch_sub_explicit(&last->references, 1, memory_order_acq_rel) != 1)
		return;
	free(last->pool);
	free(last->links);
	free(last->names.entries);
	free(last->accounts.entries);
	free(last);
}

/* ---- looking up -------------------------------------------------------------------------------- */

struct owner_counts owners_counts(const struct owners *owners)
{
	return owners ? owners->counts : (struct owner_counts){ 0 };
}

int64_t owners_changed_ms(const struct owners *owners)
{
	return owners ? owners->changed_ms : 0;
}

const struct owner_line *owners_find(const struct owners *owners, struct owner_key key)
{
	const struct owner_line *line = owners ? table_find(&owners->names, owners->pool, key, same_name) : NULL;

	return line && line->name != 0 ? line : NULL;
}

const char *owner_first(const struct owners *owners, const struct owner_line *line, uint32_t *next)
{
	*next = line->more;
	return owners->pool + line->account;
}

const char *owner_next(const struct owners *owners, uint32_t *next)
{
	const struct link *link = *next != 0 ? &owners->links[*next - 1] : NULL;

	*next = link ? link->next : 0;
	return link ? owners->pool + link->account : NULL;
}

const char *owners_account(const struct owners *owners, struct owner_key account)
{
	const struct owner_line *line =
		owners ? table_find(&owners->accounts, owners->pool, account, same_account) : NULL;

	return line && line->name != 0 ? owners->pool + line->name : NULL;
}

const struct owner_line *owners_line(const struct owners *owners, size_t *place)
{
	while (owners && *place < owners->names.size) {
		const struct owner_line *line = &owners->names.entries[(*place)++];

		if (line->name != 0)
			return line;
	}
	return NULL;
}

const char *owner_line_name(const struct owners *owners, const struct owner_line *line)
{
	return owners->pool + line->name;
}
