/*
 * One file of the directory (directory/file.h): read at once, split into lines, indexed.
 *
 * A million domains are ordinary here, and then a lookup costs what its cache misses cost. So names
 * stand in one pool, a domain beside the account of its first line, and the entries, with 32-bit offsets
 * into the pool and the hash, stand in the open-addressed table itself: two or three misses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "directory/file.h"
#include "hash.h"
#include "system/clock.h"
#include "text.h"

#define FILE_SIZE_MAX (1u << 30)
#define HUGE_PAGE ((size_t)2 << 20)
#define SETTLE_MS 50 /* a file younger than this may still be in somebody's hands */
#define REPORTS_MAX 20
#define ACCOUNT_MAX 64
#define LOGIN_MAX 254 /* an account in the form of an address, RFC 5321 4.5.3.1.3 less the brackets */
#define KEY_MAX (64 + 1 + DOMAIN_MAX)
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

struct owner_file {
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

/* ascii_lower() where the compiler can see it: these loops run over every byte of a million lines. */
static inline char lower(char c)
{
	return (unsigned)(c - 'A') < 26 ? (char)(c | 0x20) : c;
}

static inline bool is_letter_or_digit(char c)
{
	return (unsigned)(c - 'a') < 26 || (unsigned)(c - '0') < 10;
}

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
	while (*a && lower(*a) == lower(*b)) {
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
static void *big_alloc(size_t size)
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
	struct owner_line *entries = big_alloc(size * sizeof(*entries));

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
static uint32_t pool_add(struct owner_file *file, const char *name, size_t len)
{
	uint32_t at = file->pool_len;

	if (file->pool_size - file->pool_len < len + 1) {
		uint32_t size = file->pool_size + file->pool_size / 2 + KEY_MAX + 1;
		char *moved = size > file->pool_size ? realloc(file->pool, size) : NULL;

		if (!moved)
			return 0;
		file->pool = moved;
		file->pool_size = size;
	}
	memcpy(file->pool + at, name, len);
	file->pool[at + len] = '\0';
	file->pool_len += (uint32_t)len + 1;
	return at;
}

/* 0 without memory. */
static uint32_t account_add(struct owner_file *file, const char *account)
{
	struct owner_key key = owner_account_key(account);
	struct owner_line *entry;
	uint32_t at;

	if (!table_reserve(&file->accounts))
		return 0;
	entry = table_find(&file->accounts, file->pool, key, same_account);
	if (entry->name != 0)
		return entry->name;
	at = pool_add(file, account, key.len);
	if (at != 0) {
		*entry = (struct owner_line){ key.hash, at, at, 0 };
		file->accounts.count++;
	}
	return at;
}

/* Another owner of a known domain. The same line twice is harmless; among very many owners it may count twice. */
static bool owner_add(struct owner_file *file, struct owner_line *line, uint32_t account)
{
	unsigned looks = 0;

	if (line->account == account)
		return true;
	for (uint32_t i = line->more; i != 0 && looks < SAME_OWNER_LOOKS; i = file->links[i - 1].next, looks++) {
		if (file->links[i - 1].account == account)
			return true;
	}
	if (file->link_count == file->link_size) {
		uint32_t size = file->link_size ? 2 * file->link_size : 64;
		struct link *moved = realloc(file->links, size * sizeof(*moved));

		if (!moved)
			return false;
		file->links = moved;
		file->link_size = size;
	}
	file->links[file->link_count++] = (struct link){ account, line->more };
	line->more = file->link_count;
	return true;
}

enum added { ADDED, ADDED_OTHER_ACCOUNT, ADDED_NO_MEMORY };

static enum added line_add(struct owner_file *file, const char *name, size_t len, const char *account_name)
{
	struct owner_key key = owner_key(name, len);
	bool is_login = memchr(name, '@', len) != NULL;
	uint32_t account, at = 0;
	struct owner_line *line;

	if (!table_reserve(&file->names))
		return ADDED_NO_MEMORY;
	line = table_find(&file->names, file->pool, key, same_name);
	if (line->name == 0) {
		at = pool_add(file, name, len);
		if (at == 0)
			return ADDED_NO_MEMORY;
	}
	account = account_add(file, account_name);
	if (account == 0)
		return ADDED_NO_MEMORY;
	if (line->name != 0 && is_login)
		return line->account == account ? ADDED : ADDED_OTHER_ACCOUNT;
	if (line->name != 0)
		return owner_add(file, line, account) ? ADDED : ADDED_NO_MEMORY;
	*line = (struct owner_line){ key.hash, at, account, 0 };
	file->names.count++;
	if (is_login)
		file->counts.logins++;
	else
		file->counts.domains++;
	return ADDED;
}

/* ---- lines ------------------------------------------------------------------------------------- */

struct reading {
	const char *path;
	struct owner_file *file;
	directory_report_fn *report;
	void *arg;
	size_t number; /* of the line */
	size_t broken;
};

static void report_line(struct reading *reading, struct span what, const char *why)
{
	char sentence[1024];
	struct text text;

	if (++reading->broken > REPORTS_MAX || !reading->report)
		return;
	text_init(&text, sentence, sizeof(sentence));
	text_str(&text, reading->path);
	text_char(&text, ':');
	text_u64(&text, reading->number);
	text_str(&text, ": '");
	text_escaped(&text, what.at, what.len, 80);
	text_str(&text, "' ");
	text_str(&text, why);
	text_str(&text, "; the line is skipped");
	reading->report(reading->arg, true, sentence);
}

static struct span trimmed(const char *from, const char *end)
{
	while (from < end && (*from == ' ' || *from == '\t' || *from == '\r'))
		from++;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return (struct span){ from, (size_t)(end - from) };
}

/*
 * The form that nearly all lines have: letters, digits and inner hyphens. False says nothing:
 * domain_canonical() judges what is left, A-labels and U-labels among it.
 */
static bool domain_plain(struct span from, domain_name out)
{
	size_t label = 0; /* where it begins */
	size_t dots = 0;
	bool letter = false;

	if (from.len == 0 || from.len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < from.len; i++) {
		char c = lower(from.at[i]);

		out[i] = c;
		if (is_letter_or_digit(c)) {
			letter |= c > '9';
			continue;
		}
		/* no label begins or ends with a hyphen, or has two of them in the place of xn-- */
		if (c == '-' && i > label && i != label + 3 && i + 1 < from.len && from.at[i + 1] != '.')
			continue;
		if (c != '.' || i == label || i - label > 63)
			return false;
		label = i + 1;
		letter = false;
		dots++;
	}
	out[from.len] = '\0';
	return from.len > label && from.len - label <= 63 && dots > 0 && letter;
}

static bool domain_read(struct span from, domain_name out)
{
	return domain_plain(from, out) || domain_canonical(from.at, from.len, out) == 0;
}

/* `local@domain` or `domain`, brought into the form of the keys. The length, 0 for neither. */
static size_t name_read(struct span from, char out[KEY_MAX + 1])
{
	const char *at = memrchr(from.at, '@', from.len);
	size_t local = at ? (size_t)(at - from.at) : 0;
	domain_name domain;
	size_t len;

	if (!at)
		return domain_read(from, out) ? strlen(out) : 0;
	if (local == 0 || local > 64 || !domain_read((struct span){ at + 1, from.len - local - 1 }, domain))
		return 0;
	for (size_t i = 0; i < local; i++) {
		if (from.at[i] <= ' ' || from.at[i] > '~' || from.at[i] == '"' || from.at[i] == '@')
			return 0;
		out[i] = lower(from.at[i]);
	}
	len = strlen(domain);
	out[local] = '@';
	memcpy(out + local + 1, domain, len + 1);
	return local + 1 + len;
}

static bool account_read(struct span from, char out[LOGIN_MAX + 1])
{
	const char *at = memchr(from.at, '@', from.len);

	if (from.len == 0 || from.len > (at ? LOGIN_MAX : ACCOUNT_MAX))
		return false;
	if (at && (at == from.at || at == from.at + from.len - 1))
		return false;
	for (size_t i = 0; i < from.len; i++) {
		char c = from.at[i];

		if (!is_letter_or_digit(lower(c)) && c != '.' && c != '_' && c != '-' && c != '+' &&
		    (c != '@' || from.at + i != at))
			return false;
		out[i] = c;
	}
	out[from.len] = '\0';
	return true;
}

/* False without memory; a broken line is reported and skipped. */
static bool read_line(struct reading *reading, const char *from, const char *end)
{
	const char *comment = memchr(from, '#', (size_t)(end - from));
	struct span line = trimmed(from, comment ? comment : end), left, right;
	const char *colon = line.len ? memchr(line.at, ':', line.len) : NULL;
	char name[KEY_MAX + 1], account[LOGIN_MAX + 1];
	size_t len;

	if (line.len == 0)
		return true;
	if (!colon) {
		report_line(reading, line, "is no line `domain: account`: it has no colon");
		return true;
	}
	left = trimmed(line.at, colon);
	right = trimmed(colon + 1, line.at + line.len);
	/* cPanel's last line, `*: nobody`: who gets what nobody owns */
	if (left.len == 1 && left.at[0] == '*')
		return true;
	len = name_read(left, name);
	if (len == 0) {
		report_line(reading, left, "is neither a domain nor a login user@domain");
		return true;
	}
	if (!account_read(right, account)) {
		report_line(reading, right, "is no account: 1 to 64 letters, digits and ._-+, or an address");
		return true;
	}
	switch (line_add(reading->file, name, len, account)) {
	case ADDED:
		return true;
	case ADDED_OTHER_ACCOUNT:
		report_line(reading, left, "has another account already: a login belongs to one");
		return true;
	case ADDED_NO_MEMORY:
		break;
	}
	return false;
}

/* As a rule each line has a domain of its own: growing by doubling would take a third of the time. */
static bool expect_lines(struct table *names, const char *at, const char *end)
{
	uint32_t size = 64, count = 0;

	for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		count++;
	while ((uint64_t)count * 4 > (uint64_t)size * 3)
		size *= 2;
	return table_resize(names, size);
}

static bool read_lines(struct reading *reading, const char *at, const char *end)
{
	if (!expect_lines(&reading->file->names, at, end))
		return false;
	if (end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		reading->number++;
		if (!read_line(reading, at, newline ? newline : end))
			return false;
		at = newline ? newline + 1 : end;
	}
	if (reading->broken > REPORTS_MAX && reading->report) {
		char sentence[512];
		struct text text;

		text_init(&text, sentence, sizeof(sentence));
		text_str(&text, reading->path);
		text_str(&text, ": ");
		text_u64(&text, reading->broken - REPORTS_MAX);
		text_str(&text, " more broken lines are skipped");
		reading->report(reading->arg, true, sentence);
	}
	return true;
}

/* ---- files ------------------------------------------------------------------------------------- */

bool owner_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int64_t stat_changed_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

static struct owner_file *owner_file_new(const struct stat *st)
{
	struct owner_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	atomic_init(&file->references, 1);
	file->changed_ms = stat_changed_ms(st);
	/* names need no more than their lines, except where U-labels become A-labels: then it grows */
	file->pool_size = (uint32_t)st->st_size + 2;
	file->pool = big_alloc(file->pool_size);
	if (!file->pool) {
		owner_file_unref(&file);
		return NULL;
	}
	file->pool[file->pool_len++] = '\0';
	return file;
}

static void shrink(void **array, size_t size)
{
	void *moved = size > 0 ? realloc(*array, size) : NULL;

	if (moved)
		*array = moved;
}

static enum owner_read index_bytes(struct reading *reading, const char *bytes, const struct stat *st)
{
	struct owner_file *file = owner_file_new(st);

	reading->file = file;
	if (!file || !read_lines(reading, bytes, bytes + st->st_size)) {
		owner_file_unref(&reading->file);
		return OWNER_READ_NO_MEMORY;
	}
	if (file->names.count == 0) {
		owner_file_unref(&reading->file);
		return OWNER_READ_EMPTY;
	}
	shrink((void **)&file->pool, file->pool_len);
	shrink((void **)&file->links, file->link_count * sizeof(*file->links));
	file->counts.accounts = file->accounts.count;
	return OWNER_READ_GOOD;
}

/* As many bytes as fstat() told, no more and no less, or somebody is writing. */
static enum owner_read read_bytes(int fd, const char *path, char *bytes, const struct stat *before)
{
	struct stat after, named;
	size_t len = 0, wanted = (size_t)before->st_size;

	while (len <= wanted) {
		ssize_t got = read(fd, bytes + len, wanted + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return OWNER_READ_FAILED;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len != wanted || fstat(fd, &after) != 0 || !owner_same(before, &after))
		return OWNER_READ_MOVING;
	return stat(path, &named) == 0 && owner_same(before, &named) ? OWNER_READ_GOOD : OWNER_READ_MOVING;
}

/* A clock that is behind the file's (NFS) must not keep it out for ever. */
static bool is_young(const struct stat *st)
{
	int64_t age = clock_wall_ms() - stat_changed_ms(st);

	return age >= 0 && age < SETTLE_MS;
}

static enum owner_read read_open(int fd, struct reading *reading, struct stat *seen)
{
	enum owner_read result;
	char *bytes;

	if (fstat(fd, seen) != 0)
		return OWNER_READ_FAILED;
	if (!S_ISREG(seen->st_mode) || seen->st_size > FILE_SIZE_MAX) {
		errno = 0;
		return OWNER_READ_FAILED;
	}
	if (is_young(seen))
		return OWNER_READ_MOVING;
	bytes = big_alloc((size_t)seen->st_size + 1);
	if (!bytes)
		return OWNER_READ_NO_MEMORY;
	result = read_bytes(fd, reading->path, bytes, seen);
	if (result == OWNER_READ_GOOD)
		result = index_bytes(reading, bytes, seen);
	free(bytes);
	return result;
}

enum owner_read owner_file_read(const char *path, struct owner_file **out, struct stat *seen,
				directory_report_fn *report, void *arg)
{
	struct reading reading = { .path = path, .report = report, .arg = arg };
	/* O_NONBLOCK: a FIFO must not stop the service */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	enum owner_read result;

	*out = NULL;
	if (fd < 0)
		return OWNER_READ_FAILED;
	result = read_open(fd, &reading, seen);
	saved = errno;
	close(fd);
	errno = saved;
	if (result == OWNER_READ_GOOD)
		*out = reading.file;
	return result;
}

struct owner_file *owner_file_ref(struct owner_file *file)
{
	if (file)
		atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
	return file;
}

void owner_file_unref(struct owner_file **file)
{
	struct owner_file *last = *file;

	*file = NULL;
	if (!last || atomic_fetch_sub_explicit(&last->references, 1, memory_order_acq_rel) != 1)
		return;
	free(last->pool);
	free(last->links);
	free(last->names.entries);
	free(last->accounts.entries);
	free(last);
}

/* ---- looking up -------------------------------------------------------------------------------- */

struct owner_counts owner_file_counts(const struct owner_file *file)
{
	return file ? file->counts : (struct owner_counts){ 0 };
}

int64_t owner_file_changed_ms(const struct owner_file *file)
{
	return file ? file->changed_ms : 0;
}

const struct owner_line *owner_file_find(const struct owner_file *file, struct owner_key key)
{
	const struct owner_line *line = file ? table_find(&file->names, file->pool, key, same_name) : NULL;

	return line && line->name != 0 ? line : NULL;
}

const char *owner_first(const struct owner_file *file, const struct owner_line *line, uint32_t *next)
{
	*next = line->more;
	return file->pool + line->account;
}

const char *owner_next(const struct owner_file *file, uint32_t *next)
{
	const struct link *link = *next != 0 ? &file->links[*next - 1] : NULL;

	*next = link ? link->next : 0;
	return link ? file->pool + link->account : NULL;
}

const char *owner_file_account(const struct owner_file *file, struct owner_key account)
{
	const struct owner_line *line = file ? table_find(&file->accounts, file->pool, account, same_account) : NULL;

	return line && line->name != 0 ? file->pool + line->name : NULL;
}

const struct owner_line *owner_file_line(const struct owner_file *file, size_t *place)
{
	while (file && *place < file->names.size) {
		const struct owner_line *line = &file->names.entries[(*place)++];

		if (line->name != 0)
			return line;
	}
	return NULL;
}

const char *owner_line_name(const struct owner_file *file, const struct owner_line *line)
{
	return file->pool + line->name;
}
