/*
 * A snapshot of the panel's files (directory/directory.h): which files, in which state each of them is,
 * and the questions that are asked of all of them together.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "directory/file.h"
#include "system/file_state.h"
#include "text.h"

#define FIRST_TRIES 10 /* for a file that is being written when nothing is known of it yet */

enum source_state { SOURCE_NEW, SOURCE_GOOD, SOURCE_EMPTY, SOURCE_FAILED };

struct source {
	const char *path;    /* in the directory's `paths` */
	struct owners *file; /* in force; NULL: nothing was ever read */
	struct stat seen;    /* GOOD, EMPTY: the state of the file that led here */
	enum source_state state;
	int error; /* FAILED */
};

struct directory {
	atomic_uint references;
	size_t count, size;
	int64_t changed_ms;
	struct source *sources;
	char *paths;
};

struct reporter {
	directory_report_fn *report;
	void *arg;
};

/* ---- loading ----------------------------------------------------------------------------------- */

struct sentence {
	char bytes[1024];
	struct text text;
};

static struct text *sentence_of(struct sentence *sentence, const struct source *source)
{
	text_init(&sentence->text, sentence->bytes, sizeof(sentence->bytes));
	text_str(&sentence->text, source->path);
	text_str(&sentence->text, ": ");
	return &sentence->text;
}

static void report_loaded(const struct reporter *to, const struct source *source)
{
	struct owner_counts counts = owners_counts(source->file);
	struct sentence sentence;
	struct text *text = sentence_of(&sentence, source);

	text_u64(text, counts.domains);
	text_str(text, " domains and ");
	text_u64(text, counts.logins);
	text_str(text, " logins of ");
	text_u64(text, counts.accounts);
	text_str(text, " accounts are known from it");
	if (to->report)
		to->report(to->arg, false, sentence.bytes);
}

static void report_kept(const struct reporter *to, const struct source *source, const char *what, const char *remedy)
{
	struct sentence sentence;
	struct text *text = sentence_of(&sentence, source);

	text_str(text, what);
	text_str(text, source->file ? "; what was read before stays in force; " : "; nothing is known from it; ");
	text_str(text, remedy);
	if (to->report)
		to->report(to->arg, true, sentence.bytes);
}

static const char remedy_panel[] = "let the panel write it, or take it out of leumund.domains";

/* Failing in the same way as at the last call is no news. */
static bool source_fail(struct source *source, int error, const struct reporter *to)
{
	const char *what = "no regular file of at most 1 GiB", *remedy = remedy_panel;

	if (source->state == SOURCE_FAILED && source->error == error)
		return false;
	source->state = SOURCE_FAILED;
	source->error = error;
	if (error == EAGAIN)
		what = "somebody writes it without a pause";
	else if (error != 0)
		what = strerror(error);
	if (error == EACCES)
		remedy = "let the user leumund read it: by its group, or an ACL, and see the folders above it";
	report_kept(to, source, what, remedy);
	return true;
}

static bool source_empty(struct source *source, const struct stat *seen, const struct reporter *to)
{
	source->state = SOURCE_EMPTY;
	source->seen = *seen;
	report_kept(to, source, seen->st_size == 0 ? "the file is empty" : "the file has no line that can be used",
		    remedy_panel);
	return true;
}

/*
 * A file that is being written is read at the next call. Without any earlier state there is
 * nothing to bridge the time with, so that is waited for.
 */
static enum owner_read read_settled(const struct source *source, struct owners **file, struct stat *seen,
				    const struct reporter *to)
{
	static const struct timespec pause = { .tv_nsec = 60000000 };
	enum owner_read result = owner_file_read(source->path, file, seen, to->report, to->arg);

	for (int i = 1; i < FIRST_TRIES && result == OWNER_READ_MOVING && source->state == SOURCE_NEW; i++) {
		nanosleep(&pause, NULL);
		result = owner_file_read(source->path, file, seen, to->report, to->arg);
	}
	return result;
}

/* `source` holds the last state, and gets the present one. True when something changed. */
static bool source_update(struct source *source, const struct reporter *to, bool *no_memory)
{
	struct owners *file;
	struct stat now;

	if (stat(source->path, &now) != 0)
		return source_fail(source, errno, to);
	if ((source->state == SOURCE_GOOD || source->state == SOURCE_EMPTY) && file_state_same(&source->seen, &now))
		return false;
	switch (read_settled(source, &file, &now, to)) {
	case OWNER_READ_GOOD:
		owners_unref(&source->file);
		source->file = file;
		source->seen = now;
		source->state = SOURCE_GOOD;
		report_loaded(to, source);
		return true;
	case OWNER_READ_EMPTY:
		return source_empty(source, &now, to);
	case OWNER_READ_MOVING:
		return source->state == SOURCE_NEW && source_fail(source, EAGAIN, to);
	case OWNER_READ_FAILED:
		return source_fail(source, errno, to);
	case OWNER_READ_NO_MEMORY:
		*no_memory = true;
		break;
	}
	return false;
}

static const struct source *source_find(const struct directory *directory, const char *path)
{
	for (size_t i = 0; directory && i < directory->count; i++) {
		if (strcmp(directory->sources[i].path, path) == 0)
			return &directory->sources[i];
	}
	return NULL;
}

static bool is_in_earlier_file(const struct directory *directory, size_t before, const char *name)
{
	struct owner_key key = owner_key(name, strlen(name));

	for (size_t i = 0; i < before; i++) {
		if (owners_find(directory->sources[i].file, key))
			return true;
	}
	return false;
}

/* cPanel names an account's first domain in both of its files; it counts once. */
static void directory_count(struct directory *directory)
{
	for (size_t i = 0; i < directory->count; i++) {
		const struct owners *file = directory->sources[i].file;
		struct owner_counts counts = owners_counts(file);
		const struct owner_line *line;
		size_t place = 0;

		directory->size += counts.domains + counts.logins;
		while (i > 0 && (line = owners_line(file, &place))) {
			if (is_in_earlier_file(directory, i, owner_line_name(file, line)))
				directory->size--;
		}
		if (owners_changed_ms(file) > directory->changed_ms)
			directory->changed_ms = owners_changed_ms(file);
	}
}

static bool same_order(const struct directory *last, const struct string_list *files)
{
	if (!last || last->count != files->count)
		return false;
	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(last->sources[i].path, files->at[i]) != 0)
			return false;
	}
	return true;
}

static struct directory *directory_new(const struct string_list *files)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	size_t len = 0;

	if (!directory)
		return NULL;
	atomic_init(&directory->references, 1);
	for (size_t i = 0; i < files->count; i++)
		len += strlen(files->at[i]) + 1;
	directory->sources = calloc(files->count + 1, sizeof(*directory->sources));
	directory->paths = malloc(len + 1);
	if (!directory->sources || !directory->paths)
		directory_unref(&directory);
	return directory;
}

/* Takes over the state from `last`. */
static void sources_init(struct directory *directory, const struct string_list *files, const struct directory *last)
{
	char *path = directory->paths;

	for (size_t i = 0; i < files->count; i++) {
		const struct source *before = source_find(last, files->at[i]);
		size_t size = strlen(files->at[i]) + 1;

		if (before) {
			directory->sources[i] = *before;
			owners_ref(before->file);
		}
		memcpy(path, files->at[i], size);
		directory->sources[i].path = path;
		path += size;
	}
	directory->count = files->count;
}

struct directory *directory_reload(const struct directory *last, const struct string_list *files,
				   directory_report_fn *report, void *arg)
{
	struct directory *next = directory_new(files);
	struct reporter to = { report, arg };
	bool changed = !same_order(last, files), no_memory = next == NULL;

	if (next)
		sources_init(next, files, last);
	for (size_t i = 0; i < files->count && !no_memory; i++)
		changed |= source_update(&next->sources[i], &to, &no_memory);
	if (no_memory && report)
		report(arg, true,
		       "the directory of domains cannot be read: out of memory; the last state stays in force");
	if (no_memory || !changed)
		directory_unref(&next);
	else
		directory_count(next);
	return next;
}

struct directory *directory_ref(struct directory *directory)
{
	if (directory)
		atomic_fetch_add_explicit(&directory->references, 1, memory_order_relaxed);
	return directory;
}

void directory_unref(struct directory **directory)
{
	struct directory *last = *directory;

	*directory = NULL;
	if (!last || atomic_fetch_sub_explicit(&last->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < last->count; i++)
		owners_unref(&last->sources[i].file);
	free(last->sources);
	free(last->paths);
	free(last);
}

/* ---- questions --------------------------------------------------------------------------------- */

size_t directory_size(const struct directory *directory)
{
	return directory ? directory->size : 0;
}

int64_t directory_changed_ms(const struct directory *directory)
{
	return directory ? directory->changed_ms : 0;
}

/* The key of the domain, or with `parents` of its nearest parent, that any file lists; at NULL: none. */
static struct owner_key listed_key(const struct directory *directory, const char *domain, bool parents)
{
	size_t len = strlen(domain);

	/* a login's line stands in the same table; it is no domain */
	while (directory && len > 0 && !memchr(domain, '@', len)) {
		struct owner_key key = owner_key(domain, len);
		const char *dot = memchr(domain, '.', len);

		for (size_t i = 0; i < directory->count; i++) {
			if (owners_find(directory->sources[i].file, key))
				return key;
		}
		if (!parents || !dot)
			break;
		len -= (size_t)(dot + 1 - domain);
		domain = dot + 1;
	}
	return (struct owner_key){ NULL, 0, 0 };
}

/* `account` NULL: does anybody? */
static bool file_owns(const struct owners *file, const struct owner_line *line, const char *account)
{
	uint32_t next;

	for (const char *owner = line ? owner_first(file, line, &next) : NULL; owner; owner = owner_next(file, &next)) {
		if (!account || owner_same_account(owner, account))
			return true;
	}
	return false;
}

/* The first `count` files. */
static bool files_own(const struct directory *directory, size_t count, struct owner_key key, const char *account)
{
	for (size_t i = 0; i < count; i++) {
		const struct owners *file = directory->sources[i].file;

		if (file_owns(file, owners_find(file, key), account))
			return true;
	}
	return false;
}

size_t directory_owners(const struct directory *directory, const char *domain, bool parents, const char **owners,
			size_t max)
{
	struct owner_key key = listed_key(directory, domain, parents);
	size_t count = 0;

	for (size_t i = 0; key.at && i < directory->count; i++) {
		const struct owners *file = directory->sources[i].file;
		const struct owner_line *line = owners_find(file, key);
		uint32_t next;

		for (const char *owner = line ? owner_first(file, line, &next) : NULL; owner;
		     owner = owner_next(file, &next)) {
			if (files_own(directory, i, key, owner))
				continue;
			if (count < max)
				owners[count] = owner;
			count++;
		}
	}
	return count;
}

static const char *parent_of(const char *domain)
{
	const char *dot = strchr(domain, '.');

	return dot ? dot + 1 : NULL;
}

/* As directory_owners(), but each file is asked once. */
bool directory_owns(const struct directory *directory, const char *account, const char *domain, bool parents)
{
	bool listed = false;

	/* a login's line stands in the same table; it is no domain */
	if (!directory || strchr(domain, '@'))
		return false;
	for (; domain && domain[0] != '\0' && !listed; domain = parents ? parent_of(domain) : NULL) {
		struct owner_key key = owner_key(domain, strlen(domain));

		for (size_t i = 0; i < directory->count; i++) {
			const struct owners *file = directory->sources[i].file;
			const struct owner_line *line = owners_find(file, key);

			if (file_owns(file, line, account))
				return true;
			listed |= line != NULL;
		}
	}
	return false;
}

static const char *mailbox_account(const struct directory *directory, const char *login, size_t local)
{
	char name[64 + 1 + sizeof(domain_name)];
	struct owner_key key;

	if (local == 0 || local > 64 ||
	    domain_canonical(login + local + 1, strlen(login + local + 1), name + local + 1) != 0)
		return NULL;
	for (size_t i = 0; i < local; i++)
		name[i] = ascii_lower(login[i]);
	name[local] = '@';
	key = owner_key(name, strlen(name));
	for (size_t i = 0; i < directory->count; i++) {
		const struct owners *file = directory->sources[i].file;
		const struct owner_line *line = owners_find(file, key);
		uint32_t next;

		if (line)
			return owner_first(file, line, &next);
	}
	return NULL;
}

const char *directory_login(const struct directory *directory, const char *login)
{
	const char *at = strrchr(login, '@');

	return directory && at ? mailbox_account(directory, login, (size_t)(at - login)) : NULL;
}

const char *directory_account(const struct directory *directory, const char *account)
{
	struct owner_key key = owner_account_key(account);

	for (size_t i = 0; directory && i < directory->count; i++) {
		const char *written = owners_account(directory->sources[i].file, key);

		if (written)
			return written;
	}
	return NULL;
}

void directory_domains(const struct directory *directory, const char *account,
		       void (*fn)(void *arg, const char *domain), void *arg)
{
	for (size_t i = 0; directory && i < directory->count; i++) {
		const struct owners *file = directory->sources[i].file;
		const struct owner_line *line;
		size_t place = 0;

		while ((line = owners_line(file, &place))) {
			const char *name = owner_line_name(file, line);

			if (!file_owns(file, line, account) || strchr(name, '@'))
				continue;
			if (i == 0 || !files_own(directory, i, owner_key(name, strlen(name)), account))
				fn(arg, name);
		}
	}
}
