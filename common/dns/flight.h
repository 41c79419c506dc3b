/*
 * Questions under way, and who waits for each. No lock of its own. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_FLIGHT_H
#define LEUMUND_DNS_FLIGHT_H

#include "dns/name.h"

struct dns_waiter {
	struct dns_waiter *next;
	dns_done_fn *done;
	void *arg;
};

struct dns_flight {
	struct dns_flight *next;   /* of the table's chain */
	struct dns_flight *follow; /* in a list of the user's */
	struct dns *dns;	   /* the user's */
	struct dns_waiter *waiters;
	const struct dns_answer *answer;
	bool unanswered; /* the answer is a failure because there was none */
	struct dns_key key;
};

struct dns_flights {
	struct dns_flight **chains;
	size_t mask, count, max;
};

/* At most `max` questions. False: no memory. */
bool dns_flights_init(struct dns_flights *flights, size_t max);
void dns_flights_free(struct dns_flights *flights);

/*
 * Adds a waiter to the question, which is put under way if it is not yet: then *is_new. NULL: there are too many
 * already, or no memory.
 */
struct dns_flight *dns_flights_join(struct dns_flights *flights, const struct dns_key *key, dns_done_fn *done,
				    void *arg, bool *is_new);

/* The flight, its waiters and its answer are the caller's then. */
void dns_flights_remove(struct dns_flights *flights, struct dns_flight *flight);

/* Calls everybody who waits, and frees all of it. */
void dns_flight_end(struct dns_flight *flight);

#endif
