/*
 * What was sent and not answered yet (store/flight.h).
 */
#include "store/flight.h"

bool flights_have_room(const struct flights *flights, unsigned count)
{
	return count <= FLIGHTS && flights->count <= FLIGHTS - count;
}

void flights_push(struct flights *flights, const struct flight *flight)
{
	flights->ring[(flights->first + flights->count++) % FLIGHTS] = *flight;
}

bool flights_pop(struct flights *flights, struct flight *flight)
{
	if (flights->count == 0)
		return false;
	*flight = flights->ring[flights->first];
	flights->first = (flights->first + 1) % FLIGHTS;
	flights->count--;
	return true;
}

int64_t flights_oldest_ms(const struct flights *flights)
{
	return flights->ring[flights->first].at_ms;
}
