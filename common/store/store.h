/*
 * The shared state of all servers: Redis or Valkey, behind these functions only.
 *
 * One connection and one I/O thread per process; each caller waits with a deadline of its own for the
 * whole call. While the store is away callers are answered at once (a breaker), and what was
 * posted waits in a bounded buffer. Keys and fields: redis/KEYS. Measured facts behind this: an error reply's
 * first word alone is stable, a timed-out command may still run, so nothing that counts is ever replayed blindly.
 */
#ifndef LEUMUND_STORE_H
#define LEUMUND_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "option/option.h"
#include "text.h"

enum store_result {
	STORE_OK,
	STORE_NONE,    /* there is no such thing */
	STORE_DOWN,    /* not asked: the store is away */
	STORE_UNSURE,  /* asked, no answer in time: it may or may not have happened */
	STORE_REFUSED, /* it answered with an error: OOM, READONLY, LOADING, NOPERM, ... */
};

/* Section `store` of conf.d. */
struct store_options {
	const char *address;	   /* "" = private server on RUN/redis.sock; /path, host:port */
	const char *user;	   /* "" = none */
	const char *password_file; /* "" = none; refused when others can read it */
	bool tls;		   /* needs hiredis with TLS; refused at load otherwise */
	const char *tls_ca;
	int64_t deadline_ms;
	int64_t history_keep; /* seconds */
	int64_t history_max;  /* entries an account */
	const char *server;   /* redis-server program of the private server */
	const char *data;     /* directory of the private server, "" = RUN */
};

extern const struct section store_section;

struct store;

/*
 * Starts the I/O thread; connecting goes on behind. `socket` is used when options->address is empty.
 * The options must outlive the store. NULL and a sentence on failure. Open it after the last fork().
 */
struct store *store_open(const struct store_options *options, const char *socket, char *error, size_t size);

/* Writes out what was posted (at most `flush_ms`), then ends. No other thread may be using it. */
void store_close(struct store **store, int64_t flush_ms);

enum store_state { STORE_STATE_UP, STORE_STATE_CONNECTING, STORE_STATE_AWAY, STORE_STATE_DENIED };

struct store_status {
	enum store_state state;		   /* CONNECTING: callers wait for it; AWAY, DENIED: they get DOWN at once */
	int64_t since_ms;		   /* wall clock of the last change */
	char server[64];		   /* "redis 7.0.15", "valkey 8.0.1", "" */
	char trouble[160];		   /* last error in words, "" when none */
	uint64_t posted, written, dropped; /* decisions */
};

void store_status(struct store *store, struct store_status *out);

/*
 * Records one decision: history of the account (kept history_keep) and, unless `rule` is NULL, its refusal
 * counter. Never waits: buffered, written within 50 ms, kept in memory (at most 4 MiB, oldest dropped and counted)
 * while the store is away or takes no writes. Same id and text is the same decision: counted once.
 */
struct store_decision {
	const char *account; /* "" is written as "unknown" */
	const char *id;	     /* decision_id() */
	int64_t at_ms;
	const char *rule;   /* NULL: nothing objected */
	const char *action; /* of action_names */
	struct span text;   /* one line of printable ASCII */
};
void store_post_decision(struct store *store, const struct store_decision *decision);

/*
 * For the admin's command: these wait up to `deadline_ms` in all; while the first connection is being made, for that
 * too. `account` comes as keys hold it (lower case, %XX for what is no plain character), `text` as "ID TEXT": the
 * posted text with the decision's id in front, unless it began with it. Both are printable ASCII.
 */
typedef bool store_history_fn(void *arg, int64_t at_ms, const char *account, const char *text); /* false stops */

/* Newest first, at most `max`. STORE_NONE when the account has no history. */
enum store_result store_history(struct store *store, const char *account, int64_t from_ms, int64_t to_ms, size_t max,
				store_history_fn *fn, void *arg, int64_t deadline_ms);

/* All entries with this id, whichever account they belong to. */
enum store_result store_explain(struct store *store, const char *id, store_history_fn *fn, void *arg,
				int64_t deadline_ms);

typedef bool store_count_fn(void *arg, const char *account, const char *name, int64_t count);

/* Refusal counters of one account (NULL: of all): name is RULE.ACTION. */
enum store_result store_refusals(struct store *store, const char *account, store_count_fn *fn, void *arg,
				 int64_t deadline_ms);

/* What an admin should know about the server; each finding is one sentence with a remedy. */
typedef void store_finding_fn(void *arg, int severity /* 0 ok, 1 warn, 2 fail */, const char *sentence);
void store_examine(struct store *store, store_finding_fn *fn, void *arg, int64_t deadline_ms);

/*
 * The id of a decision: 13 characters [0-9a-z], the first 8 of which are its time in ms (base 36), the rest chance, so
 * that explain finds it without an index. decision_id_ms() returns -1 for what is no id.
 */
void decision_id(int64_t now_ms, uint32_t chance, char out[16]);
int64_t decision_id_ms(const char *id);

#endif
