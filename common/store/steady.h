/*
 * The time in which limits are counted: the server's clock, but without its jumps. Between two answers our own ticks,
 * which nobody sets, say what it should be. All servers of a store go by the same. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_STEADY_H
#define LEUMUND_STORE_STEADY_H

#include <stdint.h>

#include "text.h"

struct store;

#define STEADY_SIZE 24

/* For limit.lua: what the time should be, for a call; for what may be sent much later, what corrects the server's. */
struct span steady_time(struct store *store, char out[STEADY_SIZE]);
struct span steady_correction(struct store *store, char out[STEADY_SIZE]);

/* Its answer: the time that it went by, and how far that is ahead of the server's clock. */
void steady_learn(struct store *store, int64_t its_now_ms, int64_t ahead_ms);

/* For those that start later, by way of secret.lua. */
struct span steady_ahead(struct store *store, char out[STEADY_SIZE]);
void steady_adopt(struct store *store, int64_t ahead_ms);

#endif
