/*
 * The login names of uids (directory/directory.h), remembered for a minute: the system's user database may
 * be LDAP behind a slow daemon, and every local mail asks.
 */
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "directory/directory.h"
#include "system/clock.h"

#define CACHE_SIZE 4096 /* a power of two; uids are dense, so their low bits seldom meet */
#define CACHE_MS 60000
#define RETRY_MS 1000 /* after a failure of the database itself */
#define BUFFER_FIRST 4096
#define BUFFER_MAX (1 << 20)

struct cached {
	const char *name; /* NULL: never asked */
	int64_t until_ms;
	uint32_t uid;
};

struct interned {
	struct interned *next;
	char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cached cache[CACHE_SIZE];
static struct interned *names[CACHE_SIZE];

/* The one copy of a name; "" without memory. Under the lock. */
static const char *intern(const char *name)
{
	size_t len = strlen(name);
	uint32_t hash = 2166136261u; /* FNV-1a: the system's user names are no attacker's choice */
	struct interned **list, *entry;

	if (len == 0)
		return "";
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	list = &names[hash % CACHE_SIZE];
	for (entry = *list; entry; entry = entry->next) {
		if (strcmp(entry->name, name) == 0)
			return entry->name;
	}
	entry = malloc(sizeof(*entry) + len + 1);
	if (!entry)
		return "";
	memcpy(entry->name, name, len + 1);
	entry->next = *list;
	*list = entry;
	return entry->name;
}

/* False when the database could not answer. `name` is to be freed, and NULL when there is no such user. */
static bool ask(uint32_t uid, char **name)
{
	struct passwd entry, *found = NULL;
	size_t size = BUFFER_FIRST;
	char *buffer = NULL;
	int error = ERANGE;

	*name = NULL;
	while (error == ERANGE && size <= BUFFER_MAX) {
		char *moved = realloc(buffer, size);

		if (!moved)
			break;
		buffer = moved;
		error = getpwuid_r((uid_t)uid, &entry, buffer, size, &found);
		size *= 4;
	}
	if (error == 0 && found) {
		*name = strdup(entry.pw_name);
		error = *name ? 0 : ENOMEM;
	}
	free(buffer);
	/* POSIX leaves open how "no such user" is told; these are the ways in the field (getpwuid_r(3)) */
	return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

const char *user_name(uint32_t uid)
{
	struct cached *entry = &cache[uid % CACHE_SIZE];
	int64_t now = clock_ticks_ms();
	const char *name;
	char *fresh;
	bool answered;

	pthread_mutex_lock(&lock);
	name = entry->name && entry->uid == uid && now < entry->until_ms ? entry->name : NULL;
	pthread_mutex_unlock(&lock);
	if (name)
		return name;
	answered = ask(uid, &fresh);
	pthread_mutex_lock(&lock);
	/* a name that was right a minute ago is better than none while the database is away */
	if (!answered && entry->name && entry->uid == uid)
		name = entry->name;
	else
		name = intern(fresh ? fresh : "");
	*entry = (struct cached){ name, now + (answered ? CACHE_MS : RETRY_MS), uid };
	pthread_mutex_unlock(&lock);
	free(fresh);
	return name;
}
