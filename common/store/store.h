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
	uint64_t posted, written, dropped; /* decisions and requests */
	uint64_t local;			   /* decisions about limits without the store */
	uint64_t forgotten;		   /* counts of those that the store will never be told */
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
	const char *rule;   /* NULL: nothing objected that is to be counted */
	const char *action; /* of action_names */
	struct span text;   /* one line of printable ASCII */
};
void store_post_decision(struct store *store, const struct store_decision *decision);

/* ---- scripts ------------------------------------------------------------------------------------------------------
 */

/* One for each redis/NAME.lua; what it does, its keys, arguments and answer stand there. */
enum store_script {
	STORE_SCRIPT_DECISION,
	STORE_SCRIPT_SECRET,
	STORE_SCRIPT_SPF_KEEP,
	STORE_SCRIPT_SPF_LOOK,
	STORE_SCRIPT_LIMIT,    /* see store/limit.h */
	STORE_SCRIPT_OVERRIDE, /* see store/limit.h */
	STORE_SCRIPT_CONTACT,  /* see store/contact.h */
	STORE_SCRIPT_PROVIDER,
	/* see store/dead.h, wave.h, weather.h, budget.h, complaint.h */
	STORE_SCRIPT_DEAD,
	STORE_SCRIPT_DEAD_OF,
	STORE_SCRIPT_WAVE,
	STORE_SCRIPT_WEATHER,
	STORE_SCRIPT_BUDGET,
	STORE_SCRIPT_COMPLAINT,
	STORE_SCRIPTS,
};

/* Keys by store_key_write(), all with the same entity: one script touches one slot of a cluster. */
struct store_request {
	enum store_script script;
	const struct span *keys;
	size_t key_count;
	const struct span *args;
	size_t arg_count;
};

/* What a script returned: one value, or the values of its list. */
struct store_answer {
	enum store_result result;
	size_t count;		   /* 0 unless the result is OK; with REFUSED the error, in words */
	const struct span *fields; /* NUL-terminated; an integer as decimal text; nil: at is NULL */
};

#define STORE_BATCH 8

/*
 * Runs 1 to STORE_BATCH scripts in one go, in order but not as one step, and waits for all of their answers up to
 * `deadline_ms` in total (0: that of section `store`). Returns the worst of the results, in this order: OK, DOWN (none
 * was run), REFUSED, UNSURE. `answers` is then one for each request, to be given back by store_answers_free(); without
 * memory it is NULL, and the result DOWN or UNSURE. With a NULL store it is DOWN, as with one that is away: at once.
 *
 * Nothing is ever run twice by this, a lost connection leaves UNSURE: who counts gives the script a token, by which
 * it knows what it has counted, and posts the same request again.
 */
enum store_result store_run(struct store *store, const struct store_request *requests, size_t count,
			    struct store_answer **answers, int64_t deadline_ms);
void store_answers_free(struct store_answer **answers);

/* A field that is not there is nil, and as a number 0. */
struct span store_field(const struct store_answer *answer, size_t i);
int64_t store_field_number(const struct store_answer *answer, size_t i);

/*
 * Runs a script whose answer nobody needs, without waiting: it lies in one buffer with the decisions, is written in
 * their order, within 50 ms, kept while the store is away or takes no writes, and sent again after a loss: at least
 * once. So the script must know what it has done already, by a token or because doing it twice is the same. False: it
 * is longer than 4,000 bytes and will never be written. A NULL store forgets it.
 */
bool store_post(struct store *store, const struct store_request *request);

/*
 * Appends leu:KIND:{ENTITY} and, unless `sub` is empty, :SUB. Entity and sub may come from outside: they become lower
 * case, what is not a-z 0-9 . @ _ + - becomes %XX, an empty entity "unknown", a long one is cut and ends with a hash
 * of the whole. store_key_part() appends ":PART" for a further level.
 */
#define STORE_KEY_SIZE 512
void store_key_write(struct text *out, const char *kind, struct span entity, struct span sub);
void store_key_part(struct text *out, struct span part);

/*
 * What all servers of the store know and nobody else: it makes fingerprints of strangers' addresses (hash_keyed() in
 * hash.h). False: the store has been away since the start, so it is not known yet, and what needs it must be left out.
 * Asks the store when it is not known, and once a minute whether it is still the one in force; waits as long as that
 * takes, up to half of store.deadline_ms.
 */
struct store_secret {
	uint64_t key[2];
};
bool store_secret(struct store *store, struct store_secret *out);

/*
 * Since when this store's servers have learnt contacts, ms since 1970: when the secret was set in it. A store that lost
 * its data begins anew. 0 = not known yet; store_secret() asks.
 */
int64_t store_since(struct store *store);

/* ---- for the admin's command --------------------------------------------------------------------------------------
 */

/*
 * These wait up to `deadline_ms` in all; while the first connection is being made, for that
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

/* All fields of the hash leu:KIND:{ACCOUNT} (NULL: of all accounts), as redis/KEYS has them. */
typedef bool store_field_fn(void *arg, const char *account, const char *field, const char *value); /* false stops */
enum store_result store_fields(struct store *store, const char *kind, const char *account, store_field_fn *fn,
			       void *arg, int64_t deadline_ms);

/* The same of all accounts, and now and then how many of the store's keys were gone through, about. */
typedef void store_walked_fn(void *arg, uint64_t keys);
enum store_result store_fields_all(struct store *store, const char *kind, store_field_fn *fn, store_walked_fn *walked,
				   void *arg, int64_t deadline_ms);

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
