/*
 * Which package an account has (packages.h).
 */
#include "milters/signup/packages.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "log.h"
#include "system/clock.h"
#include "system/file_state.h"
#include "text.h"

#define LOOK_MS 1000
#define ACCOUNT_SIZE 65
#define LINE_SIZE 1024
#define LINES_MOST 1000000
#define LINES_SAID 5 /* broken ones, of a file */

struct entry {
	char account[ACCOUNT_SIZE], package[PACKAGE_SIZE];
};

struct table {
	size_t count, room;
	struct entry *at; /* sorted by account */
};

struct file {
	const char *path;
	struct stat seen;
	int error; /* why it could not be read at the last look, 0: it could; so each reason is said once */
	struct table table;
};

struct packages {
	pthread_mutex_t lock, reading; /* of the tables; of whoever looks at the files */
	_Atomic int64_t looked_ms;
	size_t count;
	struct file files[];
};

/* ---- reading ----------------------------------------------------------------------------------- */

static struct span trimmed(struct span text)
{
	for (; text.len > 0 && strchr(" \t\r\n", text.at[0]); text.len--)
		text.at++;
	while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]))
		text.len--;
	return text;
}

static bool copy(char *out, size_t size, struct span from)
{
	if (from.len == 0 || from.len >= size)
		return false;
	memcpy(out, from.at, from.len);
	out[from.len] = '\0';
	return true;
}

/* False: it is broken. A comment or an empty line leaves the account "". */
static bool line_read(const char *line, struct entry *out)
{
	struct span text = trimmed(span_of(line));
	const char *colon = memchr(text.at, ':', text.len);

	out->account[0] = '\0';
	if (text.len == 0 || text.at[0] == '#')
		return true;
	return colon &&
	       copy(out->account, sizeof(out->account), trimmed((struct span){ text.at, (size_t)(colon - text.at) })) &&
	       copy(out->package, sizeof(out->package),
		    trimmed((struct span){ colon + 1, text.len - (size_t)(colon + 1 - text.at) }));
}

static bool table_add(struct table *table, const struct entry *entry)
{
	if (table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 256;
		struct entry *at = realloc(table->at, room * sizeof(*at));

		if (!at)
			return false;
		table->at = at;
		table->room = room;
	}
	table->at[table->count++] = *entry;
	return true;
}

static int by_account(const void *a, const void *b)
{
	return strcasecmp(((const struct entry *)a)->account, ((const struct entry *)b)->account);
}

/* 0, or what errno would say. */
static int lines_read(const char *path, FILE *stream, struct table *table)
{
	char line[LINE_SIZE];
	struct entry entry;
	unsigned long number = 0, broken = 0;

	while (fgets(line, sizeof(line), stream)) {
		number++;
		if (number > LINES_MOST)
			return EFBIG;
		if (!line_read(line, &entry)) {
			if (broken++ < LINES_SAID)
				log_warning("signup: %s:%lu: write `account: package`; the line is left out", path,
					    number);
		} else if (entry.account[0] != '\0' && !table_add(table, &entry)) {
			return ENOMEM;
		}
	}
	if (broken > LINES_SAID)
		log_warning("signup: %s: %lu broken lines are left out", path, broken);
	return ferror(stream) ? EIO : 0;
}

static int table_read(const char *path, struct table *table, struct stat *seen)
{
	FILE *stream = fopen(path, "re");
	int error;

	if (!stream)
		return errno;
	if (fstat(fileno(stream), seen) != 0)
		error = errno;
	else
		error = S_ISREG(seen->st_mode) ? lines_read(path, stream, table) : EINVAL;
	fclose(stream);
	if (error == 0 && table->count == 0)
		error = ENODATA;
	if (error == 0)
		qsort(table->at, table->count, sizeof(*table->at), by_account);
	return error;
}

/* ---- changes ----------------------------------------------------------------------------------- */

static void file_fail(struct file *file, int error)
{
	if (file->error != error)
		log_warning("signup: %s: %s; %s", file->path,
			    error == ENODATA ? "it names no package" : strerror(error),
			    file->table.count ? "what was read before stays in force"
					      : "let the panel write it, or take it out of signup.packages");
	file->error = error;
}

static void file_look(struct packages *packages, struct file *file)
{
	struct table table = { 0, 0, NULL };
	struct stat now;
	int error = 0;

	if (stat(file->path, &now) != 0)
		error = errno;
	else if (file_state_same(&now, &file->seen))
		return;
	else
		error = table_read(file->path, &table, &now);
	if (error != 0) {
		free(table.at);
		file_fail(file, error);
		return;
	}
	file->seen = now;
	file->error = 0;
	log_info("signup: %s: the packages of %zu accounts are known", file->path, table.count);
	pthread_mutex_lock(&packages->lock);
	const struct table old = file->table;
	file->table = table;
	pthread_mutex_unlock(&packages->lock);
	free(old.at);
}

/* One thread looks, the others go on with what is known. */
static void look(struct packages *packages)
{
	const int64_t now_ms = clock_ticks_ms();

	if (now_ms - atomic_load(&packages->looked_ms) < LOOK_MS || pthread_mutex_trylock(&packages->reading) != 0)
		return;
	atomic_store(&packages->looked_ms, now_ms);
	for (size_t i = 0; i < packages->count; i++)
		file_look(packages, &packages->files[i]);
	pthread_mutex_unlock(&packages->reading);
}

struct packages *packages_new(const struct string_list *files)
{
	struct packages *packages = calloc(1, sizeof(*packages) + files->count * sizeof(packages->files[0]));

	if (!packages)
		return NULL;
	pthread_mutex_init(&packages->lock, NULL);
	pthread_mutex_init(&packages->reading, NULL);
	for (; packages->count < files->count; packages->count++)
		packages->files[packages->count].path = files->at[packages->count];
	atomic_init(&packages->looked_ms, clock_ticks_ms() - LOOK_MS);
	look(packages);
	return packages;
}

void packages_free(struct packages **at)
{
	struct packages *packages = *at;

	*at = NULL;
	if (!packages)
		return;
	for (size_t i = 0; i < packages->count; i++)
		free(packages->files[i].table.at);
	pthread_mutex_destroy(&packages->lock);
	pthread_mutex_destroy(&packages->reading);
	free(packages);
}

void packages_of(struct packages *packages, const char *account, char out[PACKAGE_SIZE])
{
	const struct entry *found = NULL;
	struct entry wanted = { "", "" };

	out[0] = '\0';
	if (packages->count == 0 || !copy(wanted.account, sizeof(wanted.account), span_of(account)))
		return;
	look(packages);
	pthread_mutex_lock(&packages->lock);
	for (size_t i = 0; i < packages->count && !found; i++) {
		const struct table *table = &packages->files[i].table;

		if (table->count > 0)
			found = bsearch(&wanted, table->at, table->count, sizeof(*table->at), by_account);
	}
	if (found)
		memcpy(out, found->package, PACKAGE_SIZE);
	pthread_mutex_unlock(&packages->lock);
}
