/*
 * What tests of the store have in common: a server of its own for each test, a store, and what is asked of both.
 */
#ifndef LEUMUND_TEST_STORE_FIXTURE_H
#define LEUMUND_TEST_STORE_FIXTURE_H

#include "store/call.h"
#include "store/key.h"
#include "test/unit/redis_server.h"
#include "test/unit/test.h"

struct fixture {
	struct server server;
	struct store_options options;
	struct store *store;
	char address[128];
	uint32_t chance;
};

/* Setup and teardown; the server runs, the store is not open. */
int store_make(void **state);
int store_unmake(void **state);
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, store_make, store_unmake)

/* Skips where there is no server; one that does not start is a failure. */
bool has_server(const struct fixture *f);
#define NEEDS_SERVER(f)             \
	do {                        \
		if (!has_server(f)) \
			skip();     \
	} while (0)

void open_store(struct fixture *f);

/* ---- what it says, asked until it does ------------------------------------------------------- */

bool becomes(struct store *store, enum store_state state, int64_t within_ms);
bool trouble_is(struct store *store, const char *word, int64_t within_ms); /* "": there is none */
bool written(struct store *store, uint64_t count, int64_t within_ms);

/* ---- calls ----------------------------------------------------------------------------------- */

enum store_result ask(struct store *store, int64_t deadline_ms, int argc, const char *const *argv);
/* Asks again while there is no answer, as a busy machine may have it. For what may be done twice. */
enum store_result decide(struct store *store, int argc, const char *const *argv);
enum store_result ping(struct store *store);
bool answers(struct store *store);
bool down_at_once(struct store *store); /* calls are refused in less than 1 ms */
int64_t now_us(void);

/* ---- decisions ------------------------------------------------------------------------------- */

/* Its text is "mail=NUMBER". */
void post(struct fixture *f, const char *account, unsigned number, const char *rule);

/* What see() saw, newest first: numbers must fall by one. */
struct seen {
	unsigned count, last, first;
	bool ordered;
	char text[128], account[STORE_ENTITY_SIZE];
	int64_t at_ms;
};
bool see(void *seen, int64_t at_ms, const char *account, const char *text);

/* What the account's history is to see(); asked again like decide(), and so is the next. */
enum store_result history(struct fixture *f, const char *account, struct seen *seen);

/* By default_domain, of an account or, with NULL, of all; negative: -STORE_NONE and the like. */
int64_t refusals(struct fixture *f, const char *account);

/* ---- settings -------------------------------------------------------------------------------- */

void free_port(char port[8]);
void write_password(struct fixture *f, char path[128], const char *password, mode_t mode);

#endif
