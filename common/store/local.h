/*
 * What this process has counted itself, against each limit of each entity: what decides while the store is away, and
 * what the store still has to be told. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_LOCAL_H
#define LEUMUND_STORE_LOCAL_H

#include "store/limit.h"

#define LOCAL_KEYS 20000 /* limits of entities that are remembered; those not used for longest go first */

struct local;

struct local *local_new(size_t keys); /* NULL: no memory */
void local_free(struct local **local);

/* Milliseconds of both clocks: that of the windows, and that of people. */
struct local_time {
	int64_t ticks, wall;
};

/* Fills the answer in; `key` is the entity's. With `owed`, what is counted has to be told to the store. */
void local_decide(struct local *local, struct limit_request *request, struct span key, struct local_time now,
		  bool owed);

/* Would all of a request fit by what this process has counted itself? */
bool local_fits(struct local *local, const struct limit_request *request, struct span key, struct local_time now);

/* Of what only this process knows: do `bound->n` more fit? With `add` they are counted, whether or not they do. */
bool local_bound(struct local *local, struct span key, const struct limit *bound, bool add, struct local_time now);

/* The store has answered: what it counted is counted here too. */
void local_follow(struct local *local, const struct limit_request *request, struct span key, struct local_time now);

struct local_debt {
	char key[STORE_KEY_SIZE], name[LIMIT_NAME_SIZE];
	uint32_t n, per_hour, per_day;
	int64_t age_ms;
};

/* Takes out a piece of what the store has to be told. False: there is none. */
bool local_owes(struct local *local);
bool local_pay(struct local *local, struct local_debt *debt, struct local_time now);

/* Decisions made here; and pieces that were owed and had to be forgotten. */
uint64_t local_decided(struct local *local);
uint64_t local_lost(struct local *local);

#endif
