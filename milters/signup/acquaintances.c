/*
 * Whom this process has lately seen its accounts know (acquaintances.h).
 */
#include "milters/signup/acquaintances.h"

#include <stdatomic.h>
#include <stdlib.h>

struct acquaintances {
	size_t count;
	_Atomic int32_t at[];
};

struct acquaintances *acquaintances_new(size_t count)
{
	struct acquaintances *acquaintances = calloc(1, sizeof(*acquaintances) + count * sizeof(acquaintances->at[0]));

	if (acquaintances)
		acquaintances->count = count;
	return acquaintances;
}

void acquaintances_free(struct acquaintances **acquaintances)
{
	free(*acquaintances);
	*acquaintances = NULL;
}

void acquaintances_add(struct acquaintances *acquaintances, int32_t print)
{
	atomic_store_explicit(&acquaintances->at[(uint32_t)print % acquaintances->count], print, memory_order_relaxed);
}

/* A free place holds 0: of fingerprints, one in 2^32 is taken for known by that. */
bool acquaintances_have(const struct acquaintances *acquaintances, int32_t print)
{
	return atomic_load_explicit(&acquaintances->at[(uint32_t)print % acquaintances->count], memory_order_relaxed) ==
	       print;
}
