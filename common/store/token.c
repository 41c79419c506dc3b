/*
 * Tokens by which limit.lua knows what it has counted (store/token.h).
 */
#include <stdatomic.h>

#include "hash.h"
#include "store/token.h"
#include "system/clock.h"

static void digits(uint64_t hash, char out[TOKEN_LENGTH + 1])
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

	for (size_t i = 0; i < TOKEN_LENGTH; i++, hash >>= 6)
		out[i] = digit[hash & 63];
	out[TOKEN_LENGTH] = '\0';
}

/* With a hash that anybody can compute, a sender could write messages that all have the same token. */
void token_write(struct store *store, struct span text, char out[TOKEN_LENGTH + 1])
{
	struct store_secret secret;

	out[0] = '\0';
	if (text.len && store_secret(store, &secret))
		digits(hash_keyed(secret.key, text.at, text.len), out);
}

void token_new(char out[TOKEN_LENGTH + 1])
{
	static _Atomic uint64_t number;
	const uint64_t mine[2] = { ++number, (uint64_t)clock_wall_ms() };

	digits(hash_bytes(mine, sizeof(mine)), out);
}
