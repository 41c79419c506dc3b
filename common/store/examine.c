/*
 * What an admin should know about the server behind the store (store_examine in store/store.h). Each finding is one
 * sentence; what is wrong comes with its remedy.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/call.h"
#include "store/key.h"
#include "store/target.h"
#include "system/clock.h"

enum severity { FINE, WARN, FAIL };

struct examination {
	struct store *store;
	const struct store_options *options;
	store_finding_fn *fn;
	void *arg;
	int64_t until_ms;
	char *info; /* of INFO; NULL when it may not be asked */
};

static void find(const struct examination *exam, enum severity severity, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void find(const struct examination *exam, enum severity severity, const char *format, ...)
{
	char sentence[512], safe[600];
	struct text text;
	va_list list;

	va_start(list, format);
	vsnprintf(sentence, sizeof(sentence), format, list);
	va_end(list);
	text_init(&text, safe, sizeof(safe));
	text_escaped(&text, sentence, strlen(sentence), sizeof(sentence));
	exam->fn(exam->arg, (int)severity, safe);
}

/* The value of a line "name:value" of INFO; "" when there is none. */
static void info_value(const struct examination *exam, const char *name, char *out, size_t size)
{
	const size_t len = strlen(name);
	const char *line = exam->info;

	*out = '\0';
	while (line && *line) {
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			snprintf(out, size, "%.*s", (int)strcspn(line + len + 1, "\r\n"), line + len + 1);
			return;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
}

static bool info_is(const struct examination *exam, const char *name, const char *value)
{
	char found[64];

	info_value(exam, name, found, sizeof(found));
	return strcmp(found, value) == 0;
}

/* The value of a server setting; false when we may not ask, as it should be with an ACL user of our own. */
static bool setting(const struct examination *exam, const char *name, char *out, size_t size)
{
	const char *const words[] = { "CONFIG", "GET", name };
	struct redisReply *reply;
	const bool known =
		store_ask(exam->store, 3, words, exam->until_ms, &reply) == STORE_OK && reply_count(reply) == 2;

	snprintf(out, size, "%s", known ? reply_text(reply_at(reply, 1)).at : "");
	reply_free(&reply);
	return known;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static bool examine_reach(const struct examination *exam)
{
	const char *const words[] = { "PING" };
	struct store_status status;
	double best = 0;

	for (int i = 0; i < 5; i++) {
		struct redisReply *reply;
		const double before = now_us();
		const enum store_result result = store_ask(exam->store, 1, words, exam->until_ms, &reply);
		const double took = now_us() - before;
		reply_free(&reply);
		if (result != STORE_OK) {
			store_status(exam->store, &status);
			if (status.state == STORE_STATE_DENIED)
				find(exam, FAIL,
				     "the server does not let us in: %s; check store.user and store.password_file",
				     status.trouble);
			else
				find(exam, FAIL, "the server does not answer: %s; check that it runs and store.address",
				     *status.trouble ? status.trouble : "no reply in time");
			return false;
		}
		if (i > 0 && (best == 0 || took < best)) /* the first one waits for the connection */
			best = took;
	}
	store_status(exam->store, &status);
	if (best / 1000 > (double)exam->options->deadline_ms / 4)
		find(exam, WARN, "%s answers in %.1f ms: too slow beside store.deadline_ms; put it nearer",
		     status.server, best / 1000);
	else
		find(exam, FINE, "%s answers in %.2f ms", *status.server ? status.server : "the server", best / 1000);
	return true;
}

static void examine_version(const struct examination *exam)
{
	char version[32];

	info_value(exam, "redis_version", version, sizeof(version));
	if (strtol(version, NULL, 10) < 6)
		find(exam, FAIL, "its version is %s: Redis 6 or later, or Valkey, is needed",
		     *version ? version : "unknown");
	else if (strncmp(version, "6.0.", 4) == 0)
		find(exam, WARN,
		     "its version is %s: old decisions of busy accounts go only when store.history_max is reached; "
		     "6.2 or later drops them by age",
		     version);
}

static void examine_role(const struct examination *exam)
{
	char host[256];

	if (info_is(exam, "role", "master"))
		return;
	info_value(exam, "master_host", host, sizeof(host));
	find(exam, FAIL, "it is a replica of %s and takes no writes; set store.address to the master", host);
}

static void examine_persistence(const struct examination *exam)
{
	const bool own = *exam->options->address == '\0';
	const char *where = own ? "set store.data to a directory" : "set appendonly yes (redis/redis.conf.example)";
	char dir[256], save[128];
	const bool saves = setting(exam, "save", save, sizeof(save)) && *save;

	if (info_is(exam, "loading", "1"))
		find(exam, WARN, "it is still loading its data");
	if (!info_is(exam, "aof_last_write_status", "ok") || !info_is(exam, "rdb_last_bgsave_status", "ok"))
		find(exam, FAIL,
		     "its last write to disk failed; look for a full disk or missing permissions in its log");
	else if (info_is(exam, "aof_enabled", "1"))
		find(exam, FINE, "it keeps its data on disk (append-only file)");
	else if (saves)
		find(exam, WARN, "it keeps only snapshots (save %s): a crash loses what came after the last; %s", save,
		     where);
	else
		find(exam, FAIL, "it keeps nothing on disk: a restart loses all counters and states; %s", where);
	if (own && setting(exam, "dir", dir, sizeof(dir)))
		find(exam, FINE, "the private server's data lie in %s", dir);
}

static void examine_memory(const struct examination *exam)
{
	char policy[32], used[24], limit[24];

	info_value(exam, "maxmemory_policy", policy, sizeof(policy));
	info_value(exam, "used_memory", used, sizeof(used));
	info_value(exam, "maxmemory", limit, sizeof(limit));
	const double used_mb = strtod(used, NULL) / 1048576, limit_mb = strtod(limit, NULL) / 1048576;

	if (strcmp(policy, "noeviction") != 0)
		find(exam, limit_mb > 0 ? FAIL : WARN,
		     "maxmemory-policy is %s: when memory runs out, limits and suspensions vanish "
		     "silently; set it to noeviction",
		     policy);
	if (limit_mb <= 0)
		find(exam, *exam->options->address ? WARN : FINE,
		     "it uses %.1f MB and has no limit; set maxmemory "
		     "(redis/redis.conf.example)",
		     used_mb);
	else if (used_mb >= limit_mb * 0.8)
		find(exam, used_mb >= limit_mb * 0.95 ? FAIL : WARN,
		     "it uses %.1f of %.1f MB: raise maxmemory before it takes no "
		     "more writes",
		     used_mb, limit_mb);
	else
		find(exam, FINE, "it uses %.1f of %.1f MB", used_mb, limit_mb);
}

static void examine_way(const struct examination *exam)
{
	const struct store_options *options = exam->options;
	char host[260], port[8], ignored[16];

	if (!store_address_split(options->address, host, sizeof(host), port, sizeof(port)))
		return; /* the private server */
	if (*host && !options->tls && strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0 &&
	    strcmp(host, "localhost") != 0)
		find(exam, WARN,
		     "the way to %s is not encrypted: whoever can listen reads password and decisions; set store.tls "
		     "or use a tunnel",
		     host);
	if (setting(exam, "maxmemory", ignored, sizeof(ignored)))
		find(exam, WARN,
		     "our user %s may change the server's settings; give it its own rights with "
		     "redis/users.acl.example",
		     *options->user ? options->user : "\"default\"");
}

void store_examine(struct store *store, store_finding_fn *fn, void *arg, int64_t deadline_ms)
{
	static const char *const words[] = { "INFO" };
	struct examination exam = {
		.store = store,
		.options = store_options_of(store),
		.fn = fn,
		.arg = arg,
		.until_ms = clock_ticks_ms() + deadline_ms,
	};
	struct redisReply *reply;

	if (!examine_reach(&exam))
		return;
	const enum store_result result = store_ask(store, 1, words, exam.until_ms, &reply);
	if (result == STORE_OK) {
		exam.info = strdup(reply_text(reply).at);
		examine_version(&exam);
		examine_role(&exam);
		examine_persistence(&exam);
		examine_memory(&exam);
		free(exam.info);
	} else {
		find(&exam, WARN,
		     "our user may not ask INFO, so version, role, persistence and memory are unknown; give it +info");
	}
	reply_free(&reply);
	examine_way(&exam);
}
