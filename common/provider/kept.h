/*
 * Who receives for which domain, as the store keeps it for all servers: redis/provider.lua. Internal to
 * common/provider/.
 */
#ifndef LEUMUND_PROVIDER_KEPT_H
#define LEUMUND_PROVIDER_KEPT_H

#include "provider/exchange.h"

struct kept {
	const char *domain;
	/* the answer */
	struct exchange exchange;
	int64_t seconds; /* that it holds; 0: the store does not know */
};

/* Asks for up to STORE_BATCH domains and waits for the store, as long as its section allows. */
void kept_look(struct store *store, struct kept *kept, size_t count);

/* Without waiting. What is not kept (exchange_word()) is left out. */
void kept_post(struct store *store, const char *domain, const struct exchange *exchange, int64_t seconds);

#endif
