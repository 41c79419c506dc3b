/*
 * Questions under way, and who waits for each (dns/flight.h).
 */
#include <stdlib.h>
#include <string.h>

#include "dns/flight.h"

bool dns_flights_init(struct dns_flights *flights, size_t max)
{
	size_t chains = 16;

	while (chains < max && chains < SIZE_MAX / 4096)
		chains *= 2;
	*flights = (struct dns_flights){ calloc(chains, sizeof(struct dns_flight *)), chains - 1, 0, max };
	return flights->chains != NULL;
}

void dns_flights_free(struct dns_flights *flights)
{
	free(flights->chains);
	flights->chains = NULL;
}

static struct dns_flight *flight_find(const struct dns_flights *flights, const struct dns_key *key)
{
	struct dns_flight *flight = flights->chains[key->hash & flights->mask];

	while (flight && (flight->key.hash != key->hash || flight->key.type != key->type ||
			  !dns_name_same(&flight->key.name, &key->name)))
		flight = flight->next;
	return flight;
}

static struct dns_flight *flight_new(struct dns_flights *flights, const struct dns_key *key)
{
	struct dns_flight **chain = &flights->chains[key->hash & flights->mask];
	struct dns_flight *flight = flights->count < flights->max ? calloc(1, sizeof(*flight)) : NULL;

	if (!flight)
		return NULL;
	flight->key = *key;
	flight->next = *chain;
	*chain = flight;
	flights->count++;
	return flight;
}

struct dns_flight *dns_flights_join(struct dns_flights *flights, const struct dns_key *key, dns_done_fn *done,
				    void *arg, bool *is_new)
{
	struct dns_waiter *waiter = malloc(sizeof(*waiter));
	struct dns_flight *flight = flight_find(flights, key);

	if (!waiter)
		return NULL;
	*is_new = !flight;
	if (!flight)
		flight = flight_new(flights, key);
	if (!flight) {
		free(waiter);
		return NULL;
	}
	*waiter = (struct dns_waiter){ flight->waiters, done, arg };
	flight->waiters = waiter;
	return flight;
}

void dns_flights_remove(struct dns_flights *flights, struct dns_flight *flight)
{
	struct dns_flight **at = &flights->chains[flight->key.hash & flights->mask];

	while (*at != flight)
		at = &(*at)->next;
	*at = flight->next;
	flights->count--;
}

void dns_flight_end(struct dns_flight *flight)
{
	while (flight->waiters) {
		struct dns_waiter *waiter = flight->waiters;

		flight->waiters = waiter->next;
		waiter->done(waiter->arg, flight->answer);
		free(waiter);
	}
	dns_unref(&flight->answer);
	free(flight);
}
